//! C37: one cancellation for many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyloop_core::{BlockOn, CancelToken, InlinePool, Limiter, TaskError, from_thread, gather};

use crate::Subject;
use crate::tools::{Bomb, Probe, SetOnDrop, Signal, poll_once};

/// C37: a call that is queued when its token is cancelled never runs, and is dropped there and then.
pub fn c37_a_token_cancels_what_is_queued<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let root = CancelToken::new();
    let (probe, drops) = Probe::new();
    let (other_probe, other_drops) = Probe::new();
    let call = subject.call(move || drop(probe)).on(&busy.pool).with_token(&root.child());
    let task = call.start();
    let mut polled =
        Box::pin(subject.call(move || drop(other_probe)).on(&busy.pool).with_token(&root).settle());
    assert!(poll_once(&mut polled).is_pending());
    root.cancel();
    assert!(drops.count() == 1 && drops.was_here() && other_drops.count() == 1 && other_drops.was_here());
    assert!(task.is_finished());
    let ended = subject.block_on(async { (task.await, polled.await) });
    assert!(matches!(ended, (Err(TaskError::Cancelled), Err(TaskError::Cancelled))), "{ended:?}");
    busy.open();
}

/// C37: one that runs sees it, its hooks are called by who cancels, and its end is what it comes to.
pub fn c37_a_token_reaches_what_runs<R: BlockOn>(subject: &Subject<R>) {
    let token = CancelToken::new();
    let started: Vec<Signal> = (0..3).map(|_| Signal::new()).collect();
    let gate = SetOnDrop(Signal::new());
    let hooks = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = started
        .iter()
        .map(|started| {
            let (started, opened, calling) = (started.clone(), gate.0.clone(), hooks.clone());
            let canceller = thread::current().id();
            let work = move || {
                let _guard = from_thread::on_cancel(move || {
                    assert_eq!(thread::current().id(), canceller);
                    calling.fetch_add(1, Ordering::SeqCst);
                });
                started.set();
                opened.wait();
                from_thread::check_cancelled().is_err()
            };
            subject.call(work).with_token(&token).start()
        })
        .collect();
    started.iter().for_each(Signal::wait);
    token.cancel();
    token.cancel();
    assert_eq!(hooks.load(Ordering::SeqCst), 3);
    gate.0.set();
    for ended in subject.block_on(gather(tasks)) {
        assert!(ended.expect("its value"), "it saw the cancellation");
    }
}

/// C37: a call that was detached still obeys its token.
pub fn c37_a_detached_call_obeys_its_token<R: BlockOn>(subject: &Subject<R>) {
    let token = CancelToken::new();
    let (started, seen) = (Signal::new(), Signal::new());
    let (starting, seeing) = (started.clone(), seen.clone());
    let work = move || {
        starting.set();
        while !from_thread::is_cancelled() {
            thread::yield_now();
        }
        seeing.set();
    };
    subject.call(work).with_token(&token).start().detach();
    started.wait();
    token.cancel();
    seen.wait();
    let busy = subject.busy();
    let token = CancelToken::new();
    let (probe, drops) = Probe::new();
    subject.call(move || drop(probe)).on(&busy.pool).with_token(&token).start().detach();
    token.cancel();
    assert_eq!((drops.count(), drops.was_here()), (1, true));
    busy.open();
}

/// C37: with a token that is cancelled already a call does not start; of several tokens each counts.
pub fn c37_a_cancelled_token_starts_nothing<R: BlockOn>(subject: &Subject<R>) {
    let (live, spent) = (CancelToken::new(), CancelToken::new());
    spent.cancel();
    for tokens in [[&live, &spent], [&spent, &live]] {
        let (probe, drops) = Probe::new();
        let bomb = Bomb;
        let call = subject.call(move || std::mem::forget((bomb, probe)));
        let call = tokens.into_iter().fold(call, |call, token| call.with_token(token));
        assert_eq!(drops.count(), 0);
        let ended = subject.block_on(call.settle());
        assert!(matches!(ended, Err(TaskError::Cancelled)));
        assert_eq!(drops.count(), 1);
    }
    assert_eq!(subject.block_on(subject.call(|| 1).with_token(&live)), 1);
    live.cancel();
}

/// C37: a call that has ended, or was never started, has nothing to do with its token any more.
pub fn c37_a_token_comes_too_late_for_what_has_ended<R: BlockOn>(subject: &Subject<R>) {
    let token = CancelToken::new();
    let ended = subject.call(|| 7).with_token(&token).start();
    while !ended.is_finished() {
        thread::yield_now();
    }
    drop(subject.call(|| unreachable!("it was not awaited")).with_token(&token));
    token.cancel();
    assert_eq!(subject.block_on(ended).expect("its value"), 7);
}

/// C37: under a limiter, in a call that runs in place, and when the call itself is what cancels.
pub fn c37_a_token_works_wherever_a_call_runs<R: BlockOn>(subject: &Subject<R>) {
    static ONE: Limiter = Limiter::new(1);
    let (token, other) = (CancelToken::new(), CancelToken::new());
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let work = move || {
        starting.set();
        opened.wait();
    };
    let first = subject.call(work).limit(&ONE).start();
    started.wait();
    let (probe, drops) = Probe::new();
    let waiting = subject.call(move || drop(probe)).limit(&ONE).with_token(&token).start();
    let last = subject.call(|| 3).limit(&ONE).with_token(&other).start();
    token.cancel();
    assert_eq!((drops.count(), drops.was_here()), (1, true));
    gate.0.set();
    let (first, waiting, last) =
        subject.block_on(async { (first.await, waiting.await, last.await.expect("a value")) });
    assert!(first.is_ok() && matches!(waiting, Err(TaskError::Cancelled)) && last == 3);

    for inline in [false, true] {
        let token = CancelToken::new();
        let inside = token.clone();
        let call = subject.call(move || {
            let before = from_thread::is_cancelled();
            inside.cancel();
            (before, from_thread::is_cancelled())
        });
        let call = if inline { call.on(&InlinePool) } else { call };
        assert_eq!(subject.block_on(call.with_token(&token)), (false, true));
    }
}

/// C37: a task is aborted by its token, whatever it is a task of, while it is awaited.
pub fn c37_a_token_aborts_a_task_that_is_awaited<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let token = CancelToken::new();
        let (started, never) = (Signal::new(), Signal::new());
        let (starting, waiting) = (started.clone(), never.clone());
        let (probe, drops) = Probe::new();
        let future = subject.runtime().spawn(async move {
            let _probe = probe;
            starting.set();
            waiting.seen().await;
        });
        let mut future = Box::pin(future.with_token(&token.child()));
        assert!(poll_once(&mut future).is_pending());
        started.seen().await;
        token.cancel();
        assert!(matches!(future.await, Err(TaskError::Cancelled)));
        drops.seen().await;
        let kept = subject.runtime().spawn(async { 5 }).with_token(&token).into_task();
        assert_eq!(kept.await.expect("its value"), 5);
    });
}
