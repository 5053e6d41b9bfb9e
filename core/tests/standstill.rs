//! Pools in which nothing moves for a while (C17): what they do about it, and that nobody is accused who will go on.

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{Call, Limiter, PoolExt, Task, TaskError, ThreadPool, from_thread, gather};
use support::bell::Bell;
use support::{all_at_once, ended_within, eventually, pool_of_two};

/// More than it takes a pool to see that nothing moves.
const LONG: Duration = Duration::from_secs(5);

/// Less than a test takes that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

static MANY: Limiter = Limiter::new(1000);

/// Two calls that have both begun before their bodies do.
fn two_at_once<T: Send + 'static>(
    pool: &ThreadPool,
    body: impl Fn() -> T + Clone + Send + 'static,
) -> [Task<T>; 2] {
    let go = Bell::default();
    let calls = [1, 2].map(|number| {
        let (go, body) = (go.clone(), body.clone());
        let call = pool.submit(move || {
            go.wait();
            body()
        });
        eventually("it has begun", || pool.metrics().running == number);
        call
    });
    thread::sleep(Duration::from_millis(20));
    go.ring();
    calls
}

/// Each call waits for a thread that waits for a call, which the pool cannot see; and so may as many as there are threads, and more.
#[test]
fn what_many_wait_for_may_be_known_to_nobody() {
    let pool = ThreadPool::new(1).unwrap();
    let inner = pool.clone();
    let body = move || {
        let bell = Bell::default();
        let (ringer, inner) = (bell.clone(), inner.clone());
        let helper = thread::spawn(move || {
            inner.submit(|| ()).wait().unwrap();
            ringer.ring();
        });
        bell.wait();
        helper.join().unwrap();
    };
    for call in all_at_once(&pool, 4, body) {
        ended_within(PATIENCE * 2, call).unwrap().unwrap();
    }
}

/// A call that was cancelled is nothing that others wait for.
#[test]
fn a_cancelled_inner_call_makes_no_pool_look_stuck() {
    let pool = ThreadPool::new(1).unwrap();
    let bell = Bell::rings_after(LONG);
    let mut calls = Vec::new();
    for number in 1..=4 {
        let (bell, inner) = (bell.clone(), pool.clone());
        let body = move || {
            if number == 4 {
                drop(inner.submit(|| ()));
            }
            bell.wait();
        };
        calls.push(Call::new(body).on(&pool).limit(&MANY).start());
        eventually("it waits", || pool.metrics().running == number);
    }
    for call in calls {
        call.wait().unwrap();
    }
}

/// Somebody who waits for an answer from afar will go on, and then there is a thread.
#[test]
fn a_call_without_a_thread_makes_no_pool_look_stuck() {
    let pool = pool_of_two();
    let bell = Bell::rings_after(LONG + LONG);
    let waits = two_at_once(&pool, move || bell.wait());
    let outsider = pool.submit(|| ());
    for call in waits.into_iter().chain([outsider]) {
        call.wait().unwrap();
    }
}

/// Calls that are nested too deeply are told so, and not another one, which waits for something else.
#[test]
fn who_is_told_that_the_pool_is_stuck_waits_for_a_call() {
    fn nest(pool: &ThreadPool, depth: usize) -> Result<(), TaskError> {
        let inner = pool.clone();
        if depth == 0 { Ok(()) } else { pool.submit(move || nest(&inner, depth - 1)).wait()? }
    }
    let pool = ThreadPool::new(1).unwrap();
    let bell = Bell::rings_after(LONG);
    let innocent = pool.submit(move || bell.wait());
    eventually("it waits", || pool.metrics().running == 1);
    let inner = pool.clone();
    let nested = pool.submit(move || nest(&inner, 80));
    innocent.wait().unwrap();
    assert!(matches!(nested.wait().and_then(|ended| ended), Err(TaskError::Panicked(_))));
}

/// What runs on another pool is nothing that this one could run, and what nobody awaits holds nobody up.
#[test]
fn calls_of_another_pool_may_take_their_time() {
    let (pool, other) = (pool_of_two(), ThreadPool::new(2).unwrap());
    let waits = two_at_once(&pool, move || other.submit(|| thread::sleep(LONG + LONG)).wait().unwrap());
    let outsider = pool.submit(|| ());
    for call in waits.into_iter().chain([outsider]) {
        call.wait().unwrap();
    }
}

