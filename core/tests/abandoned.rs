//! Calls that run although they were cancelled: they are counted, and told of when they go on for too long.

mod support;

use std::future::ready;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyloop_core::{
    Actor, AnyPool, Binding, BoxFuture, Call, CancelToken, Driver, NativeTask, Pool, PoolExt, Runtime, Task,
    TaskError, ThreadPool, Warning, from_thread, on_warning,
};
use support::eventually;

/// A call that has begun, and runs until it is released.
struct Held {
    task: Task<()>,
    release: mpsc::Sender<()>,
}

#[track_caller]
fn hold(pool: &impl Pool) -> Held {
    hold_with(|work| Call::new(work).on(pool).start())
}

#[track_caller]
fn hold_with(start: impl FnOnce(Box<dyn FnOnce() + Send>) -> Task<()>) -> Held {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let task = start(Box::new(move || {
        starting.send(()).unwrap();
        let _ = released.recv();
    }));
    started.recv().unwrap();
    Held { task, release }
}

/// A runtime on which all time is up at once.
#[derive(Debug)]
struct Hurried;

impl Driver for Hurried {
    fn name(&self) -> &'static str {
        "hurried"
    }

    fn spawn_boxed(&self, _: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
        unreachable!("nothing is spawned here")
    }

    fn sleep_boxed(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }

    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        pollster::block_on(future);
    }
}

/// Cancels running calls in all ways, and watches the gauges of the pool and of a view go up and down.
#[test]
fn running_calls_that_were_cancelled_are_counted_until_they_end() {
    let pool = ThreadPool::new(8).unwrap();
    let view = pool.limit(4);
    let counts = |running: usize, of_pool: usize, of_view: usize| {
        let (whole, part) = (pool.metrics(), view.metrics().unwrap());
        assert_eq!(
            (whole.running, whole.abandoned, part.abandoned),
            (running, of_pool, of_view),
            "{whole:?}"
        );
    };

    let (untouched, dropped, aborted) = (hold(&view), hold(&pool), hold(&view));
    counts(3, 0, 0);
    drop(dropped.task);
    counts(3, 1, 0);
    aborted.task.abort();
    counts(3, 2, 1);
    aborted.task.abort();
    drop(aborted.task);
    counts(3, 2, 1);

    let timed = hold(&pool);
    let runtime = Binding::new(Hurried).to_any();
    let entered = runtime.enter();
    let ended = pollster::block_on(timed.task.timeout(Duration::from_secs(1)));
    drop(entered);
    assert!(matches!(ended, Err(TaskError::TimedOut)), "{ended:?}");
    counts(4, 3, 1);

    let token = CancelToken::new();
    let with_token = hold_with(|work| Call::new(work).with_token(&token).on(&view).start());
    with_token.task.detach();
    counts(5, 3, 1);
    token.cancel();
    counts(5, 4, 2);

    // One that was dropped after it had ended does not count.
    let ended = hold(&pool);
    drop(ended.release);
    eventually("it has ended", || ended.task.is_finished());
    drop(ended.task);
    assert_eq!(pool.metrics().abandoned, 4);

    drop((dropped.release, aborted.release));
    eventually("two have ended", || pool.metrics().abandoned == 2 && view.metrics().unwrap().abandoned == 1);
    drop((timed.release, with_token.release));
    eventually("all have ended", || pool.metrics().abandoned == 0 && view.metrics().unwrap().abandoned == 0);
    drop(untouched.release);
    untouched.task.wait().unwrap();
    let metrics = pool.metrics();
    assert_eq!((metrics.cancelled, metrics.cancelled_by_drop), (0, 0), "none was cancelled in the queue");
}

