//! Who serves calls that all wait (C17), and whom: what nobody waits for is left alone, nobody is kept from what it waits for by
//! others, and nothing is lost where there is no thread for it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{Actor, Call, Limiter, PoolExt, ThreadPool};
use support::bell::Bell;
use support::{eventually, pool_of_two, two_that_wait};

/// Neither an actor nor a permit that nobody waits for makes a pool look stuck, nor do more of them than there are threads.
#[test]
fn what_nobody_waits_for_is_let_wait_for_a_timer() {
    static MANY: Limiter = Limiter::new(100);
    let slow = || Bell::rings_after(Duration::from_secs(4)).wait();
    let pools: Vec<_> = (0..2).map(|_| ThreadPool::new(1).unwrap()).collect();
    let mut calls: Vec<_> = (0..5).map(|_| Call::new(slow).on(&pools[0]).limit(&MANY).start()).collect();
    let actors: Vec<_> = (0..5).map(|_| Actor::on(&pools[1], ())).collect();
    calls.extend(actors.iter().map(|actor| actor.with(move |()| slow())));
    for call in calls {
        call.wait().unwrap();
    }
}

/// The one who serves runs a call that holds a permit, and that comes to wait as well: there is one more, for what has the other one.
#[test]
fn who_serves_those_that_wait_may_come_to_wait_itself() {
    static ONE: Limiter = Limiter::new(1);
    static MANY: Limiter = Limiter::new(100);
    let pool = ThreadPool::new(1).unwrap();
    let (inner, outer) = (pool.clone(), pool.clone());
    let under_one = move || Call::new(|| 1).on(&inner).limit(&ONE).start().wait().unwrap();
    let comes_to_wait = under_one.clone();
    let mut outside = Vec::new();
    let ended = two_that_wait(&pool, under_one, || {
        outside.push(Call::new(comes_to_wait).on(&outer).limit(&MANY).start());
        outside.push(Call::new(|| 1).on(&outer).limit(&ONE).start());
    });
    assert_eq!(ended, [1, 1]);
    for call in outside {
        assert_eq!(call.wait().unwrap(), 1);
    }
}

/// An actor that is busy all the time queues up again and again: it does not go before the one that all calls wait for.
#[test]
fn who_is_always_there_does_not_keep_others_from_what_they_wait_for() {
    let pool = ThreadPool::new(1).unwrap();
    let (busy, quiet) = (Actor::on(&pool, 0), Actor::on(&pool, 0));
    let over = Arc::new(AtomicBool::new(false));
    let user = thread::spawn({
        let (busy, over) = (busy.clone(), over.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let work = |_: &mut i32| thread::sleep(Duration::from_micros(500));
                let calls: Vec<_> = (0..10).map(|_| busy.with(work)).collect();
                calls.into_iter().for_each(|call| call.wait().unwrap());
            }
        }
    });
    let inner = quiet.clone();
    let mut outsider = None;
    let ended = two_that_wait(
        &pool,
        move || inner.with(|_| 1).wait().unwrap(),
        || outsider = Some(quiet.with(|_| 1)),
    );
    assert_eq!(ended, [1, 1]);
    assert_eq!(outsider.unwrap().wait().unwrap(), 1);
    over.store(true, Ordering::Relaxed);
    user.join().unwrap();
}

/// The threads that wait will come back; it is one more that is not to be had.
#[test]
fn a_thread_that_is_refused_while_all_wait_ends_nothing() {
    static MANY: Limiter = Limiter::new(100);
    let pool = pool_of_two();
    let bell = Bell::default();
    let mut calls: Vec<_> = (1..=2)
        .map(|number| {
            let bell = bell.clone();
            let call = pool.submit(move || bell.wait());
            eventually("it waits", || pool.metrics().running == number);
            call
        })
        .collect();
    thread::sleep(Duration::from_millis(20));
    calls.push(pool.submit(|| ()));
    calls.push(Call::new(|| ()).on(&pool).limit(&MANY).start());
    bell.ring();
    for call in calls {
        call.wait().unwrap();
    }
}

/// What nobody can know of is found behind others, of other tenants, and cancelled ones, at the first attempt or the second.
#[test]
fn what_is_known_to_nobody_is_found_behind_others() {
    let pool = ThreadPool::new(1).unwrap();
    let (view, inner) = (pool.limit(2), pool.clone());
    let bell = Bell::default();
    let ringer = bell.clone();
    let waits: Vec<_> = (0..2)
        .map(|_| {
            let bell = bell.clone();
            pool.submit(move || bell.wait())
        })
        .collect();
    eventually("both wait", || pool.metrics().running == 2);
    for _ in 0..20 {
        drop(inner.submit(|| ()));
    }
    let user = thread::spawn(move || {
        view.submit(move || ringer.ring()).wait().unwrap();
    });
    for call in waits {
        call.wait().unwrap();
    }
    user.join().unwrap();
}
