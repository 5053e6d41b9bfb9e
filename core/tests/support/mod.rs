//! Books that a test keeps of its calls, to be held against the pool's own.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod bell;
pub(crate) mod choices;

use std::env;
use std::io;
use std::ops::{Add, AddAssign};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyloop_core::{Actor, Limited, PoolExt, Task, TaskError, ThreadPool, from_thread};

/// Long enough for a machine that is busy with other tests; waited for only where something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Blocks one thread of a pool until the sender is dropped. The call's place is that of the caller.
#[track_caller]
pub(crate) fn block(pool: &ThreadPool) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    pool.submit(move || {
        starting.send(()).unwrap();
        let _ = released.recv();
    })
    .detach();
    started.recv().unwrap();
    release
}

/// A call of an actor that has begun, runs until it is cancelled, and then ends in what `last` gives.
#[track_caller]
pub(crate) fn until_cancelled<T: 'static, R: Send + 'static>(
    actor: &Actor<T>,
    last: impl FnOnce(&mut T) -> R + Send + 'static,
) -> Task<R> {
    let (starting, started) = mpsc::channel();
    let task = actor.with(move |value| {
        starting.send(()).unwrap();
        while !from_thread::is_cancelled() {
            thread::yield_now();
        }
        last(value)
    });
    started.recv().unwrap();
    task
}

