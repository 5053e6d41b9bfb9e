//! Who is cancelled in a `Limiter`'s queue holds up nobody, whoever has to be behind it.

mod support;

use std::sync::mpsc;
use std::thread;

use anyloop_core::{Call, CancelToken, Limiter, Task, ThreadPool};
use support::choices::{Choices, seed};
use support::eventually;

/// Takes permits until the sender is dropped, and is known to have begun.
fn hold(pool: &ThreadPool, limiter: &'static Limiter, permits: usize) -> (Task<()>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let call = Call::new(move || {
        starting.send(()).unwrap();
        let _ = released.recv();
    });
    let task = call.on(pool).limit_weighted(limiter, permits).start();
    started.recv().unwrap();
    (task, release)
}

fn weighing(pool: &ThreadPool, limiter: &'static Limiter, permits: usize) -> Call<fn()> {
    let nothing: fn() = || ();
    Call::new(nothing).on(pool).limit_weighted(limiter, permits)
}

#[test]
fn one_behind_a_cancelled_call_has_the_places_that_are_free() {
    static LIMITER: Limiter = Limiter::new(4);
    let pool = ThreadPool::new(4).unwrap();
    let (holder, release) = hold(&pool, &LIMITER, 2);
    let token = CancelToken::new();
    let dropped = weighing(&pool, &LIMITER, 4).start();
    let aborted = weighing(&pool, &LIMITER, 3).start();
    let by_token = weighing(&pool, &LIMITER, 4).with_token(&token).start();
    let light = weighing(&pool, &LIMITER, 1).start();
    aborted.abort();
    drop(dropped);
    assert!(!light.is_finished());
    token.cancel();
    light.wait().unwrap();
    assert!(!holder.is_finished());
    drop(release);
    holder.wait().unwrap();
    assert!(aborted.wait().is_err() && by_token.wait().is_err());
    eventually("all places come back", || format!("{LIMITER:?}").contains("taken: 0, queued: 0"));
}

/// Cancels race places that are given back, and calls that come.
#[test]
fn however_cancels_and_ends_meet_nobody_is_left_behind() {
    static LIMITER: Limiter = Limiter::new(4);
    let seed = seed();
    println!("ANYLOOP_TEST_SEED={seed}");
    let mut choices = Choices::scattered(seed);
    let pool = ThreadPool::new(4).unwrap();
    for _ in 0..300 {
        // While it holds two, none that takes three can run.
        let (holder, release) = hold(&pool, &LIMITER, 2);
        let (other, release_other) = hold(&pool, &LIMITER, 1 + usize::from(choices.one_in(2)));
        let (mut heavy, mut light) = (Vec::new(), Vec::new());
        let mut start = |choices: &mut Choices, heavy: &mut Vec<_>| {
            if choices.one_in(2) {
                heavy.push(weighing(&pool, &LIMITER, 3 + usize::from(choices.one_in(2))).start());
            } else {
                light.push(weighing(&pool, &LIMITER, 1 + usize::from(choices.one_in(2))).start());
            }
        };
        (0..12).for_each(|_| start(&mut choices, &mut heavy));
        let mut late = Vec::new();
        thread::scope(|threads| {
            threads.spawn(move || {
                for (number, task) in heavy.into_iter().enumerate() {
                    if number % 2 == 0 {
                        task.abort();
                    }
                }
            });
            threads.spawn(move || drop(release_other));
            (0..6).for_each(|_| start(&mut choices, &mut late));
        });
        drop(late);
        other.wait().unwrap();
        light.into_iter().for_each(|task| task.wait().unwrap());
        assert!(!holder.is_finished());
        drop(release);
        holder.wait().unwrap();
    }
    eventually("all places come back", || format!("{LIMITER:?}").contains("taken: 0, queued: 0"));
}
