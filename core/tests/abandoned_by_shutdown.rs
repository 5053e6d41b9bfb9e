//! Calls that a shutdown with a time limit has left running: they are counted, and told of when they go on for too long.

mod support;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyloop_core::{PoolExt, Task, ThreadPool, Warning, from_thread, on_warning};
use support::eventually;

/// A call that runs until it is released, whatever it is told.
#[track_caller]
fn held(pool: &impl PoolExt) -> (Task<()>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let task = pool.submit(move || {
        starting.send(()).unwrap();
        let _ = released.recv();
        assert!(from_thread::is_cancelled());
    });
    started.recv().unwrap();
    (task, release)
}

fn stop(pool: &ThreadPool) -> usize {
    pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap().still_running
}

#[test]
fn calls_that_are_left_running_are_counted_until_they_end() {
    let (pool, other) = (ThreadPool::new(8).unwrap(), ThreadPool::new(1).unwrap());
    let view = pool.limit(2);
    let (untouched, keep) = held(&other);
    let (in_pool, release) = held(&pool);
    let (dropped, release_dropped) = held(&pool);
    let (in_view, release_in_view) = held(&view);
    drop(dropped);
    let counts = || (pool.metrics().abandoned, view.metrics().unwrap().abandoned);
    assert_eq!(counts(), (1, 0));

    assert_eq!(stop(&pool), 3);
    assert_eq!(counts(), (3, 1), "the one that was cancelled before counts once");
    assert_eq!(stop(&pool), 3);
    assert_eq!(counts(), (3, 1));
    assert_eq!(other.metrics().abandoned, 0);
    drop(in_view);
    assert_eq!(counts(), (3, 1), "it was among them");

    drop(release_in_view);
    eventually("the view's has ended", || counts() == (2, 0));
    drop((release, release_dropped));
    eventually("all have ended", || counts() == (0, 0));
    in_pool.wait().unwrap();
    untouched.abort();
    drop(keep);
    untouched.wait().unwrap();
}

/// Each thread that runs them counts, as it does among those that run.
#[test]
fn items_of_a_map_that_are_left_running_are_counted() {
    let pool = ThreadPool::new(2).unwrap();
    let (starting, started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let map = pool.map([1, 2], move |_| {
        starting.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
    });
    let map = map.start();
    started.recv().unwrap();
    started.recv().unwrap();
    assert_eq!(stop(&pool), 2);
    assert_eq!(pool.metrics().abandoned, 2);
    drop(release);
    eventually("they have ended", || pool.metrics().abandoned == 0);
    drop(map);
}

/// Once for each call, also if its task is dropped after that; and not if it ends before.
#[test]
fn a_call_that_overstays_a_shutdown_is_told_of_once() {
    let (telling, told) = mpsc::channel();
    let telling = std::sync::Mutex::new(telling);
    on_warning(move |warning| {
        if let Warning::Overstayed { place, cancelled_for, .. } = warning {
            telling.lock().unwrap().send((place.line(), *cancelled_for)).unwrap();
        }
    })
    .unwrap();
    let pool = ThreadPool::new(4).unwrap();
    let lines = [line!() + 1, line!() + 2];
    let (kept, release) = held(&pool);
    let (dropped, release_dropped) = held(&pool);
    let (timely, release_timely) = held(&pool);
    let begun = Instant::now();
    assert_eq!(stop(&pool), 3);
    drop((dropped, release_timely));
    timely.wait().unwrap();

    let mut seen = Vec::new();
    for _ in 0..2 {
        let (line, cancelled_for) = told.recv_timeout(support::PATIENCE).unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(10) && cancelled_for >= Duration::from_secs(10));
        seen.push(line);
    }
    seen.sort_unstable();
    assert_eq!(seen, lines);
    assert!(told.recv_timeout(Duration::from_millis(2_500)).is_err());
    assert_eq!(pool.metrics().abandoned, 2, "they were told of, and still count");
    drop((release, release_dropped));
    kept.wait().unwrap();
    eventually("all have ended", || pool.metrics().abandoned == 0);
}
