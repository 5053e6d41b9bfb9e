//! `ActorBuilder::on_cancel`: who cancels a call that runs interrupts it, once, and never another one.

mod support;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;

use anyloop_core::{Actor, ActorBuilder, PanicPolicy, TaskError, ThreadPool, from_thread};
use support::{eventually, until_cancelled};

/// Blocks until it is interrupted.
struct Blocking {
    woken: Receiver<()>,
    wake: Sender<()>,
}

impl Blocking {
    fn new() -> Self {
        let (wake, woken) = mpsc::channel();
        Self { woken, wake }
    }
}

/// Interrupts that are counted.
fn interruptible(builder: ActorBuilder<Blocking>) -> (ActorBuilder<Blocking>, Arc<AtomicUsize>) {
    let called = Arc::new(AtomicUsize::new(0));
    let counting = called.clone();
    let builder = builder.on_cancel(move |value: &Blocking| {
        let (wake, counting) = (value.wake.clone(), counting.clone());
        move || {
            counting.fetch_add(1, Ordering::SeqCst);
            let _ = wake.send(());
        }
    });
    (builder, called)
}

fn begin_to_block(actor: &Actor<Blocking>) -> anyloop_core::Task<&'static str> {
    let (starting, started) = mpsc::channel();
    let task = actor.with(move |value| {
        starting.send(()).unwrap();
        value.woken.recv().unwrap();
        "interrupted"
    });
    started.recv().unwrap();
    task
}

#[test]
fn a_running_call_is_interrupted_once() {
    let pool = ThreadPool::new(2).unwrap();
    for builder in [Actor::builder(), Actor::builder().on(&pool)] {
        let (builder, called) = interruptible(builder);
        let actor = builder.start(Blocking::new).unwrap();
        let task = begin_to_block(&actor);
        task.abort();
        task.abort();
        assert_eq!(pollster::block_on(task.cancel()).unwrap(), "interrupted");
        assert_eq!(called.load(Ordering::SeqCst), 1);
        drop(begin_to_block(&actor));
        assert_eq!(called.load(Ordering::SeqCst), 2);
        // What is queued is dropped, what has ended has ended, and what runs to its end is nobody's to interrupt.
        let first = begin_to_block(&actor);
        let queued = actor.with(|_| ());
        queued.abort();
        drop(queued);
        assert_eq!(called.load(Ordering::SeqCst), 2);
        drop(first);
        let ended = actor.with(|_| ());
        eventually("it ends", || ended.is_finished());
        ended.abort();
        actor
            .with(|value| assert!(value.woken.try_recv().is_err(), "no interrupt is left over"))
            .wait()
            .unwrap();
        assert_eq!(called.load(Ordering::SeqCst), 3);
    }
}

#[test]
fn a_new_value_has_an_interrupt_of_its_own() {
    let (builder, called) = interruptible(Actor::builder().on_panic(PanicPolicy::Rebuild));
    let actor = builder.start_with(Blocking::new).unwrap();
    for round in 1..4 {
        assert_eq!(pollster::block_on(begin_to_block(&actor).cancel()).unwrap(), "interrupted");
        assert_eq!(called.load(Ordering::SeqCst), round);
        assert!(matches!(actor.with(|_| panic!("a bug")).wait(), Err(TaskError::Panicked(_))));
    }
}

#[test]
fn panics_of_the_hook_and_of_what_makes_it() {
    let actor = Actor::builder().on_cancel(|_: &u8| || panic!("a hook's bug")).start(|| 1).unwrap();
    let task = until_cancelled(&actor, |value| *value);
    assert_eq!(pollster::block_on(task.cancel()).unwrap(), 1);
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 1);

    fn bad(_: &u8) -> fn() {
        panic!("no handle")
    }
    let error = Actor::builder().on_cancel(bad).start(|| 1).unwrap().with(|_| ()).wait().unwrap_err();
    assert!(matches!(&error, TaskError::Poisoned(why) if why.contains("no handle")), "{error}");
    let start = Actor::builder().on_cancel(bad).try_start(|| Ok::<_, ()>(1)).unwrap();
    assert!(matches!(start.wait(), Err(TaskError::Panicked(panic)) if panic.message() == "no handle"));
}

thread_local! {
    /// The call that this thread cancels.
    static CANCELS: Cell<usize> = const { Cell::new(0) };
}

/// Cancellers race with the ends of calls: while a hook runs, no later call does.
#[test]
fn a_hook_never_reaches_the_next_call() {
    const CALLS: usize = 3_000;
    let pool = ThreadPool::new(2).unwrap();
    for builder in [Actor::builder(), Actor::builder().on(&pool)] {
        let (hooks, wrong) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counting, noting) = (hooks.clone(), wrong.clone());
        // The number of the call that runs.
        let actor = builder
            .on_cancel(move |running: &Arc<AtomicUsize>| {
                let (running, counting, noting) = (running.clone(), counting.clone(), noting.clone());
                move || {
                    counting.fetch_add(1, Ordering::SeqCst);
                    for _ in 0..20 {
                        if running.load(Ordering::SeqCst) != CANCELS.get() {
                            noting.fetch_add(1, Ordering::SeqCst);
                        }
                        std::hint::spin_loop();
                    }
                }
            })
            .start(|| Arc::new(AtomicUsize::new(0)))
            .unwrap();
        let (hand, handed) = mpsc::sync_channel(1);
        let together = Arc::new(Barrier::new(2));
        let theirs = together.clone();
        let canceller = thread::spawn(move || {
            for (number, task) in handed {
                CANCELS.set(number);
                theirs.wait();
                // Sooner or later in the call's short life.
                for _ in 0..number % 40 {
                    std::hint::spin_loop();
                }
                drop::<anyloop_core::Task<()>>(task);
            }
        });
        for number in 1..=CALLS {
            let begins = together.clone();
            let task = actor.with(move |running| {
                running.store(number, Ordering::SeqCst);
                begins.wait();
                for _ in 0..20 {
                    std::hint::spin_loop();
                }
                // Some are sure to be interrupted.
                while number.is_multiple_of(10) && !from_thread::is_cancelled() {
                    thread::yield_now();
                }
            });
            let next = actor.with(|running| running.store(usize::MAX, Ordering::SeqCst));
            hand.send((number, task)).unwrap();
            next.wait().unwrap();
        }
        drop(hand);
        canceller.join().unwrap();
        assert_eq!(wrong.load(Ordering::SeqCst), 0, "of {} hooks", hooks.load(Ordering::SeqCst));
        assert!(hooks.load(Ordering::SeqCst) >= CALLS / 10);
    }
}
