//! What went wrong in other pools does not here: one test for each bug that is known of them.
//!
//! Some have theirs elsewhere. Idle threads of the crate `blocking` never end: `elastic.rs`, `idle_threads_end_down_to_the_minimum`.
//! futures' `try_join_all` is not fail-fast with more than 30 children, and futures-buffered leaks outputs when it is
//! dropped early: `c23_the_first_error_in_time_is_returned` and `c24_dropping_it_drops_every_child` of the conformance suite,
//! both beyond 30 children.

mod support;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyloop_core::{PoolExt, TaskError, ThreadPool, Warning, from_thread, on_warning};
use support::{PATIENCE, block, eventually};

/// A pool to which the system gives only its first `given` threads, and how often it was asked.
fn rationed(given: usize) -> (ThreadPool, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let asking = asked.clone();
    let pool =
        ThreadPool::builder().max_threads(8).keep_alive(PATIENCE).spawn_handler(move |builder, body| {
            if asking.fetch_add(1, Ordering::SeqCst) < given {
                builder.spawn(body)
            } else {
                Err(io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test"))
            }
        });
    (pool.build().unwrap(), asked)
}

/// All threads of a pool at once, so that all are idle next.
fn warm(pool: &ThreadPool, threads: usize) {
    let barrier = Arc::new(Barrier::new(threads));
    let tasks: Vec<_> = (0..threads)
        .map(|_| {
            let barrier = barrier.clone();
            pool.submit(move || {
                barrier.wait();
            })
        })
        .collect();
    tasks.into_iter().for_each(|task| task.wait().unwrap());
}

/// tokio's sharded pool of blocking threads hung, because a push and a worker on its way to sleep could miss each other.
/// Here pushes come at every distance from the end of the call before: while its worker lingers, goes to sleep, times
/// out and ends.
#[test]
fn tokio_a_push_never_misses_a_worker_that_goes_idle() {
    const ROUNDS: u32 = 4_000;
    for (max_threads, keep_alive) in [
        (1, Duration::ZERO),
        (1, Duration::from_micros(50)),
        (1, PATIENCE),
        (2, Duration::from_micros(50)),
        (2, PATIENCE),
    ] {
        let pool = ThreadPool::builder().max_threads(max_threads).keep_alive(keep_alive).build().unwrap();
        thread::scope(|scope| {
            for user in 0..2 {
                let pool = &pool;
                scope.spawn(move || {
                    let (told, ran) = mpsc::channel();
                    for round in 0..ROUNDS {
                        let told = told.clone();
                        pool.submit(move || told.send(round)).detach();
                        assert_eq!(
                            ran.recv_timeout(PATIENCE),
                            Ok(round),
                            "it was never run: {:?}",
                            pool.metrics()
                        );
                        // Up to about 200 µs, longer than a worker lingers.
                        for _ in 0..(round * (7 + user)) % 200 * 20 {
                            std::hint::spin_loop();
                        }
                    }
                });
            }
        });
        pollster::block_on(pool.shutdown()).unwrap();
        assert_eq!(pool.metrics().completed, u64::from(2 * ROUNDS));
    }
}

/// tokio counted its scheduler's threads among those that would drain the queue; when the system refused it a thread for blocking
/// calls, the work was orphaned. Here a thread whose call waits for the very work that is queued is alive, and will
/// not run it either.
#[test]
fn tokio_a_thread_that_waits_is_none_that_drains() {
    let (pool, _) = rationed(1);
    for _ in 0..20 {
        let inner = pool.clone();
        let (told, ended) = mpsc::channel();
        pool.submit(move || {
            let (by_wait, by_block_on) = (inner.submit(|| 1), inner.submit(|| 2));
            let ends = (by_wait.wait(), from_thread::block_on(by_block_on));
            told.send(ends)
        })
        .detach();
        let ends = ended.recv_timeout(PATIENCE).expect("neither is orphaned");
        assert!(
            matches!(ends, (Err(TaskError::NoThread(_)), Err(TaskError::NoThread(_)))),
            "there was no thread for them: {ends:?}"
        );
    }
    // The thread itself is as good as ever.
    assert_eq!(pool.submit(|| 3).wait().unwrap(), 3);
}

/// `blocking` asks for a thread again and again while there is none, and holds its pool's lock meanwhile. Here a refusal is taken
/// for an answer until there is a new reason to ask; and the pool can be used while it waits for one.
#[test]
fn blocking_nobody_spins_while_there_is_no_thread() {
    const CALLS: usize = 100;
    let (pool, asked) = rationed(2);
    let held = [block(&pool), block(&pool)];
    let tasks: Vec<_> = (0..CALLS).map(|number| pool.submit(move || number)).collect();
    let before = asked.load(Ordering::SeqCst);
    assert!(before <= 2 + CALLS, "{before} requests for {CALLS} calls");
    // Time enough to ask a thousand times more.
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(1));
        assert_eq!(pool.metrics().queued, CALLS, "the lock can be had");
    }
    assert_eq!(asked.load(Ordering::SeqCst), before, "nothing has happened since that were a reason to ask");
    drop(held);
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.wait().unwrap(), number);
    }
}

