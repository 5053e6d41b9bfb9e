//! C01: what begins when.

use anyloop_core::{BlockOn, Call, PoolExt};

use crate::Subject;
use crate::tools::{Probe, Signal, poll_once};

/// C01: a spawned future begins although nobody polls its task.
pub fn c01_spawn_begins_at_once<R: BlockOn>(subject: &Subject<R>) {
    let begun = Signal::new();
    let beginning = begun.clone();
    subject.block_on(async {
        let task = subject.runtime().spawn(async move { beginning.set() });
        begun.seen().await;
        assert!(task.await.is_ok());
    });
}

/// C01: a submitted closure and a started call begin although nobody polls their tasks.
pub fn c01_submit_and_start_begin_at_once<R: BlockOn>(subject: &Subject<R>) {
    let begun = [(); 4].map(|()| Signal::new());
    let [submitted, tried, started, default] = begun.clone();
    let tasks = [
        subject.pool().submit(move || submitted.set()),
        subject.pool().try_submit(move || tried.set()).map_err(|(_, refused)| refused).expect("taken"),
        subject.call(move || started.set()).start(),
        subject.runtime().spawn_blocking(move || default.set()),
    ];
    begun.iter().for_each(Signal::wait);
    for task in tasks {
        assert!(task.wait().is_ok());
    }
}

/// C01: a call does nothing before its first poll, and nothing at all if it is dropped before that; its
/// first poll is enough to begin.
pub fn c01_a_call_begins_at_its_first_poll<R: BlockOn>(subject: &Subject<R>) {
    let (probe, unpolled) = Probe::new();
    let forbidden = subject.call(move || panic!("{probe:?} of a call that nobody polled"));
    let begun = Signal::new();
    let beginning = begun.clone();
    let mut call = subject.call(move || beginning.set());
    // Whatever the calls had started by being made would come before this one on most pools.
    subject.submit(|| ()).wait().expect("the pool runs closures");
    assert!(!begun.is_set(), "a call began before it was polled");
    let _ = poll_once(&mut call);
    begun.wait();
    drop(forbidden);
    assert_eq!((unpolled.count(), unpolled.was_here()), (1, true), "an unpolled call is dropped where it is");
}

/// C01: `settle()` makes a call begin no earlier.
pub fn c01_a_settled_call_begins_at_its_first_poll<R: BlockOn>(subject: &Subject<R>) {
    let (probe, unpolled) = Probe::new();
    drop(subject.call(move || drop(probe)).settle());
    assert_eq!((unpolled.count(), unpolled.was_here()), (1, true));
    assert_eq!(subject.block_on(subject.call(|| 42).settle()).expect("it ends in its value"), 42);
}

/// C01: `run()` runs a call here and now, whatever pool it was meant for.
pub fn c01_run_runs_a_call_on_this_thread<R: BlockOn>(subject: &Subject<R>) {
    let here = std::thread::current().id();
    assert_eq!(subject.call(|| std::thread::current().id()).run(), here);
    assert_eq!(Call::new(|| std::thread::current().id()).run(), here);
    let elsewhere = subject.block_on(subject.call(|| std::thread::current().id()));
    assert_ne!(elsewhere, here, "awaited, the same call runs on the pool");
}
