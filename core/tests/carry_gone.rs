//! C34 with C06: what was carried into a call has gone when its result, its error or its end can be seen. In maps and actors
//! too, whose jobs carry it for more than one item or call.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use anyloop_core::{
    Actor, AnyPool, Carry, InlinePool, PanicPolicy, PoolExt, TaskError, ThreadPool, register_carry,
};
use futures::StreamExt;

/// The carried values of one test that are alive.
type Live = Arc<AtomicUsize>;

thread_local! {
    static LIVE: Cell<Option<Live>> = const { Cell::new(None) };
}

/// What is in place here; it stays.
fn in_place() -> Option<Live> {
    let live = LIVE.take();
    LIVE.set(live.clone());
    live
}

struct Value(Live);

impl Value {
    fn new(live: Live) -> Self {
        live.fetch_add(1, Ordering::SeqCst);
        Self(live)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // Whoever does not wait for it is sure to be seen.
        thread::sleep(Duration::from_micros(300));
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counting;

impl Carry for Counting {
    type Value = Value;

    fn capture(&self) -> Option<Value> {
        in_place().map(Value::new)
    }

    fn scope(&self, value: Value, body: &mut dyn FnMut()) {
        let before = LIVE.replace(Some(value.0.clone()));
        body();
        LIVE.set(before);
    }
}

/// From now on, what this thread submits carries a value.
fn carrying() -> Live {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| register_carry(Counting));
    let live = Live::default();
    LIVE.set(Some(live.clone()));
    live
}

#[track_caller]
fn assert_gone(live: &Live, what: &str) {
    assert_eq!(live.load(Ordering::SeqCst), 0, "{what}");
}

/// Each item finds the value in place.
fn check(number: usize) -> usize {
    assert!(in_place().is_some_and(|live| live.load(Ordering::SeqCst) > 0));
    match number % 50 {
        // Longer than the watcher waits before it calls more threads.
        0 => thread::sleep(Duration::from_micros(400)),
        1 => thread::yield_now(),
        _ => {}
    }
    number
}

fn pools() -> Vec<(&'static str, AnyPool)> {
    use anyloop_core::Pool;

    let pool = ThreadPool::new(6).unwrap();
    let elsewhere = AnyPool::from_threads(|turn| {
        thread::spawn(|| turn.run());
        Ok(())
    });
    vec![
        ("a pool", pool.to_any()),
        ("a view", pool.limit(2).to_any()),
        ("threads from elsewhere", elsewhere),
        ("in place", InlinePool.to_any()),
    ]
}

#[test]
fn before_the_results_of_a_map() {
    let live = carrying();
    for (name, pool) in pools() {
        for items in [0, 1, 2, 7, 200, 1_000] {
            let results = pollster::block_on(pool.map(0..items, check));
            assert_gone(&live, name);
            assert_eq!(results, (0..items).collect::<Vec<_>>());
        }
    }
}

#[test]
fn before_the_error_of_a_map() {
    let live = carrying();
    for (name, pool) in pools() {
        for fails_at in [0, 3, 150] {
            let map = pool.map(0..200, move |number| {
                assert!(number != fails_at, "this is expected");
                check(number)
            });
            let ended = pollster::block_on(map.settle());
            assert_gone(&live, name);
            assert!(matches!(ended, Err(TaskError::Panicked(_))), "{name}");
        }
    }
}

#[test]
fn before_the_end_of_a_maps_stream() {
    let live = carrying();
    for (name, pool) in pools() {
        let mut stream = pool.map(0..200, check).stream();
        let results = pollster::block_on(async {
            let mut results = Vec::new();
            while let Some(result) = stream.next().await {
                results.push(result);
            }
            assert_gone(&live, name);
            results
        });
        assert_eq!(results, (0..200).collect::<Vec<_>>());
    }
}

#[test]
fn after_a_map_that_was_dropped() {
    let live = carrying();
    for (name, pool) in pools() {
        drop(pool.map(0..1_000, check).start());
        let start = std::time::Instant::now();
        while live.load(Ordering::SeqCst) > 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "{name}: it stays");
            thread::yield_now();
        }
    }
}

#[test]
fn before_the_result_of_an_actors_call() {
    let live = carrying();
    let pools = pools().into_iter().map(|(name, pool)| (name, Some(pool)));
    for (name, pool) in pools.chain([("a thread of its own", None)]) {
        let builder = Actor::builder().on_panic(PanicPolicy::Keep);
        let builder = if let Some(pool) = pool { builder.on(&pool) } else { builder };
        let actor = builder.start(|| 0).unwrap();
        for round in 1..=20 {
            let task = actor.with(move |value| {
                check(round);
                *value += 1;
                *value
            });
            assert_eq!(task.wait().unwrap(), round, "{name}");
            assert_gone(&live, name);
        }
        let panicked = actor.with(|_| panic!("this is expected")).wait();
        assert!(matches!(panicked, Err(TaskError::Panicked(_))));
        assert_gone(&live, name);
        // Of several that wait, each carries its own.
        let tasks: Vec<_> = (0..20).map(|_| actor.with(|value| *value)).collect();
        for task in tasks {
            assert_eq!(task.wait().unwrap(), 20, "{name}");
        }
        assert_gone(&live, name);
        let value = actor.close().wait().unwrap();
        assert_gone(&live, name);
        assert_eq!(value, 20, "{name}");
    }
}
