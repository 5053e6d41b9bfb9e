//! What goes wrong around a pool: foreign code that panics, a million calls given up, a shutdown in the midst of
//! submits. After each, every task has ended, every closure was dropped exactly once, and the books add up.

mod support;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use anyloop_core::{PoolExt, Task, TaskError, ThreadPool};
use support::{Counted, Counts, Ends, assert_books, block, submit_as};

const BOMB: &str = "a destructor's bug";

/// Panics as it drops, after what it holds was counted.
struct Bomb(Counted);

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new(BOMB));
    }
}

/// Everything that is the user's panics at once, on both threads of a pool that needs them all the time.
#[test]
fn hooks_wakers_and_destructors_may_all_panic() {
    struct BadWake;
    impl Wake for BadWake {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker's bug"));
        }
    }
    struct BadDrop(AtomicUsize);
    impl Wake for BadDrop {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Drop for BadDrop {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("a waker's bug"));
        }
    }

    const CALLS: usize = 600;
    let pool = ThreadPool::builder()
        .max_threads(2)
        .keep_alive(Duration::ZERO)
        .on_thread_start(|| std::panic::resume_unwind(Box::new("a hook's bug")))
        .on_thread_stop(|| std::panic::resume_unwind(Box::new("a hook's bug")))
        .build()
        .unwrap();
    let counts = Counts::new();
    let mut ends = Ends::default();
    for round in 0..CALLS / 6 {
        let counted = || Counted::new(&counts);
        let mut tasks: Vec<Task<usize>> = Vec::new();
        let (one, two, three) = (Bomb(counted()), counted(), Bomb(counted()));
        // What a closure captured panics as it drops; or the closure does itself. (Both at once would be a panic in a
        // panic, for which Rust ends the process. The same goes for the wakers.)
        tasks.push(pool.submit(move || one.0.run(round)));
        tasks.push(pool.submit(move || panic_with(&two)));
        tasks.push(pool.submit(move || three.0.run(round)));
        for (number, task) in tasks.iter_mut().enumerate() {
            let waker = if (round + number) % 2 == 0 {
                Waker::from(Arc::new(BadWake))
            } else {
                Waker::from(Arc::new(BadDrop(AtomicUsize::new(0))))
            };
            let _ = pin!(task).poll(&mut Context::from_waker(&waker)).map(drop);
            // The last clone is the pool's now, unless the call has ended.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
        }
        drop(tasks);
        // Values that nobody takes, and closures that are cancelled, perhaps before they run.
        let (four, five, six) = (counted(), Bomb(counted()), counted());
        pool.submit(move || Bomb(four)).detach();
        let cancelled = pool.submit(move || five.0.run(round));
        cancelled.abort();
        drop(cancelled);
        // The pool is as good as ever.
        ends += Ends::of(pool.submit(move || six.run(round)));
        assert_eq!(ends.returned, round + 1);
    }
    pollster::block_on(pool.shutdown()).unwrap();
    assert_eq!(counts.dropped(), CALLS, "each exactly once");
    assert_eq!(counts.made(), CALLS);
    let metrics = pool.metrics();
    let ended = metrics.completed + metrics.panicked + metrics.cancelled + metrics.cancelled_by_drop;
    assert_eq!((ended, metrics.refused), (CALLS as u64, 0), "{metrics:?}");
    assert_eq!((metrics.threads, metrics.threads_started), (0, metrics.threads_ended));
}

fn panic_with(_: &Counted) -> usize {
    std::panic::resume_unwind(Box::new("a closure's bug"))
}

/// A million tasks are dropped while their calls are queued: each is cancelled and counted, what comes behind them runs, and
/// the queue lets go of them without a thread that looks at each.
#[test]
fn a_million_queued_calls_may_be_dropped_at_once() {
    const MANY: usize = 1_000_000;
    let (pool, counts) = (ThreadPool::new(1).unwrap(), Counts::new());
    let release = block(&pool);
    let tasks: Vec<Task<usize>> = (0..MANY)
        .map(|number| {
            let counted = Counted::new(&counts);
            pool.submit(move || counted.run(number))
        })
        .collect();
    assert_eq!(pool.metrics().queued, MANY);
    drop(tasks);
    assert_eq!((counts.dropped(), counts.ran()), (MANY, 0), "closures are dropped there and then");
    // The queue has grown so long that pushes clear it, by and by.
    let behind: Vec<_> = (0..200_000)
        .map(|number| {
            let counted = Counted::new(&counts);
            pool.submit(move || counted.run(number))
        })
        .collect();
    drop(release);
    let ends: Ends = behind.into_iter().map(Ends::of).collect();
    assert_eq!(ends.returned, 200_000);
    pollster::block_on(pool.shutdown()).unwrap();
    // The call that blocked is one more.
    assert_books(&pool, &counts, ends + Ends { returned: 1, dropped: MANY, ..Ends::default() });
}

