//! What goes wrong in and around an actor: after each, every call has ended, in its value or in an error that says what
//! happened, and every closure was dropped exactly once.

mod support;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use anyloop_core::{Actor, PanicPolicy, Refused, Task, TaskError};
use support::{Counted, Counts, eventually};

/// 1,000 callers on 8 threads; each has its value or an error.
fn callers(actor: &Actor<usize>, panics_at: usize, counts: &Arc<Counts>) -> Vec<Result<usize, TaskError>> {
    const THREADS: usize = 8;
    const EACH: usize = 125;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let users: Vec<_> = (0..THREADS)
            .map(|_| {
                let (actor, barrier) = (actor.clone(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let call = |number: usize| {
                        let counted = Counted::new(counts);
                        let work = move |value: &mut usize| {
                            *value += 1;
                            assert_ne!(*value, panics_at, "the value is {panics_at}");
                            counted.run(*value)
                        };
                        // Both ways in.
                        if number.is_multiple_of(2) { actor.with(work) } else { actor.call(work).start() }
                    };
                    let tasks: Vec<Task<usize>> = (0..EACH).map(call).collect();
                    tasks.into_iter().map(Task::wait).collect::<Vec<_>>()
                })
            })
            .collect();
        users.into_iter().flat_map(|user| user.join().unwrap()).collect()
    })
}

#[test]
fn a_panic_among_a_thousand_callers_loses_nothing() {
    let counts = Counts::new();
    let actor = Actor::new(|| 0);
    let ends = callers(&actor, 300, &counts);
    let (mut values, mut panicked, mut poisoned) = (Vec::new(), 0, 0);
    for end in ends {
        match end {
            Ok(value) => values.push(value),
            Err(TaskError::Panicked(panic)) => {
                assert!(panic.message().contains("the value is 300"));
                panicked += 1;
            }
            Err(TaskError::Poisoned(why)) => {
                assert!(why.contains("the value is 300"), "{why}");
                poisoned += 1;
            }
            Err(other) => panic!("ended in {other:?}"),
        }
    }
    values.sort_unstable();
    assert_eq!(values, (1..300).collect::<Vec<_>>());
    assert_eq!((panicked, poisoned), (1, 700));
    assert_eq!(counts.dropped(), counts.made());
    let late = actor.with(|value| *value).wait().unwrap_err();
    assert!(late.to_string().contains("the value is 300"), "{late}");
    assert!(matches!(actor.try_with(|value| *value), Err((_, Refused::Poisoned(_)))));
    assert!(matches!(actor.close().wait(), Err(TaskError::Poisoned(_))));
    assert!(actor.is_closed());
}

#[test]
fn a_factorys_panic_loses_none_of_a_thousand_callers() {
    let counts = Counts::new();
    let (go_on, going_on) = mpsc::channel::<()>();
    let actor = Actor::new(move || -> usize {
        let _ = going_on.recv();
        panic!("no database")
    });
    let others = (0..100).map(|_| actor.with(|value| *value)).collect::<Vec<_>>();
    drop(go_on);
    for end in callers(&actor, usize::MAX, &counts).into_iter().chain(others.into_iter().map(Task::wait)) {
        let Err(TaskError::Poisoned(why)) = end else { panic!("ended in {end:?}") };
        assert!(why.contains("factory") && why.contains("no database"), "{why}");
    }
    assert_eq!((counts.made(), counts.ran()), (1_000, 0));
    assert_eq!(counts.dropped(), counts.made());
}

/// Notes where it is dropped.
struct Noted(Arc<AtomicBool>, thread::ThreadId);

