//! Pools in which nothing moves for a while (C17): what they do about it, and that nobody is accused who will go on.

mod support;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{Call, Limiter, PoolExt, TaskError, ThreadPool};
use support::bell::Bell;
use support::{ended_within, eventually};

/// More than it takes a pool to see that nothing moves.
const LONG: Duration = Duration::from_secs(5);

static MANY: Limiter = Limiter::new(1000);

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
    let gate = support::block(&pool);
    let calls: Vec<_> = (0..5).map(|_| pool.submit(body.clone())).collect();
    drop(gate);
    for call in calls {
        ended_within(Duration::from_secs(60), call).unwrap().unwrap();
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
    let asked = AtomicUsize::new(0);
    let handler = move |builder: thread::Builder, body: Box<dyn FnOnce() + Send>| {
        if asked.fetch_add(1, Ordering::Relaxed) < 2 {
            builder.spawn(body)
        } else {
            Err(io::Error::other("no more threads in this test"))
        }
    };
    let pool = ThreadPool::builder().max_threads(1).spawn_handler(handler).build().unwrap();
    let bell = Bell::rings_after(LONG + LONG);
    let mut calls: Vec<_> = (1..=2)
        .map(|number| {
            let bell = bell.clone();
            let call = pool.submit(move || bell.wait());
            eventually("it waits", || pool.metrics().running == number);
            call
        })
        .collect();
    calls.push(pool.submit(|| ()));
    for call in calls {
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
