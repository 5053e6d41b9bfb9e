//! C18: views with a queue of their own, served in turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyloop_core::{BlockOn, Call, Limiter, Pool, PoolExt, TaskError, ThreadPool, gather};

use super::block;
use crate::Subject;

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("at least one thread")
}

/// C18: a view runs no more than its limit, on threads of its pool.
pub fn c18_a_view_keeps_its_limit<R: BlockOn>(subject: &Subject<R>) {
    for limit in [1, 2, 3] {
        let pool = pool(8);
        let view = pool.limit(limit);
        assert_eq!(view.max_threads().map(usize::from), Some(limit));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let calls = (0..100).map(|_| {
            let (running, most) = (running.clone(), most.clone());
            Call::new(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
            })
            .on(&view)
        });
        let calls: Vec<_> = calls.collect();
        subject.block_on(gather(calls));
        let most = most.load(Ordering::SeqCst);
        assert!((1..=limit).contains(&most), "{most} at once, of {limit}");
    }
}

/// C18: a view of a view has the smaller limit; a view of a pool has at most the pool's threads.
pub fn c18_limits_do_not_add_up<R: BlockOn>(subject: &Subject<R>) {
    let view = pool(4).limit(9);
    assert_eq!(view.max_threads().map(usize::from), Some(4));
    let inner = view.limit(2).limit(3);
    assert_eq!(inner.max_threads().map(usize::from), Some(2));
    assert_eq!(subject.block_on(inner.submit(|| 1)).expect("a value"), 1);
}

/// C18: with a limit of 0, every call is refused with an error that says so.
pub fn c18_a_view_of_none_says_so<R: BlockOn>(subject: &Subject<R>) {
    for view in [pool(1).limit(0), subject.pool().limit(0)] {
        match subject.block_on(view.submit(|| 1)) {
            Err(TaskError::NoPool(text)) => assert!(text.contains("at least 1"), "{text}"),
            other => panic!("ended in {other:?}"),
        }
    }
}

/// C18: calls of one view start in the order submitted; the queues are served in turn, so that a backlog in one delays
/// the others' first calls by a turn and no more.
pub fn c18_queues_are_served_in_turn<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    let (one, other) = (pool.limit(1), pool.limit(1));
    let gate = block(&pool, 1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let submit = |to: &dyn Pool, name: char, number: usize| {
        let order = order.clone();
        to.submit(move || order.lock().expect("not poisoned").push((name, number)))
    };
    let mut tasks: Vec<_> = (0..100).map(|number| submit(&pool, 'p', number)).collect();
    tasks.extend((0..3).map(|number| submit(&one, 'o', number)));
    tasks.extend((0..2).map(|number| submit(&other, 't', number)));
    gate.0.set();
    for task in tasks {
        subject.block_on(task).expect("a value");
    }
    let order = order.lock().expect("not poisoned");
    let of = |name| order.iter().filter(move |(one, _)| *one == name).map(|(_, number)| *number);
    assert!(of('p').eq(0..100) && of('o').eq(0..3) && of('t').eq(0..2), "{order:?}");
    let place = |name, number| order.iter().position(|entry| *entry == (name, number));
    // A turn is one call of each queue.
    assert!(place('o', 0) <= Some(3) && place('t', 0) <= Some(3), "{order:?}");
    assert!(place('o', 2) <= Some(9) && place('t', 1) <= Some(6), "{order:?}");
}

/// C18: a view that is full keeps nobody else waiting, though all its calls block.
pub fn c18_a_full_view_keeps_nobody_else_waiting<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(2);
    let slow = pool.limit(1);
    let gate = block(&slow, 1);
    let behind: Vec<_> = (0..50).map(|number| slow.submit(move || number)).collect();
    for number in 0..50 {
        assert_eq!(subject.block_on(pool.submit(move || number)).expect("a value"), number);
    }
    assert_eq!(slow.metrics().map(|metrics| (metrics.running, metrics.queued)), Some((1, 50)));
    gate.0.set();
    for (number, task) in behind.into_iter().enumerate() {
        assert_eq!(subject.block_on(task).expect("a value"), number);
    }
}

/// C18: any pool can be limited; what is dropped or cancelled gives its place back.
pub fn c18_any_pool_can_be_limited<R: BlockOn>(subject: &Subject<R>) {
    let view = subject.pool().limit(2);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = block(&view, 2);
    let cancelled: Vec<_> = (0..10).map(|_| view.submit(|| ())).collect();
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let (running, most) = (running.clone(), most.clone());
            view.submit(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                number
            })
        })
        .collect();
    drop(cancelled);
    gate.0.set();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(subject.block_on(task).expect("a value"), number);
    }
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} at once");
}

/// C18: a call may take several permits of a limiter; who needs more than there are is told.
pub fn c18_a_call_may_take_several_permits<R: BlockOn>(subject: &Subject<R>) {
    static WEIGHT: Limiter = Limiter::new(10);
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let calls = (0..60).map(|number| {
        let permits = 1 + number % 10;
        subject
            .call(move || {
                let taken = TAKEN.fetch_add(permits, Ordering::SeqCst) + permits;
                assert!(taken <= 10, "{taken} permits of 10");
                std::thread::yield_now();
                TAKEN.fetch_sub(permits, Ordering::SeqCst);
                number
            })
            .limit_weighted(&WEIGHT, permits)
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(subject.block_on(gather(calls)), (0..60).collect::<Vec<_>>());
    let too_heavy = subject.call(|| 1).limit_weighted(&WEIGHT, 11).settle();
    match subject.block_on(too_heavy) {
        Err(TaskError::NoPool(text)) => {
            assert!(text.contains("11 permits"), "{text}");
            assert!(text.contains("would wait for ever: take fewer, or raise the limit"), "{text}");
        }
        other => panic!("ended in {other:?}"),
    }
}
