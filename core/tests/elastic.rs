//! How many threads a pool has, and which it uses: C10, C12 and C13 beyond what a runtime has to do with.

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use anyloop_core::{BuildError, PoolExt, ThreadPool, from_thread, gather};
use support::{PATIENCE, block, eventually};

/// C10: all block until all are there, so that one thread too few would hang.
#[test]
fn four_hundred_calls_that_block_get_a_thread_each() {
    const CALLS: usize = 400;
    let pool = ThreadPool::new(CALLS).unwrap();
    let barrier = Arc::new(Barrier::new(CALLS + 1));
    let tasks: Vec<_> = (0..CALLS)
        .map(|_| {
            let barrier = barrier.clone();
            pool.submit(move || {
                barrier.wait();
            })
        })
        .collect();
    barrier.wait();
    for task in tasks {
        task.wait().unwrap();
    }
}

/// C10 for a lone call behind threads that all block already.
#[test]
fn a_lone_call_behind_blocked_ones_gets_a_thread() {
    let pool = ThreadPool::new(100).unwrap();
    let mut held = Vec::new();
    for number in 0..50 {
        let (release, released) = mpsc::channel::<()>();
        held.push((release, pool.submit(move || released.recv())));
        assert_eq!(pool.submit(move || number).wait().unwrap(), number);
    }
    for (release, task) in held {
        drop(release);
        assert!(task.wait().unwrap().is_err());
    }
}

/// C13: short calls are for the threads that are there. tokio starts 150 to 470 threads for as many.
#[test]
fn a_burst_of_short_calls_starts_few_threads() {
    const CALLS: usize = 20_000;
    let pool = ThreadPool::new(512).unwrap();
    let tasks = gather((0..CALLS).map(|i| pool.submit(move || i)));
    let values = pollster::block_on(tasks.into_future());
    assert!(values.into_iter().enumerate().all(|(i, value)| value.unwrap() == i));
    // Cores and a watcher; more only if the machine was too busy to tell short from slow.
    let threads = pool.metrics().threads;
    assert!(threads <= 64, "{threads} threads for {CALLS} calls that do nothing");
}

/// C13: where threads that were called find no core to run on, calling more would only make it worse. The threads here
/// come when the test says so, and until then few are asked for: 1, 2, 4, 8 and then 16 each time that none came for 10 ms.
#[test]
fn threads_that_do_not_come_are_waited_for() {
    const QUEUED: usize = 400;
    let gate = Arc::new(Mutex::new(()));
    let asked = Arc::new(AtomicUsize::new(0));
    let cores = thread::available_parallelism().unwrap().get();
    let (counting, behind) = (asked.clone(), gate.clone());
    let pool = ThreadPool::builder()
        .max_threads(cores + QUEUED)
        .spawn_handler(move |builder, body| {
            // Those that are called without anybody's judgement, and who judges, come.
            let comes = counting.fetch_add(1, Ordering::Relaxed) <= cores;
            let behind = behind.clone();
            builder.spawn(move || {
                if !comes {
                    drop(behind.lock());
                }
                body();
            })
        })
        .build()
        .unwrap();
    let blocked: Vec<_> = (0..cores).map(|_| block(&pool)).collect();
    let shut = gate.lock().unwrap();
    let start = Instant::now();
    let tasks: Vec<_> = (0..QUEUED).map(|_| pool.submit(|| ())).collect();
    eventually("somebody is called", || asked.load(Ordering::Relaxed) > cores + 1);
    thread::sleep(Duration::from_millis(15));
    let more = asked.load(Ordering::Relaxed) - cores - 1;
    let steps = u32::try_from(start.elapsed().as_millis() / 10 + 1).unwrap();
    let most = 2_usize.saturating_pow(steps.min(5)) - 1 + 16 * (steps as usize).saturating_sub(5);
    assert!(more <= most, "{more} threads were asked for in {steps} steps");
    drop(shut);
    tasks.into_iter().for_each(|task| task.wait().unwrap());
    drop(blocked);
}