/// A gather of many polls those that were woken, and still waits for the others.
#[test]
fn who_gathers_many_calls_in_vain_is_told() {
    let pool = pool_of_two();
    let inner = pool.clone();
    let calls = two_at_once(&pool, move || {
        let soon = Bell::rings_after(Duration::from_millis(100));
        let mut children: Vec<BoxFuture> = Vec::new();
        children.push(Box::pin(async move { soon.rung().await }));
        for _ in 0..60 {
            let task = inner.submit(|| ());
            children.push(Box::pin(async move { task.await.unwrap() }));
        }
        from_thread::block_on(async { gather(children).await });
    });
    let ended = calls.map(|call| ended_within(PATIENCE, call).unwrap());
    assert!(ended.iter().any(|ended| matches!(ended, Err(TaskError::Panicked(_)))), "{ended:?}");
}

/// Cancelled calls are nothing to be guessed, of whichever tenant, and who waits for room behind them may be.
#[test]
fn what_is_guessed_is_behind_cancelled_calls() {
    for room in [None, Some(1)] {
        let pool = ThreadPool::builder().max_threads(1);
        let pool = room.into_iter().fold(pool, |pool, room| pool.queue_limit(room)).build().unwrap();
        let bell = Bell::default();
        let inside = bell.clone();
        let waits = two_at_once(&pool, move || inside.wait());
        let views: Vec<_> = (0..20).map(|_| pool.limit(1)).collect();
        views.iter().for_each(|view| drop(view.submit(|| ())));
        drop(pool.submit(|| ()));
        let inner = pool.clone();
        let helper = thread::spawn(move || {
            pollster::block_on(Call::new(|| ()).on(&inner));
            bell.ring();
        });
        for call in waits {
            ended_within(PATIENCE, call).unwrap().unwrap();
        }
        helper.join().unwrap();
    }
}

/// One that runs for long leaves room for others to be at work, although those that wait have no more places to lend.
#[test]
fn a_long_call_does_not_keep_nested_ones_from_their_end() {
    fn nest(pool: &ThreadPool, depth: usize) {
        let inner = pool.clone();
        if depth > 0 {
            pool.submit(move || nest(&inner, depth - 1)).wait().unwrap();
        }
    }
    let pool = ThreadPool::new(2).unwrap();
    let gate = support::block(&pool);
    let inner = pool.clone();
    let nested = pool.submit(move || nest(&inner, 10));
    ended_within(PATIENCE, nested).unwrap().unwrap();
    drop(gate);
}

/// A call that has waited for a timer for long has not waited for a call for as long.
#[test]
fn a_long_wait_for_a_timer_is_none_for_the_call_after_it() {
    let pool = pool_of_two();
    let (inner, is_second) = (pool.clone(), Arc::new(AtomicBool::new(false)));
    let calls = two_at_once(&pool, move || {
        if is_second.swap(true, Ordering::Relaxed) {
            Bell::rings_after(LONG).wait();
            let other = ThreadPool::new(1).unwrap();
            other.submit(|| thread::sleep(Duration::from_secs(1))).wait().unwrap();
        } else {
            inner.submit(|| ()).wait().unwrap();
        }
    });
    for call in calls {
        ended_within(PATIENCE, call).unwrap().unwrap();
    }
}

/// What stands in the queue need not be waited for itself, as long as it has what the others need.
#[test]
fn who_waits_behind_a_permit_that_nobody_uses_is_told() {
    static ONE: Limiter = Limiter::new(1);
    let pool = pool_of_two();
    let inner = pool.clone();
    let calls = two_at_once(&pool, move || {
        let [first, second] = [(); 2].map(|()| Call::new(|| ()).on(&inner).limit(&ONE).start());
        second.wait().unwrap();
        first.wait().unwrap();
    });
    let ended = calls.map(|call| ended_within(PATIENCE, call).unwrap());
    assert!(ended.iter().any(|ended| matches!(ended, Err(TaskError::Panicked(_)))), "{ended:?}");
}