/// Many calls, and that no two of them run at the same time, nor in another order than submitted. `pause` is called in each.
#[track_caller]
pub(crate) fn assert_one_at_a_time_in_order(
    actor: &Actor<Vec<usize>>,
    calls: usize,
    pause: impl Fn(usize) + Copy + Send + 'static,
) {
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..calls)
        .map(|number| {
            let inside = inside.clone();
            actor.with(move |seen: &mut Vec<usize>| {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "alone");
                pause(number);
                seen.push(number);
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        task.wait().unwrap();
    }
    assert_eq!(actor.close().wait().unwrap(), (0..calls).collect::<Vec<_>>());
}

/// What became of closures.
#[derive(Default)]
pub(crate) struct Counts {
    made: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
}

impl Counts {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// Captured by each closure.
pub(crate) struct Counted(Arc<Counts>);

impl Counted {
    pub(crate) fn new(counts: &Arc<Counts>) -> Self {
        counts.made.fetch_add(1, Ordering::SeqCst);
        Self(counts.clone())
    }

    pub(crate) fn run<T>(&self, value: T) -> T {
        self.0.ran.fetch_add(1, Ordering::SeqCst);
        value
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// In what tasks ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) returned: usize,
    pub(crate) panicked: usize,
    /// By an abort.
    pub(crate) cancelled: usize,
    /// By dropping the task: the test says how many.
    pub(crate) dropped: usize,
    pub(crate) no_thread: usize,
    pub(crate) shut_down: usize,
}

impl Ends {
    /// Waits for it.
    pub(crate) fn of<T>(task: Task<T>) -> Self {
        let mut ends = Self::default();
        *match task.wait() {
            Ok(_) => &mut ends.returned,
            Err(TaskError::Panicked(_)) => &mut ends.panicked,
            Err(TaskError::Cancelled) => &mut ends.cancelled,
            Err(TaskError::NoThread(_)) => &mut ends.no_thread,
            Err(TaskError::Shutdown) => &mut ends.shut_down,
            Err(other) => panic!("ended in {other:?}"),
        } += 1;
        ends
    }
}

/// One of several users, who submit to the pool or to a view of it: so many calls, and in what they ended.
pub(crate) fn submit_as(
    user: usize,
    pool: &ThreadPool,
    view: &Limited,
    counts: &Arc<Counts>,
    calls: usize,
) -> Ends {
    let submit = |number: usize| {
        let counted = Counted::new(counts);
        let work = move || counted.run(number);
        if user.is_multiple_of(2) { pool.submit(work) } else { view.submit(work) }
    };
    let tasks: Vec<_> = (0..calls).map(submit).collect();
    tasks.into_iter().map(Ends::of).collect()
}

impl Add for Ends {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            returned: self.returned + other.returned,
            panicked: self.panicked + other.panicked,
            cancelled: self.cancelled + other.cancelled,
            dropped: self.dropped + other.dropped,
            no_thread: self.no_thread + other.no_thread,
            shut_down: self.shut_down + other.shut_down,
        }
    }
}

impl AddAssign for Ends {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl FromIterator<Self> for Ends {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        all.into_iter().fold(Self::default(), Self::add)
    }
}

/// Of a pool that was shut down: its figures are those of the tasks' own ends.
#[track_caller]
pub(crate) fn assert_books(pool: &ThreadPool, counts: &Counts, ends: Ends) {
    let metrics = pool.metrics();
    assert_eq!(counts.dropped(), counts.made(), "each closure is dropped exactly once");
    assert!(counts.ran() <= ends.returned + ends.panicked, "none runs whose task says that it did not");
    let count = |number: usize| number as u64;
    assert_eq!(
        (metrics.completed, metrics.panicked),
        (count(ends.returned), count(ends.panicked)),
        "{metrics:?}"
    );
    assert_eq!(metrics.cancelled_by_drop, count(ends.dropped), "{metrics:?}");
    // A shutdown cancels what is queued, and refuses what comes later: to the task, both are its end in `Shutdown`.
    let others = ends.cancelled + ends.shut_down + ends.no_thread;
    assert_eq!(metrics.cancelled + metrics.refused, count(others), "{metrics:?}");
    assert!(metrics.refused >= count(ends.no_thread), "{metrics:?}");
    assert_eq!((metrics.threads, metrics.idle, metrics.running), (0, 0, 0), "{metrics:?}");
    assert_eq!((metrics.queued, metrics.waiting), (0, 0), "{metrics:?}");
    assert_eq!(metrics.threads_started, metrics.threads_ended, "{metrics:?}");
}

/// Runs an ignored test of this binary in a process with such a variable: the environment of its own is best left alone by a test.
pub(crate) fn run_in_child(test: &str, variable: &str, value: &str) {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(variable, value)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"), "it has run");
}

/// One that runs one call at a time, and is given no third thread.
pub(crate) fn pool_of_two() -> ThreadPool {
    let asked = AtomicUsize::new(0);
    let handler = move |builder: thread::Builder, body: Box<dyn FnOnce() + Send>| {
        if asked.fetch_add(1, Ordering::Relaxed) < 2 {
            builder.spawn(body)
        } else {
            Err(io::Error::other("no more threads in this test"))
        }
    };
    ThreadPool::builder().max_threads(1).spawn_handler(handler).build().unwrap()
}

/// So many calls that are all queued before the first of them begins, on a pool of one thread.
pub(crate) fn all_at_once<T: Send + 'static>(
    pool: &ThreadPool,
    calls: usize,
    body: impl FnOnce() -> T + Clone + Send + 'static,
) -> Vec<Task<T>> {
    let _gate = block(pool);
    (0..calls).map(|_| pool.submit(body.clone())).collect()
}

/// What a task ends in, unless it takes longer.
pub(crate) fn ended_within<T: Send + 'static>(
    limit: Duration,
    task: Task<T>,
) -> Option<Result<T, TaskError>> {
    let start = Instant::now();
    while !task.is_finished() {
        if start.elapsed() > limit {
            task.detach();
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Some(task.wait())
}

/// A pool of one thread in which `body` runs twice, the second time in the place that the first lends. `outside` runs before the first
/// goes on: what it submits stands behind the second.
pub(crate) fn two_that_wait<T: Send + 'static>(
    pool: &ThreadPool,
    body: impl Fn() -> T + Clone + Send + 'static,
    outside: impl FnOnce(),
) -> [T; 2] {
    let ((begun, begins), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
    let first = body.clone();
    let first = pool.submit(move || {
        begun.send(()).unwrap();
        let _ = gone.recv();
        first()
    });
    begins.recv().unwrap();
    let second = pool.submit(body);
    outside();
    drop(go);
    [first, second].map(|call| call.wait().unwrap())
}
