//! Every interleaving of the pool's handshakes, tried out by loom: `bash .ci/loom thread_pool`.
//!
//! This is the pool itself, its threads and its shutdown included; the clock and the parking are the models' own
//! (`sync.rs`), and there is no watcher and no monitor. Each model was seen to fail when what it guards is taken away,
//! as is written beside it; *deadlock* is loom's word for a job that nobody runs, or an end that nobody hears of.

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
    state.growth.at_once = max_threads;
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

    fn spent(&self) -> Option<Ran> {
        None
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

/// The more threads, the fewer preemptions can be tried in some seconds.
fn model_of(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
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

/// A push finds the worker in the list, and then wakes it, or finds it at work, and calls another. So does a close.
///
/// Fails with: a `Sleeper::sleep` that clears `notified` first (deadlock: the wake is lost); a `close` that wakes nobody
/// (deadlock); an `execute` that calls `ensure_progress` before it pushes (deadlock); a `play_out` that does not discharge
/// who finds no job (a searcher is counted after the end).
#[test]
fn a_push_against_a_worker_that_goes_to_sleep() {
    loom::model(|| {
        let pool = pool(2, FOR_EVER, false);
        Probe::submitted(&pool).end.wait();
        Probe::submitted(&pool).end.wait();
        shut_down(&pool);
    });
}

/// With nobody else to be had, the one worker looks at the queue under the same lock under which it goes on the list.
///
/// Fails with: a `Worker::next` that lets go of the lock and takes it again before `self.sleep` (deadlock: the push saw a
/// busy worker, which sleeps); a `Shared::has_come` that leaves the outbox open (deadlock: the same without the lock).
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

/// Who takes a job passes the baton on: a push that left its job to that searcher is not left alone.
///
/// Fails with: a `Worker::next` that does not call `ensure_progress` when it has taken a job (deadlock).
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

/// A job runs before the shutdown is ready, or is refused; and the shutdown hears of the end.
///
/// Fails with: an `execute` that lets go of the lock and takes it again when it has looked at `closed` (a job that was taken
/// on has not run); a `Worker::next` that looks at `closed` before it pops (a job is left); a `start_thread` that wakes nobody when
/// it answers after its thread has ended (deadlock).
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

/// A worker that has slept out its time ends, unless a push has taken it off the list meanwhile.
///
/// Fails with: a `Worker::sleep` that takes `Standing::Recruited` for the end of the time (a searcher is counted after the end), or
/// that leaves a worker whose time was up in the list (deadlock: a thread that has ended is called).
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

/// A push calls nobody while a worker lingers, and marks itself; the worker looks again under the lock, whether it has seen the
/// mark or not.
///
/// Fails with: a `linger` that clears `pushed` after it has let go of the lock (the mark is lost); a `Worker::next` that
/// sleeps after it has lingered, in place of `continue` (deadlock).
#[test]
fn a_push_against_a_worker_that_lingers() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, true);
        Probe::submitted(&pool).end.wait();
        let second = Probe::gated();
        // It has then cleared the mark already, and does not linger again before the gate is opened.
        let lingering = pool.lock().growth.lingering;
        assert!(second.submit(&pool).is_ok());
        assert!(!lingering || pool.pushed.load(Ordering::Relaxed));
        second.open();
        second.end.wait();
        shut_down(&pool);
    });
}

/// What is in the outbox is taken by the short cut, or under the lock.
///
/// Fails with: a `Shared::pop` that does not look there (deadlock).
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

/// A job in the outbox counts as work when the baton is passed on.
///
/// Fails with: a `has_work` that looks at the queues alone (deadlock); an `ensure_progress` that leaves the outbox open when
/// the searcher has become a worker (deadlock: what comes then calls nobody).
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
