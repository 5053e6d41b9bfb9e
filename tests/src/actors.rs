//! What the clauses say of an actor's calls, on each runtime: with a thread of its own, and on the pool under test.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyloop_core::{
    Actor, BlockOn, Call, Drain, PanicPolicy, Pool, Run, Runtime, Task, TaskError, ThreadPool, current,
    default_pool, from_thread,
};

use crate::Subject;
use crate::tools::{Probe, SetOnDrop, Signal, panic_of, panic_of_future, poll_once, yield_now};

/// Both kinds of actors.
fn kinds<R: BlockOn, T: Send + 'static>(subject: &Subject<R>, make: impl Fn() -> T) -> [Actor<T>; 2] {
    let value = make();
    [Actor::new(move || value), Actor::on(subject.pool(), make())]
}

/// Keeps an actor busy until the guard is dropped.
async fn busy<T: 'static>(actor: &Actor<T>) -> SetOnDrop {
    let (gate, started) = (SetOnDrop(Signal::new()), Signal::new());
    let (opened, starting) = (gate.0.clone(), started.clone());
    let call = actor.with(move |_| {
        starting.set();
        opened.wait();
    });
    call.detach();
    started.seen().await;
    gate
}

fn value<T: Debug>(ended: Result<T, TaskError>) -> T {
    ended.expect("a value")
}

/// C01: `with` begins at once, a call at its first poll; both in that order, one at a time.
pub fn c01_an_actors_calls_run_in_the_order_of_their_beginning<R: BlockOn>(subject: &Subject<R>) {
    let note = |number: u32| move |seen: &mut Vec<u32>| seen.push(number);
    for actor in kinds(subject, Vec::new) {
        let seen = subject.block_on(async {
            let gate = busy(&actor).await;
            let mut late = actor.call(note(3));
            let first = actor.with(note(1));
            let mut call = actor.call(note(2));
            assert!(poll_once(&mut call).is_pending());
            assert!(poll_once(&mut late).is_pending());
            let never = actor.call(note(9));
            drop(never);
            let last = actor.with(note(4));
            drop(gate);
            late.await;
            call.await;
            value(last.await);
            value(first.await);
            value(actor.close().await)
        });
        assert_eq!(seen, [1, 2, 3, 4]);
    }
}

/// C02: calls from many tasks of the runtime all end, each in its own value.
pub fn c02_an_actors_calls_end_each_in_its_value<R: BlockOn>(subject: &Subject<R>) {
    const TASKS: usize = 50;
    const EACH: usize = 20;
    for actor in kinds(subject, || 0_usize) {
        let total = subject.block_on(async {
            let task = |number: usize| {
                let actor = actor.clone();
                subject.runtime().spawn(async move {
                    for round in 0..EACH {
                        let own = number * EACH + round;
                        let call = actor.call(move |count| {
                            *count += 1;
                            own
                        });
                        assert_eq!(call.await, own);
                    }
                })
            };
            let tasks: Vec<Task<()>> = (0..TASKS).map(task).collect();
            for task in tasks {
                value(task.await);
            }
            value(actor.close().await)
        });
        assert_eq!(total, TASKS * EACH);
    }
}

/// C02, C05: a call's panic is its own; the others end in an error that says what it was, or, by another policy, go on.
pub fn c05_an_actors_panic_ends_every_call_in_what_happened<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, || 0) {
        subject.block_on(async {
            let gate = busy(&actor).await;
            let panicking = actor.with(|_| panic!("a bug in a call"));
            let queued: Vec<_> = (0..100).map(|_| actor.with(|value| *value)).collect();
            drop(gate);
            assert!(
                matches!(panicking.await, Err(TaskError::Panicked(panic)) if panic.message() == "a bug in a call")
            );
            for task in queued {
                let ended = task.await;
                assert!(matches!(&ended, Err(TaskError::Poisoned(why)) if why.contains("a bug in a call")), "{ended:?}");
            }
            let text = panic_of_future(actor.call(|value| *value)).await;
            assert!(text.contains("a bug in a call"), "{text}");
        });
    }
    let builder = || Actor::<u32>::builder().on_panic(PanicPolicy::Keep);
    let start = || 1;
    for actor in [builder().start(start), builder().on(subject.pool()).start(start)] {
        let actor = actor.expect("possible settings");
        let kept = subject.block_on(async {
            let text = panic_of_future(actor.call(|value| {
                *value = 2;
                panic!("a bug in a call")
            }));
            assert_eq!(text.await, "a bug in a call");
            actor.call(|value| *value).await
        });
        assert_eq!(kept, 2);
    }
}

/// C03: a call that is dropped in the queue never runs, and is dropped there and then; one that runs sees it.
pub fn c03_a_dropped_call_of_an_actor_never_runs<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, || 0) {
        subject.block_on(async {
            let gate = busy(&actor).await;
            for polled in [false, true] {
                let (probe, drops) = Probe::new();
                let work = move |value: &mut i32| {
                    let _probe = probe;
                    *value += 1;
                };
                if polled {
                    let mut call = actor.call(work);
                    assert!(poll_once(&mut call).is_pending());
                    drop(call);
                } else {
                    drop(actor.with(work));
                }
                assert_eq!(drops.count(), 1);
                assert!(drops.was_here(), "by the canceller");
            }
            drop(gate);
            assert_eq!(actor.call(|value| *value).await, 0);
            let started = Signal::new();
            let starting = started.clone();
            let runs = actor.with(move |_| {
                starting.set();
                while !from_thread::is_cancelled() {
                    thread::yield_now();
                }
                "seen"
            });
            started.seen().await;
            assert_eq!(value(runs.cancel().await), "seen");
        });
    }
}