/// Cancelled calls that are cleared away, to make room, are counted all the same: in the pool's books and in a view's.
#[test]
fn calls_that_are_cleared_away_are_counted() {
    let (pool, counts) = (ThreadPool::new(1).unwrap(), Counts::new());
    let view = pool.limit(1);
    let release = block(&pool);
    // Above the length at which a queue is cleared.
    let mut aborted: Vec<_> = (0..70_000)
        .map(|number| {
            let counted = Counted::new(&counts);
            view.submit(move || counted.run(number))
        })
        .collect();
    drop(aborted.split_off(30_000));
    aborted.iter().for_each(|task| task.abort());
    // Twice as long as it was when it was cleared last: now it is cleared again.
    let behind: Vec<_> = (0..70_000).map(|_| view.submit(|| ())).collect();
    let of_view = view.metrics().unwrap();
    assert!(of_view.queued < 130_000, "nothing was cleared away: {of_view:?}");
    let early = of_view.cancelled + of_view.cancelled_by_drop;
    assert!(early > 0, "they are counted as they leave the queue: {of_view:?}");
    drop(release);
    behind.into_iter().for_each(|task| task.wait().unwrap());
    pollster::block_on(pool.shutdown()).unwrap();
    let (of_view, of_pool) = (view.metrics().unwrap(), pool.metrics());
    for metrics in [&of_view, &of_pool] {
        let cancelled = (metrics.cancelled, metrics.cancelled_by_drop);
        assert_eq!(cancelled, (30_000, 40_000), "{metrics:?}");
    }
    assert_eq!((of_view.completed, of_pool.completed), (70_000, 70_001));
}

/// Eight threads submit to the pool and to a view while it is closed: with a limit of time and without, with a thread that
/// computes and with all of them blocked.
#[test]
fn a_shutdown_may_race_with_submits_from_eight_threads() {
    const USERS: usize = 8;
    const EACH: usize = 300;
    for round in 0..40 {
        let (pool, counts) = (ThreadPool::new(1 + round % 4).unwrap(), Counts::new());
        let view = pool.limit(2);
        let start = Barrier::new(USERS + 1);
        let ends = thread::scope(|scope| {
            let users: Vec<_> = (0..USERS)
                .map(|user| {
                    let (pool, view, counts, start) = (&pool, &view, &counts, &start);
                    scope.spawn(move || {
                        start.wait();
                        submit_as(user, pool, view, counts, EACH)
                    })
                })
                .collect();
            start.wait();
            for _ in 0..(round / 2) * 500 {
                std::hint::spin_loop();
            }
            if round % 2 == 0 {
                pollster::block_on(pool.shutdown()).unwrap();
            } else {
                // No time at all: what is queued is cancelled, under the users' hands.
                pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
            }
            users.into_iter().map(|user| user.join().unwrap()).collect::<Ends>()
        });
        assert_eq!(ends.returned + ends.shut_down, USERS * EACH, "{ends:?}");
        // A shutdown without time has left the threads to themselves.
        pollster::block_on(pool.shutdown()).unwrap();
        drop(view);
        assert_books(&pool, &counts, ends);
        assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::Shutdown)));
    }
}

/// What is queued when there is no more time was cancelled by the shutdown: that is what the books say, and the report.
#[test]
fn what_a_shutdown_cancels_is_counted_as_cancelled() {
    let (pool, counts) = (ThreadPool::new(1).unwrap(), Counts::new());
    let release = block(&pool);
    let mut tasks: Vec<_> = (0..100)
        .map(|number| {
            let counted = Counted::new(&counts);
            pool.submit(move || counted.run(number))
        })
        .collect();
    drop(tasks.split_off(90));
    tasks[0].abort();
    let report = pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
    assert_eq!((report.cancelled, report.still_running), (89, 1));
    let refused = pool.submit(|| ()).wait();
    assert!(matches!(refused, Err(TaskError::Shutdown)));
    let metrics = pool.metrics();
    assert_eq!((metrics.cancelled, metrics.cancelled_by_drop, metrics.refused), (90, 10, 1), "{metrics:?}");
    assert_eq!((metrics.queued, metrics.running), (0, 1));
    drop(release);
    let ends: Ends = tasks.into_iter().map(Ends::of).collect();
    assert_eq!((ends.shut_down, ends.cancelled), (89, 1));
    pollster::block_on(pool.shutdown()).unwrap();
    let more = Ends { returned: 1, dropped: 10, shut_down: 1, ..Ends::default() };
    assert_books(&pool, &counts, ends + more);
}
