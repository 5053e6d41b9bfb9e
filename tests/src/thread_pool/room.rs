//! C14: a queue with a limit.

use std::sync::{Arc, Mutex};

use anyloop_core::{BlockOn, Call, PoolExt, Refused, TaskError, ThreadPool, gather};

use super::block;
use crate::Subject;
use crate::tools::{Probe, poll_once, yield_now};

/// A pool of one thread with room for so many calls behind the one that runs.
fn narrow(room: usize) -> ThreadPool {
    ThreadPool::builder().max_threads(1).queue_limit(room).build().expect("possible settings")
}

/// C14: what is submitted to a full queue ends in `Full`, and `try_submit` gives the closure back.
pub fn c14_a_full_queue_refuses_what_does_not_wait<R: BlockOn>(subject: &Subject<R>) {
    let pool = narrow(2);
    let gate = block(&pool, 1);
    let queued: Vec<_> = (0..2).map(|number| pool.submit(move || number)).collect();
    let (probe, drops) = Probe::new();
    let refused = pool.submit(move || drop(probe));
    assert_eq!((drops.count(), drops.was_here()), (1, true), "its closure is dropped at once");
    assert!(matches!(subject.block_on(refused), Err(TaskError::Full)));
    let started = Call::new(|| 1).on(&pool).start();
    assert!(matches!(subject.block_on(started), Err(TaskError::Full)));
    let Err((closure, reason)) = pool.try_submit(|| "given back") else { panic!("there is no room") };
    assert!(matches!(reason, Refused::Full), "{reason:?}");
    assert_eq!(closure(), "given back");
    assert_eq!((pool.metrics().queued, pool.metrics().refused), (2, 3));
    gate.0.set();
    for (number, task) in queued.into_iter().enumerate() {
        assert_eq!(subject.block_on(task).expect("what was queued runs"), number);
    }
}

/// C14: a call that is awaited waits for room, in order, and its runtime goes on meanwhile.
pub fn c14_a_call_waits_for_room_in_order<R: BlockOn>(subject: &Subject<R>) {
    let pool = narrow(2);
    let gate = block(&pool, 1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let calls = gather((0..20).map(|number| {
        let order = order.clone();
        Call::new(move || order.lock().expect("not poisoned").push(number)).on(&pool)
    }));
    subject.block_on(async {
        let mut calls = Box::pin(calls.into_future());
        assert!(poll_once(&mut calls).is_pending());
        assert_eq!((pool.metrics().queued, pool.metrics().waiting), (2, 18), "{:?}", pool.metrics());
        // The runtime is not blocked: it gets here.
        yield_now().await;
        gate.0.set();
        calls.await;
    });
    assert_eq!(*order.lock().expect("not poisoned"), (0..20).collect::<Vec<_>>());
    assert_eq!((pool.metrics().queued, pool.metrics().waiting), (0, 0));
}

/// C14: whoever waits for room and is cancelled makes way, and his closure is dropped there and then.
pub fn c14_who_waits_for_room_can_be_cancelled<R: BlockOn>(subject: &Subject<R>) {
    let pool = narrow(1);
    let gate = block(&pool, 1);
    subject.block_on(async {
        let mut first = Call::new(|| 1).on(&pool);
        assert!(poll_once(&mut first).is_pending());
        let (probe, drops) = Probe::new();
        let mut waiting = Call::new(move || drop(probe)).on(&pool);
        let mut behind = Call::new(|| 3).on(&pool);
        assert!(poll_once(&mut waiting).is_pending());
        assert!(poll_once(&mut behind).is_pending());
        drop(waiting);
        assert_eq!((drops.count(), drops.was_here()), (1, true));
        gate.0.set();
        assert_eq!((first.await, behind.await), (1, 3));
    });
}

/// C14: room that a cancelled call leaves can be had at once.
pub fn c14_a_cancelled_call_leaves_its_room<R: BlockOn>(subject: &Subject<R>) {
    let pool = narrow(3);
    let gate = block(&pool, 1);
    let mut queued: Vec<_> = (0..3).map(|number| pool.submit(move || number)).collect();
    assert!(pool.try_submit(|| 3).is_err());
    drop(queued.remove(1));
    let instead = pool.try_submit(|| 3).map_err(|(_, reason)| reason).expect("there is room again");
    assert!(pool.try_submit(|| 4).is_err(), "for one");
    queued.push(instead);
    gate.0.set();
    let values: Vec<_> = queued.into_iter().map(|task| subject.block_on(task).expect("a value")).collect();
    assert_eq!(values, [0, 2, 3]);
}

/// C14: the queue never grows past its limit, however many call at the same time.
pub fn c14_the_queue_never_grows_past_its_limit<R: BlockOn>(subject: &Subject<R>) {
    const ROOM: usize = 4;
    let pool = ThreadPool::builder().max_threads(2).queue_limit(ROOM).build().expect("possible settings");
    let watched = pool.clone();
    let calls = (0..500).map(|number| {
        let pool = watched.clone();
        Call::new(move || {
            assert!(pool.metrics().queued <= ROOM, "{:?}", pool.metrics());
            number
        })
        .on(&watched)
    });
    let calls: Vec<_> = calls.collect();
    let values = subject.block_on(gather(calls));
    assert_eq!(values, (0..500).collect::<Vec<_>>());
}

/// C14: who waits for room when the pool is shut down is run, as what is queued is.
pub fn c14_a_shutdown_runs_who_waits_for_room<R: BlockOn>(subject: &Subject<R>) {
    let pool = narrow(1);
    let gate = block(&pool, 1);
    subject.block_on(async {
        let mut calls =
            Box::pin(gather((0..5).map(|number| Call::new(move || number).on(&pool))).into_future());
        assert!(poll_once(&mut calls).is_pending());
        let shutdown = pool.shutdown();
        gate.0.set();
        shutdown.await.expect("from outside");
        assert_eq!(calls.await, [0, 1, 2, 3, 4]);
    });
}
