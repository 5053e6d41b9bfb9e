//! Whose turn it is (C18), where calls have been cancelled in the queue.

mod support;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use anyloop_core::{AnyPool, Pool, PoolExt, ThreadPool};
use support::{block, eventually};

/// Somebody's calls were cancelled, as they are when their time is up. The next one that he makes waits for none of the others'
/// backlog: what was cancelled uses up no turns.
#[test]
fn a_call_behind_many_that_were_cancelled_has_its_turn_at_once() {
    const MANY: usize = 50;
    let pool = ThreadPool::new(1).unwrap();
    let view = pool.limit(1).to_any();
    let queues: [(AnyPool, AnyPool); 2] = [(pool.to_any(), view.clone()), (view, pool.to_any())];
    for (busy, cancelled) in queues {
        let release = block(&pool);
        let (log, order) = mpsc::channel();
        for _ in 0..MANY {
            let log = log.clone();
            busy.submit(move || log.send("backlog").unwrap()).detach();
        }
        for _ in 0..MANY {
            drop(cancelled.submit(|| ()));
        }
        let call = cancelled.submit(move || log.send("call").unwrap());
        drop(release);
        call.wait().unwrap();
        let place = order.iter().position(|whose| whose == "call").unwrap();
        assert!(place <= 1, "{place} calls of another's backlog went first");
    }
}

/// Nor do others wait until all that was cancelled has left the queue.
#[test]
fn many_that_were_cancelled_hold_nobody_up() {
    const MANY: u64 = 1_000;
    let pool = ThreadPool::new(1).unwrap();
    let view = pool.limit(1);
    let release = block(&pool);
    for _ in 0..MANY {
        drop(view.submit(|| ()));
    }
    let metrics = pool.clone();
    let call = pool.submit(move || metrics.metrics().cancelled_by_drop);
    drop(release);
    let gone = call.wait().unwrap();
    assert!(gone < MANY / 4, "{gone} of those that were cancelled went first");
    eventually("all have gone", || pool.metrics().cancelled_by_drop == MANY);
}

/// Nor by the items of a map that are long, however many its user has it take at a time: the map of a pool, or of a view which the call
/// is one of.
#[test]
fn a_call_does_not_wait_for_a_maps_chunk() {
    let pool = ThreadPool::new(1).unwrap();
    let view = pool.limit(1).to_any();
    for (mapping, calling) in
        [(pool.to_any(), pool.to_any()), (view.clone(), pool.to_any()), (view.clone(), view)]
    {
        assert_first_after_an_item(&mapping, &calling);
    }
}

fn assert_first_after_an_item(mapping: &AnyPool, calling: &AnyPool) {
    let begun = Arc::new(AtomicUsize::new(0));
    let (begin, go) = mpsc::channel::<()>();
    let (count, go) = (begun.clone(), Mutex::new(go));
    let map = mapping.map(0..100, move |item| {
        count.fetch_add(1, Ordering::SeqCst);
        if item == 0 {
            go.lock().unwrap().recv().unwrap();
        }
        // Longer than a turn.
        thread::sleep(Duration::from_millis(2));
    });
    let mut map = pin!(map.chunk(100));
    assert!(map.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let call = calling.submit({
        let begun = begun.clone();
        move || begun.load(Ordering::SeqCst)
    });
    eventually("the first item has begun", || begun.load(Ordering::SeqCst) == 1);
    begin.send(()).unwrap();
    assert_eq!(call.wait().unwrap(), 1, "items began before the call");
}

/// Threads that have nothing to do run no calls: not in the report of a shutdown that sends them home, either.
#[test]
fn idle_threads_are_not_reported_as_running_calls() {
    let pool = ThreadPool::new(4).unwrap();
    let mut blocked: Vec<_> = (0..4).map(|_| block(&pool)).collect();
    blocked.truncate(1);
    eventually("three are idle", || pool.metrics().idle == 3);
    let report = pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
    assert_eq!((report.cancelled, report.still_running), (0, 1));
    assert_eq!(pool.metrics().running, 1);
    drop(blocked);
    pollster::block_on(pool.shutdown()).unwrap();
}