/// C08: an actor's tasks do not block a runtime either.
pub fn c08_waiting_for_an_actor_in_async_code_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, || 0) {
        subject.block_on(async {
            let text = panic_of(|| actor.with(|value| *value).wait());
            assert!(text.contains("wait()") && text.contains(".await"), "{text}");
            let text = panic_of(|| Actor::try_new(|| Ok::<u8, ()>(1)).wait());
            assert!(text.contains("wait()") && text.contains(".await"), "{text}");
        });
    }
}

/// C14: who awaits a full actor waits for room, while its runtime goes on.
pub fn c14_a_call_waits_for_room_in_a_full_actor<R: BlockOn>(subject: &Subject<R>) {
    let builder = || Actor::builder().queue_limit(1);
    for actor in [builder().start(Vec::new), builder().on(subject.pool()).start(Vec::new)] {
        let actor = actor.expect("possible settings");
        let seen = subject.block_on(async {
            let gate = busy(&actor).await;
            let calls: Vec<_> = (0..20)
                .map(|number| {
                    let mut call = actor.call(move |seen: &mut Vec<u32>| seen.push(number));
                    assert!(poll_once(&mut call).is_pending());
                    call
                })
                .collect();
            assert!(matches!(actor.with(|_| ()).await, Err(TaskError::Full)));
            assert_eq!(value(subject.runtime().spawn(async { 1 }).await), 1);
            drop(gate);
            for call in calls {
                call.await;
            }
            value(actor.close().await)
        });
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    }
}

/// C19: a run waits for the calls of actors that were started under it, detached ones too, and for the drop of the
/// value, when its last handle went with the run.
pub fn c19_a_run_drains_an_actors_calls<R: BlockOn>(subject: &Subject<R>) {
    const CALLS: usize = 20;
    for pooled in [false, true] {
        let ran = Arc::new(AtomicUsize::new(0));
        let (probe, drops) = Probe::new();
        let counting = ran.clone();
        let ((), left) = Run::new(subject.runtime()).block_on(async {
            let actor = if pooled { Actor::on(subject.pool(), probe) } else { Actor::new(move || probe) };
            for _ in 0..CALLS {
                let counting = counting.clone();
                let call = actor.with(move |_| {
                    thread::sleep(Duration::from_millis(1));
                    counting.fetch_add(1, Ordering::SeqCst);
                });
                call.detach();
            }
        });
        assert_eq!(left, Drain::default());
        assert_eq!((ran.load(Ordering::SeqCst), drops.count()), (CALLS, 1));
        assert!(!drops.was_here());
    }
}

/// C33: a call of an actor goes back into async; while it waits, no other call of the actor runs.
pub fn c33_an_actors_call_can_go_back_into_async<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, Vec::new) {
        let (inside, pool) = (subject.runtime().clone(), subject.pool().clone());
        let seen = subject.block_on(async {
            let first = actor.with(move |seen| {
                seen.push("begins");
                let sum = from_thread::block_on(async {
                    inside.sleep(Duration::from_millis(1)).await;
                    let spawned = value(inside.spawn(async { 20 }).await);
                    yield_now().await;
                    spawned + Call::new(|| 22).on(&pool).await
                });
                seen.push("ends");
                sum
            });
            let second = actor.call(|seen| seen.push("another"));
            second.await;
            assert_eq!(value(first.await), 42);
            value(actor.close().await)
        });
        assert_eq!(seen, ["begins", "ends", "another"]);
    }
}

/// C33: to wait for a call of its own actor would be to wait for ever, and panics with advice.
pub fn c33_an_actors_call_does_not_wait_for_its_own<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, || ()) {
        let own = actor.clone();
        let ended = subject.block_on(actor.with(move |()| from_thread::block_on(own.call(|()| ()))));
        let Err(TaskError::Panicked(panic)) = ended else { panic!("ended in {ended:?}") };
        assert!(panic.message().contains("detach()"), "{}", panic.message());
    }
}

/// C34: a factory and a call see the context of where they were submitted.
pub fn c34_an_actors_calls_see_their_callers_context<R: BlockOn>(subject: &Subject<R>) {
    let width = || default_pool().max_threads().map(std::num::NonZeroUsize::get);
    let [made, called] =
        [67, 71].map(|width| subject.runtime().with_pool(&ThreadPool::new(width).expect("a pool")));
    for pooled in [false, true] {
        let seen = Arc::new(AtomicUsize::new(0));
        let seeing = seen.clone();
        let factory = move || seeing.store(width().unwrap_or(0), Ordering::SeqCst);
        let actor = made.block_on(async {
            let builder = Actor::builder();
            if pooled { builder.on(subject.pool()).start(factory) } else { builder.start(factory) }
        });
        let actor = actor.expect("possible settings");
        let (name, wide) = called.block_on(async {
            actor.call(move |()| (current().map(|runtime| runtime.name()).ok(), width())).await
        });
        assert_eq!((name, wide), (Some(subject.runtime().name()), Some(71)));
        assert_eq!(seen.load(Ordering::SeqCst), 67);
    }
}

/// The last handle may be dropped anywhere: nobody is blocked, and what is queued still runs.
pub fn c15_an_actors_last_handle_may_be_dropped_anywhere<R: BlockOn>(subject: &Subject<R>) {
    for actor in kinds(subject, || 0) {
        let (telling, told) = mpsc::channel();
        subject.block_on(async {
            let gate = busy(&actor).await;
            actor.with(move |_| telling.send("ran")).detach();
            let spawned = subject.runtime().spawn(async move { drop(actor) });
            value(spawned.await);
            drop(gate);
        });
        assert_eq!(told.recv(), Ok("ran"));
    }
}
