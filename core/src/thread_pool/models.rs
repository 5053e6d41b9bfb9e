//! loom drives the pool itself, its threads and all: `bash .ci/loom thread_pool`
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loom::future::block_on;
use loom::sync::mpsc::{Receiver, Sender, channel};
use loom::thread;

use super::builder::Settings;
use super::queue::OWN;
use super::shared::Shared;
use super::shutdown::Shutdown;
use crate::error::TaskError;
use crate::limiter::Permit;
use crate::pool::{Job, Refused};
use crate::spin::Backoff;
use crate::task::{Ran, Runnable};

const FOR_EVER: Duration = Duration::MAX;
const A_WHILE: Duration = Duration::from_secs(10);

fn pool(max_threads: usize, keep_alive: Duration, lingers: bool) -> Arc<Shared> {
    let shared = Arc::new(Shared::new(Settings {
        max_threads: NonZeroUsize::new(max_threads).unwrap(),
        min_threads: 0,
        keep_alive,
        name: String::new(),
        stack_size: None,
        queue_limit: None,
        on_thread_start: None,
        on_thread_stop: None,
        on_stall: None,
        // There is no handle to give back: the pool takes the thread as it comes, whatever is said of it.
        spawn: Arc::new(|_, body| {
            thread::spawn(body);
            Err(io::Error::other("a thread of the model"))
        }),
    }));
    let mut state = shared.lock();
    // Nobody watches: a watcher goes by the clock.
    state.growth.cores = max_threads;
    state.growth.linger = lingers.then_some(Backoff::NEW);
    // The monitor has a thread of its own, which is none of loom's.
    state.monitored = true;
    drop(state);
    shared
}

/// Somebody waits for it, once. A `Notify` would return early, too.
struct Event(Mutex<(Sender<()>, Option<Receiver<()>>)>);

impl Default for Event {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self(Mutex::new((sender, Some(receiver))))
    }
}

impl Event {
    fn happen(&self) {
        let sender = self.0.lock().unwrap().0.clone();
        sender.send(()).unwrap();
    }

    fn wait(&self) {
        let receiver = self.0.lock().unwrap().1.take();
        receiver.unwrap().recv().unwrap();
    }
}

/// A job that says when it has run, to who must wait for that.
#[derive(Default)]
struct Probe {
    /// What it waits for first.
    gate: Option<Event>,
    ran: AtomicUsize,
    refused: AtomicUsize,
    end: Event,
}

impl Probe {
    fn gated() -> Arc<Self> {
        Arc::new(Self { gate: Some(Event::default()), ..Self::default() })
    }

    fn submit(self: &Arc<Self>, pool: &Arc<Shared>) -> Result<(), Refused> {
        pool.execute(OWN, Job::new(self.clone()), false)
    }

    fn submitted(pool: &Arc<Shared>) -> Arc<Self> {
        let probe = Arc::new(Self::default());
        assert!(probe.submit(pool).is_ok());
        probe
    }

    fn open(&self) {
        self.gate.as_ref().unwrap().happen();
    }

    fn counts(&self) -> (usize, usize) {
        (self.ran.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

impl Runnable for Probe {
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
        self.end.happen();
        more();
        Ran::Returned
    }

    fn refuse(&self, _: TaskError) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn is_spent(&self) -> bool {
        false
    }

    fn carry(&self, _: Permit) {}

    fn expect_soon(&self) {}

    fn begin_submission(&self) {}

    fn end_submission(&self, _: Option<TaskError>) {}

    fn driver(&self) -> usize {
        0
    }

    fn place(&self) -> &'static Location<'static> {
        Location::caller()
    }
}

/// With three threads, two preemptions take as long to try as three do with two.
fn model_of(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.map(|bound| bound.min(preemptions));
    model.check(run);
}

/// Closes the pool and waits for its end.
fn shut_down(pool: &Arc<Shared>) {
    block_on(Shutdown::begin(pool)).unwrap();
    let state = pool.lock();
    assert_eq!((state.threads, state.idle.len()), (0, 0));
    assert_eq!((state.growth.searching, state.growth.watching, state.growth.lingering), (0, false, false));
    assert!(!pool.has_work(&state));
}

#[test]
fn a_push_against_a_worker_that_goes_to_sleep() {
    loom::model(|| {
        let pool = pool(2, FOR_EVER, false);
        Probe::submitted(&pool).end.wait();
        Probe::submitted(&pool).end.wait();
        shut_down(&pool);
    });
}

#[test]
fn a_push_at_the_cap() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, false);
        let first = Probe::submitted(&pool);
        let second = Probe::submitted(&pool);
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}

#[test]
fn a_push_behind_a_job_that_blocks() {
    model_of(2, || {
        let pool = pool(2, FOR_EVER, false);
        let first = Probe::gated();
        assert!(first.submit(&pool).is_ok());
        Probe::submitted(&pool).end.wait();
        first.open();
        first.end.wait();
        shut_down(&pool);
    });
}

#[test]
fn a_push_against_a_close() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, false);
        let probe = Arc::new(Probe::default());
        let submitter = {
            let (pool, probe) = (pool.clone(), probe.clone());
            thread::spawn(move || probe.submit(&pool).is_ok())
        };
        shut_down(&pool);
        let ran = probe.counts().0;
        let accepted = submitter.join().unwrap();
        if ran == 1 {
            probe.end.wait();
        }
        assert_eq!(ran, usize::from(accepted));
        assert_eq!(probe.counts(), (ran, 1 - ran));
    });
}

#[test]
fn a_push_against_a_worker_that_ends() {
    loom::model(|| {
        let pool = pool(1, A_WHILE, false);
        for _ in 0..3 {
            Probe::submitted(&pool).end.wait();
        }
        shut_down(&pool);
    });
}

#[test]
fn a_push_against_a_worker_that_lingers() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, true);
        Probe::submitted(&pool).end.wait();
        let second = Probe::gated();
        let lingering = pool.lock().growth.lingering;
        assert!(second.submit(&pool).is_ok());
        assert!(!lingering || pool.pushed.load(Ordering::Relaxed));
        second.open();
        second.end.wait();
        shut_down(&pool);
    });
}

#[test]
fn a_push_against_a_full_outbox() {
    model_of(2, || {
        let pool = pool(2, FOR_EVER, false);
        let second = Probe::gated();
        let first = Probe::submitted(&pool);
        assert!(second.submit(&pool).is_ok());
        Probe::submitted(&pool).end.wait();
        second.open();
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}

#[test]
fn a_job_in_the_outbox_behind_jobs_that_block() {
    model_of(1, || {
        let pool = pool(3, FOR_EVER, false);
        let blocking = [Probe::gated(), Probe::gated()];
        for probe in &blocking {
            assert!(probe.submit(&pool).is_ok());
        }
        Probe::submitted(&pool).end.wait();
        for probe in blocking {
            probe.open();
            probe.end.wait();
        }
        shut_down(&pool);
    });
}