/// Items of a map, and calls of an actor that has no thread of its own, are calls that its pool runs.
#[test]
fn items_of_maps_and_calls_of_actors_are_counted_too() {
    let pool = ThreadPool::new(4).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (starting, started) = mpsc::channel();
    let map = pool.map([1], move |_| {
        starting.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
    });
    let map = map.start();
    started.recv().unwrap();
    assert_eq!(pool.metrics().abandoned, 0);
    drop(map);
    assert_eq!(pool.metrics().abandoned, 1);
    drop(release);
    eventually("the item has ended", || pool.metrics().abandoned == 0);

    let actor = Actor::on(&pool, ());
    let held = hold_with(|work| actor.with(|()| work()));
    assert_eq!(pool.metrics().abandoned, 0);
    held.task.abort();
    assert_eq!(pool.metrics().abandoned, 1);
    drop(held.release);
    held.task.wait().unwrap();
    eventually("the call has ended", || pool.metrics().abandoned == 0);
}

/// Once for each call, with its place, on any pool; 10 seconds after it was cancelled, and not if it ends before.
#[test]
fn a_call_that_overstays_is_told_of_once() {
    let (telling, told) = mpsc::channel();
    let telling = std::sync::Mutex::new(telling);
    on_warning(move |warning| {
        if let Warning::Overstayed { place, cancelled_for, .. } = warning {
            telling.lock().unwrap().send((*place, *cancelled_for, warning.to_string())).unwrap();
        }
        panic!("a handler may");
    })
    .unwrap();
    let pool = ThreadPool::new(2).unwrap();
    let elsewhere = AnyPool::from_threads(|turn| {
        thread::spawn(|| turn.run());
        Ok(())
    });

    let lines = [line!() + 1, line!() + 2];
    let first = hold_with(|work| pool.submit(work));
    let second = hold_with(|work| elsewhere.submit(work));
    let timely = hold(&pool);
    let begun = Instant::now();
    for task in [first.task, second.task, timely.task] {
        drop(task);
    }
    drop(timely.release);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (place, cancelled_for, text) = told.recv_timeout(support::PATIENCE).unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(10) && cancelled_for >= Duration::from_secs(10));
        assert!(text.contains("abandoned.rs") && text.contains("check_cancelled()"), "{text}");
        assert!(text.contains("on_cancel") && text.contains(&place.to_string()), "{text}");
        seen.push(place.line());
    }
    seen.sort_unstable();
    assert_eq!(seen, lines);
    assert_eq!(pool.metrics().abandoned, 1, "it was told of, and still counts");

    // Neither is told of again when another one is looked after.
    let third = hold(&pool);
    drop(third.task);
    assert!(told.recv_timeout(Duration::from_millis(2_500)).is_err());
    drop((first.release, second.release, third.release));
    eventually("all have ended", || pool.metrics().abandoned == 0);
}

/// A call that asks now and then ends soon after it was cancelled, and is none of those.
#[test]
fn a_call_that_asks_leaves() {
    let pool = ThreadPool::new(1).unwrap();
    let (starting, started) = mpsc::channel();
    let task = pool.submit(move || {
        starting.send(()).unwrap();
        while from_thread::check_cancelled().is_ok() {
            thread::yield_now();
        }
    });
    started.recv().unwrap();
    drop(task);
    eventually("it has left", || pool.metrics().running == 0);
    assert_eq!(pool.metrics().abandoned, 0);
}

/// C12: what looks after such calls is there only while there are any.
#[cfg(target_os = "linux")]
#[test]
fn nobody_looks_when_there_is_nothing_to_look_at() {
    let is_looking = || {
        std::fs::read_dir("/proc/self/task").unwrap().any(|thread| {
            // One that ends meanwhile has no name any more.
            let name = std::fs::read_to_string(thread.unwrap().path().join("comm"));
            name.is_ok_and(|name| name.trim() == "anyloop-monitor")
        })
    };
    let pool = ThreadPool::new(1).unwrap();
    for _ in 0..2 {
        let held = hold(&pool);
        drop(held.task);
        eventually("somebody looks", is_looking);
        drop(held.release);
        // Other tests may have some, too.
        eventually("nobody looks", || !is_looking());
    }
}