/// Each idle thread of `blocking` wakes every 500 ms, to look whether it is still needed.
#[cfg(target_os = "linux")]
#[test]
fn blocking_an_idle_thread_does_not_wake() {
    /// Context switches of each thread of that name, wanted ones and forced ones: by its id.
    fn switches(name: &str) -> Vec<(String, u64)> {
        let mut all: Vec<_> = std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|entry| {
                // A thread may end while we look at it.
                let status = std::fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
                let field = |key: &str| {
                    Some(status.lines().find_map(|line| line.strip_prefix(key))?.trim().to_owned())
                };
                let count = |key: &str| field(key)?.parse::<u64>().ok();
                (field("Name:")? == name).then_some(())?;
                let sum = count("voluntary_ctxt_switches:")? + count("nonvoluntary_ctxt_switches:")?;
                Some((field("Pid:")?, sum))
            })
            .collect();
        all.sort();
        all
    }

    // Those that stay for good, and those that wait for the end of a long time.
    for (name, min_threads, keep_alive, stay) in
        [("quiet-min", 3, Duration::from_millis(5), 3), ("quiet-long", 0, PATIENCE * 10, 6)]
    {
        let pool = ThreadPool::builder()
            .name(name)
            .max_threads(6)
            .min_threads(min_threads)
            .keep_alive(keep_alive)
            .build()
            .unwrap();
        warm(&pool, 6);
        eventually("the others end", || {
            let metrics = pool.metrics();
            (metrics.threads, metrics.idle) == (stay, stay)
        });
        let mut before = Vec::new();
        eventually("the last has gone to sleep", || {
            before = switches(name);
            thread::sleep(Duration::from_millis(50));
            before.len() == stay && before == switches(name)
        });
        thread::sleep(Duration::from_millis(1_200));
        assert_eq!(switches(name), before, "an idle thread has run, if only to go to sleep again");
    }
}

/// Where the thread that has been idle the longest is woken first, a trickle of calls keeps all of them warm, and none ever ends.
#[test]
fn fifo_a_trickle_of_calls_keeps_no_surplus_thread() {
    const THREADS: usize = 16;
    let pool = ThreadPool::builder()
        .max_threads(THREADS)
        // In turns, each thread would be used every 32 ms.
        .keep_alive(Duration::from_millis(200))
        .build()
        .unwrap();
    warm(&pool, THREADS);
    assert_eq!(pool.metrics().threads, THREADS);
    let mut calls = 0;
    eventually("one thread is left, or two, under a trickle of calls", || {
        thread::sleep(Duration::from_millis(1));
        calls += 1;
        assert_eq!(pool.submit(move || calls).wait().unwrap(), calls);
        pool.metrics().threads <= 2
    });
}

/// tokio's `spawn_blocking` goes on when its handle is dropped, and code that relies on it loses work here. That is on purpose,
/// and so it is told: counted each time, and said once, with the place. No other test in this file may drop a queued
/// call, for there is one warning in a process.
#[test]
fn tokio_code_that_drops_its_handles_is_told() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        if let Warning::DroppedInQueue { place, .. } = warning {
            hearing.lock().unwrap().push((place.file(), place.line(), warning.to_string()));
        }
    })
    .unwrap();
    let pool = ThreadPool::new(1).unwrap();
    let release = block(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = ran.clone();
        move || {
            ran.fetch_add(1, Ordering::SeqCst);
        }
    };
    let line = line!() + 1;
    drop(pool.submit(count()));
    for _ in 0..9 {
        drop(pool.submit(count()));
    }
    pool.submit(count()).detach();
    drop(release);
    pollster::block_on(pool.shutdown()).unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1, "the one that was detached");
    let metrics = pool.metrics();
    assert_eq!((metrics.cancelled_by_drop, metrics.completed), (10, 2), "{metrics:?}");
    let heard = heard.lock().unwrap();
    let [(file, at, text)] = heard.as_slice() else { panic!("said once: {heard:?}") };
    assert_eq!((*file, *at), (file!(), line));
    assert!(text.contains("detach()"), "{text}");
}
