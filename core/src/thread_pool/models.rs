//! loom drives the pool itself, its threads and all: `bash .ci/loom thread_pool`
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use loom::future::block_on;
use loom::sync::Notify;
use loom::sync::atomic::{AtomicUsize, Ordering};
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

/// A job that says when it has run.
struct Probe {
    ran: AtomicUsize,
    refused: AtomicUsize,
    end: Notify,
}

impl Probe {
    fn new() -> Arc<Self> {
        Arc::new(Self { ran: AtomicUsize::new(0), refused: AtomicUsize::new(0), end: Notify::new() })
    }

    fn submit(self: &Arc<Self>, pool: &Arc<Shared>) -> Result<(), Refused> {
        pool.execute(OWN, Job::new(self.clone()), false)
    }

    fn submitted(pool: &Arc<Shared>) -> Arc<Self> {
        let probe = Self::new();
        assert!(probe.submit(pool).is_ok());
        probe
    }
}

impl Runnable for Probe {
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        self.ran.fetch_add(1, Ordering::Relaxed);
        self.end.notify();
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

/// Closes the pool and waits for its end.
fn shut_down(pool: &Arc<Shared>) {
    block_on(Shutdown::begin(pool)).unwrap();
    let state = pool.lock();
    assert_eq!((state.threads, state.idle.len()), (0, 0));
    assert_eq!((state.growth.searching, state.growth.watching, state.growth.lingering), (0, false, false));
    assert!(!pool.has_work(&state));
}

#[test]
fn models_a_push_against_a_worker_that_goes_to_sleep() {
    loom::model(|| {
        let pool = pool(2, FOR_EVER, false);
        Probe::submitted(&pool).end.wait();
        Probe::submitted(&pool).end.wait();
        shut_down(&pool);
    });
}