impl Noted {
    fn new(dropped: &Arc<AtomicBool>) -> Self {
        Self(dropped.clone(), thread::current().id())
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        assert_eq!(self.1, thread::current().id());
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_poisoned_value_is_dropped_before_the_panic_is_seen() {
    let dropped = Arc::new(AtomicBool::new(false));
    let theirs = dropped.clone();
    let actor = Actor::new(move || Noted::new(&theirs));
    let ended = actor.with(|_| panic!("a bug")).wait();
    assert!(matches!(ended, Err(TaskError::Panicked(_))));
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn a_kept_value_goes_on() {
    let actor = Actor::builder().on_panic(PanicPolicy::Keep).start(|| 1).unwrap();
    let ended = actor.with(|value| {
        *value = 2;
        panic!("a bug")
    });
    assert!(matches!(ended.wait(), Err(TaskError::Panicked(_))));
    assert_eq!(actor.close().wait().unwrap(), 2);
}

#[test]
fn a_value_is_rebuilt_after_each_panic() {
    let made = Arc::new(AtomicUsize::new(0));
    let making = made.clone();
    let actor = Actor::builder()
        .on_panic(PanicPolicy::Rebuild)
        .start_with(move || making.fetch_add(1, Ordering::SeqCst))
        .unwrap();
    for round in 0..3 {
        assert_eq!(actor.with(|value| *value).wait().unwrap(), round);
        assert!(matches!(actor.with(|_| panic!("a bug")).wait(), Err(TaskError::Panicked(_))));
    }
    let counts = Counts::new();
    let ends = callers(&actor, 100, &counts);
    let panicked = ends.iter().filter(|end| matches!(end, Err(TaskError::Panicked(_)))).count();
    assert!(panicked > 1 && ends.iter().filter(|end| end.is_ok()).count() == 1_000 - panicked);
    assert_eq!((counts.dropped(), counts.ran()), (1_000, 1_000 - panicked));
}

#[test]
fn a_factory_that_fails_later_is_tried_again() {
    let works = Arc::new(AtomicBool::new(true));
    let asked = works.clone();
    let factory = move || {
        assert!(!thread::panicking());
        if asked.load(Ordering::SeqCst) { Ok(7) } else { Err("the disk is full") }
    };
    let start = Actor::builder().on_panic(PanicPolicy::Rebuild).try_start_with(factory).unwrap();
    let actor = start.wait().unwrap().unwrap();
    works.store(false, Ordering::SeqCst);
    assert!(matches!(actor.with(|_| panic!("a bug")).wait(), Err(TaskError::Panicked(_))));
    for _ in 0..2 {
        let error = actor.with(|value| *value).wait().unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
    works.store(true, Ordering::SeqCst);
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 7);
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("a destructor's bug"));
    }
}

#[test]
fn a_value_may_panic_as_it_is_dropped() {
    // By a shutdown, which tells of it.
    let ended = Actor::new(|| Bomb).shutdown().wait();
    assert!(matches!(ended, Err(TaskError::Panicked(panic)) if panic.message().contains("destructor")));
    // With the last handle, whose thread ends in peace.
    let (ending, ended) = mpsc::channel();
    let actor = Actor::builder().spawn_handler(move |builder, body| {
        let ending = ending.clone();
        builder.spawn(move || {
            body();
            ending.send(()).unwrap();
        })
    });
    drop(actor.start(|| Bomb).unwrap());
    ended.recv().unwrap();
    // After a call's panic, whose message counts.
    let actor = Actor::new(|| Bomb);
    assert!(
        matches!(actor.with(|_| panic!("a bug")).wait(), Err(TaskError::Panicked(panic)) if panic.message() == "a bug")
    );
    let late = actor.with(|_| ()).wait().unwrap_err();
    assert!(late.to_string().contains("a bug"), "{late}");
}

#[test]
fn what_calls_capture_and_give_may_panic_as_it_is_dropped() {
    let actor = Actor::builder().on_panic(PanicPolicy::Keep).start(|| 1).unwrap();
    for _ in 0..10 {
        let bomb = Bomb;
        drop(actor.with(move |_| drop(bomb)));
        drop(actor.with(|_| Bomb));
        let bomb = Bomb;
        assert!(actor.with(move |_| drop(bomb)).wait().is_err());
    }
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 1);
    // What a poisoned actor drops unrun, too.
    let actor = Actor::new(|| 1);
    let (go_on, going_on) = mpsc::channel::<()>();
    actor
        .with(move |_| {
            let _ = going_on.recv();
            panic!("a bug")
        })
        .detach();
    let bombs: Vec<_> = (0..10).map(|_| Bomb).map(|bomb| actor.with(move |_| drop(bomb))).collect();
    drop(go_on);
    for task in bombs {
        assert!(matches!(task.wait(), Err(TaskError::Poisoned(_))));
    }
}

#[test]
fn without_a_thread_calls_end_in_no_thread_until_there_is_one() {
    let refuse = Arc::new(AtomicUsize::new(0));
    let asked = refuse.clone();
    let made = Arc::new(AtomicUsize::new(0));
    let making = made.clone();
    let actor = Actor::builder()
        .spawn_handler(move |builder, body| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Err(io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test")),
            // It loses the body, and says nothing.
            1 => builder.spawn(|| drop(body)),
            2 => panic!("a handler's bug"),
            // It lies.
            3 => builder.spawn(body).and(Err(io::Error::other("it came all the same"))),
            _ => unreachable!("it has its thread"),
        })
        .start(move || making.fetch_add(1, Ordering::SeqCst))
        .unwrap();
    eventually("the factory asked for a thread", || refuse.load(Ordering::SeqCst) == 1);
    let counts = Counts::new();
    for why in ["came to the actor's code", "a handler's bug"] {
        let counted = Counted::new(&counts);
        let error = actor.with(move |_| counted.run(())).wait().unwrap_err();
        assert!(matches!(error, TaskError::NoThread(_)) && error.to_string().contains(why), "{error}");
    }
    assert_eq!((counts.ran(), counts.dropped()), (0, 2));
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 0);
    assert_eq!((made.load(Ordering::SeqCst), refuse.load(Ordering::SeqCst)), (1, 4));
    actor.shutdown().wait().unwrap();

    let refused = Actor::<()>::builder()
        .spawn_handler(|_, _| Err(io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test")))
        .try_start(|| Ok::<(), ()>(()))
        .unwrap();
    let error = refused.wait().map(drop).unwrap_err();
    assert!(error.to_string().contains("no more threads"), "{error}");
}

/// Only who asks for a new value gets one, by the policy.
#[test]
fn a_factorys_panic_poisons_unless_it_rebuilds() {
    for (policy, tries) in [(PanicPolicy::Poison, 1), (PanicPolicy::Keep, 1), (PanicPolicy::Rebuild, 2)] {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let factory = move || {
            assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "the first fails");
            7
        };
        let actor = Actor::builder().on_panic(policy).start_with(factory).unwrap();
        eventually("it tries", || made.load(Ordering::SeqCst) == 1);
        let ended = actor.with(|value| *value).wait();
        match policy {
            PanicPolicy::Rebuild => assert!(matches!(ended, Ok(7)), "{ended:?}"),
            _ => assert!(matches!(ended, Err(TaskError::Poisoned(_))), "{policy:?}: {ended:?}"),
        }
        assert_eq!(made.load(Ordering::SeqCst), tries);
    }
}
