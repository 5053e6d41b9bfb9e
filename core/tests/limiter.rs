//! Who is cancelled in a `Limiter`'s queue holds up nobody, whoever has to be behind it; nor does who hands on others' calls, wherever
//! that is.

mod support;

use std::cell::RefCell;
use std::sync::mpsc::{self, channel};
use std::thread;
use std::time::Duration;

use anyloop_core::{Call, CancelToken, InlinePool, Limiter, PoolExt, Task, ThreadPool};
use support::bell::Bell;
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

/// On a pool that runs jobs in place, who hands a call on is inside of it until it ends. The permits that others give back
/// meanwhile are not to wait for that.
#[test]
fn a_call_that_is_handed_on_in_place_does_not_keep_the_others() {
    static TWO: Limiter = Limiter::new(2);
    let start = |call: Box<dyn FnOnce() + Send>| Call::new(call).on(&InlinePool).limit(&TWO).start();
    let ((begun, begins), (ran, runs)) = (channel(), channel::<()>());
    let [end_first, end_second] = [(); 2].map(|()| {
        let (begun, (end, ended)) = (begun.clone(), channel::<()>());
        thread::spawn(move || {
            start(Box::new(move || {
                begun.send(()).unwrap();
                let _ = ended.recv();
            }))
            .detach();
        });
        begins.recv().unwrap();
        end
    });
    let waits = start(Box::new(move || {
        begun.send(()).unwrap();
        runs.recv().unwrap();
    }));
    let last = start(Box::new(move || ran.send(()).unwrap()));
    // Runs the third one, which waits for the last.
    drop(end_first);
    begins.recv().unwrap();
    assert!(!last.is_finished());
    drop(end_second);
    last.wait().unwrap();
    waits.wait().unwrap();
}

/// Each is run by who hands it on, and not by the end of the one before, inside of that.
#[test]
fn many_calls_that_are_handed_on_in_place_are_not_run_inside_of_each_other() {
    static ONE: Limiter = Limiter::new(1);
    let start = |call: Box<dyn FnOnce() + Send>| Call::new(call).on(&InlinePool).limit(&ONE).start();
    let ((begun, begins), (end, ended)) = (channel(), channel::<()>());
    let first = thread::spawn(move || {
        start(Box::new(move || {
            begun.send(()).unwrap();
            let _ = ended.recv();
        }))
        .detach();
    });
    begins.recv().unwrap();
    let calls: Vec<_> = (0..20_000).map(|_| start(Box::new(|| ()))).collect();
    drop(end);
    first.join().unwrap();
    for call in calls {
        call.wait().unwrap();
    }
}

/// What a thread has kept is dropped at its end, when others of its locals have gone.
#[test]
fn at_the_end_of_a_thread_limited_calls_are_run_and_handed_on() {
    static TWO: Limiter = Limiter::new(2);
    static OTHER: Limiter = Limiter::new(1);
    struct AtTheEnd(Option<Box<dyn FnOnce()>>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            if let Some(last) = self.0.take() {
                last();
            }
        }
    }
    thread_local! {
        static LAST: RefCell<AtTheEnd> = const { RefCell::new(AtTheEnd(None)) };
    }
    let pool = ThreadPool::new(4).unwrap();
    let ((begun, begins), (end, ended)) = (channel(), channel::<()>());
    let holds = Call::new(move || {
        begun.send(()).unwrap();
        let _ = ended.recv();
    });
    let holds = holds.on(&pool).limit(&TWO).start();
    begins.recv().unwrap();
    let (handed_on, ran) = thread::spawn(move || {
        // Before the limiter's own locals, which go first then.
        LAST.with(|_| ());
        let both = || Call::new(|| ()).on(&pool).limit_weighted(&TWO, 2).start();
        let cancelled = both();
        let handed_on = Call::new(|| ()).on(&pool).limit(&TWO).start();
        drop(cancelled);
        handed_on.wait().unwrap();
        let (to, ran) = channel();
        let head = both();
        let behind = Call::new(|| 42).on(&pool).limit(&TWO).start();
        LAST.with_borrow_mut(|last| {
            last.0 = Some(Box::new(move || {
                drop(head);
                let in_place = Call::new(|| 1).on(&InlinePool).limit(&OTHER).start();
                let map = pollster::block_on(InlinePool.map([2], |number| number).settle());
                to.send((in_place.wait(), map)).unwrap();
            }));
        });
        (behind, ran)
    })
    .join()
    .unwrap();
    assert_eq!(handed_on.wait().unwrap(), 42);
    let (in_place, map) = ran.recv().unwrap();
    assert_eq!((in_place.unwrap(), map.unwrap()), (1, vec![2]));
    drop(end);
    holds.wait().unwrap();
}

/// A call that is run in place waits, and the one around it with it: the permits of both are lent.
#[test]
fn who_waits_inside_of_another_lends_the_permits_of_both() {
    static OUTER: Limiter = Limiter::new(1);
    static INNER: Limiter = Limiter::new(1);
    let pool = ThreadPool::new(4).unwrap();
    let other = pool.clone();
    let innermost = move || Call::new(|| 1).on(&other).limit(&OUTER).start().wait().unwrap();
    let inner = move || Call::new(innermost).on(&InlinePool).limit(&INNER).start().wait().unwrap();
    assert_eq!(Call::new(inner).on(&pool).limit(&OUTER).start().wait().unwrap(), 1);
}

/// What follows under the one limiter may run where the first has ended, and take its time: the permit of the other is back by then.
#[test]
fn an_ended_call_has_given_back_all_permits_before_others_are_handed_on() {
    static SECOND: Limiter = Limiter::new(1);
    let first = InlinePool.limit(1);
    let ((begun, begins), (end, ended)) = (channel(), channel::<()>());
    let (beginning, place) = (begun.clone(), first.clone());
    let holder = thread::spawn(move || {
        let hold = move || {
            beginning.send(()).unwrap();
            let _ = ended.recv();
        };
        Call::new(hold).on(&place).limit(&SECOND).start().wait().unwrap();
    });
    begins.recv().unwrap();
    let (ran, runs) = channel::<()>();
    let next = first.submit(move || {
        begun.send(()).unwrap();
        runs.recv().is_ok()
    });
    drop(end);
    begins.recv().unwrap();
    // On this thread, if the place is free.
    Call::new(move || ran.send(()).unwrap()).on(&InlinePool).limit(&SECOND).start().detach();
    assert!(next.wait().unwrap());
    holder.join().unwrap();
}

/// A call that waits hands on another, in place, that waits as well: the first one's permit is lent once, and its wake is not lost.
#[test]
fn who_waits_may_run_another_that_waits_on_its_own_thread() {
    static ONE: Limiter = Limiter::new(1);
    let pool = ThreadPool::new(2).unwrap();
    for _ in 0..20 {
        let (go, gone) = channel::<()>();
        let bells = [Bell::default(), Bell::default()];
        let [first, second] = bells.clone();
        let outer = Call::new(move || {
            let _ = gone.recv();
            first.wait();
        });
        let outer = outer.on(&pool).limit(&ONE).start();
        eventually("it runs", || pool.metrics().running == 1);
        let inner = Call::new(move || second.wait()).on(&InlinePool).limit(&ONE).start();
        drop(go);
        thread::sleep(Duration::from_millis(5));
        for bell in bells {
            bell.ring();
            thread::sleep(Duration::from_millis(5));
        }
        inner.wait().unwrap();
        outer.wait().unwrap();
        eventually("all permits are back", || format!("{ONE:?}").contains("taken: 0"));
    }
}