/// C12: the last to go idle is used first, so that the others can time out.
#[test]
fn the_last_to_go_idle_is_used_first() {
    let pool = ThreadPool::builder().max_threads(8).keep_alive(PATIENCE).build().unwrap();
    let barrier = Arc::new(Barrier::new(8));
    let all: Vec<_> = (0..8)
        .map(|_| {
            let barrier = barrier.clone();
            pool.submit(move || {
                barrier.wait();
            })
        })
        .collect();
    all.into_iter().for_each(|task| task.wait().unwrap());
    eventually("all are idle", || pool.metrics().idle == 8);
    let used: HashSet<ThreadId> = (0..100)
        .map(|_| {
            let id = pool.submit(|| thread::current().id()).wait().unwrap();
            eventually("it is idle again", || pool.metrics().idle == 8);
            id
        })
        .collect();
    assert_eq!(used.len(), 1, "one thread would do");
}

/// C12: idle threads end after keep_alive, down to min_threads, which stay.
#[test]
fn idle_threads_end_down_to_the_minimum() {
    let keep_alive = Duration::from_millis(20);
    let pool = ThreadPool::builder().max_threads(8).min_threads(2).keep_alive(keep_alive).build().unwrap();
    let barrier = Arc::new(Barrier::new(8));
    let calls = gather((0..8).map(|_| {
        let barrier = barrier.clone();
        pool.submit(move || {
            barrier.wait();
        })
    }));
    pollster::block_on(calls.into_future()).into_iter().for_each(|ended| ended.unwrap());
    eventually("two are left", || pool.metrics().threads == 2);
    thread::sleep(keep_alive * 5);
    assert_eq!(pool.metrics().threads, 2);
    assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
}

#[test]
fn hooks_run_on_each_thread_and_may_panic() {
    let (told, events) = mpsc::channel();
    let (start, stop) = (told.clone(), told);
    let pool = ThreadPool::builder()
        .max_threads(1)
        .on_thread_start(move || {
            let _ = start.send(("start", thread::current().id()));
            panic!("a hook may");
        })
        .on_thread_stop(move || {
            let _ = stop.send(("stop", thread::current().id()));
            panic!("a hook may");
        })
        .build()
        .unwrap();
    let id = pool.submit(|| thread::current().id()).wait().unwrap();
    pollster::block_on(pool.shutdown()).unwrap();
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [("start", id), ("stop", id)]);
}

#[test]
fn impossible_settings_are_errors_that_say_which() {
    let error = ThreadPool::builder().max_threads(2).min_threads(3).build().unwrap_err();
    assert!(matches!(error, BuildError::MinAboveMax { min_threads: 3, max_threads: 2, .. }));
    assert!(error.to_string().contains("min_threads is 3"), "{error}");
    let error = ThreadPool::builder().stack_size(usize::MAX).build().unwrap_err();
    assert_eq!(error, BuildError::StackTooLarge);
}

/// C18: a call of a view that has lent its place takes it back, though another one has been called for it meanwhile.
#[test]
fn a_view_keeps_its_limit_when_a_call_goes_on() {
    let (let_go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(Some(gate));
    let started = AtomicUsize::new(0);
    let pool = ThreadPool::builder()
        .max_threads(2)
        .spawn_handler(move |thread, body| match started.fetch_add(1, Ordering::SeqCst) {
            0 => thread.spawn(body),
            _ => {
                // The one that is called for the lent place comes when that has been taken back.
                let gate = gate.lock().unwrap().take();
                thread.spawn(move || {
                    let _ = gate.map(|gate| gate.recv_timeout(PATIENCE));
                    body();
                })
            }
        })
        .build()
        .unwrap();
    let view = pool.limit(1);
    let other = ThreadPool::new(1).unwrap();
    let goes_on = Arc::new(AtomicBool::new(false));
    let (lends, goes_on_too) = (goes_on.clone(), goes_on);
    let (release, released) = mpsc::channel::<()>();
    let first = view.submit(move || {
        from_thread::block_on(other.submit(move || released.recv().is_err())).unwrap();
        lends.store(true, Ordering::SeqCst);
        let_go.send(()).unwrap();
        thread::sleep(Duration::from_millis(100));
        lends.store(false, Ordering::SeqCst);
    });
    let second = view.submit(move || goes_on_too.load(Ordering::SeqCst));
    // Its place is lent: somebody else is called, from this thread or that one.
    drop(release);
    assert!(!second.wait().unwrap(), "both ran at the same time");
    first.wait().unwrap();
}
