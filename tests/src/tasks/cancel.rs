//! C03: dropping cancels, detaching does not.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use anyloop_core::{BlockOn, PoolExt, Task, from_thread};

use crate::Subject;
use crate::subject::Way;
use crate::tools::{Bomb, Probe, SetOnDrop, Signal, poll_once, yield_now};

/// C03: a closure that is still queued when its handle is dropped never runs; the canceller drops it, with
/// what it captured, at once.
pub fn c03_a_queued_closure_is_dropped_by_the_canceller<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let busy = subject.busy();
        let (probe, drops) = Probe::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let running = runs.clone();
        let started = way.start(&busy.pool, move || {
            running.fetch_add(1, Ordering::SeqCst);
            drop(probe);
        });
        assert_eq!(drops.count(), 0, "{way:?}");
        drop(started);
        assert_eq!((drops.count(), drops.was_here()), (1, true), "{way:?}");
        busy.open();
        // Comes after it in the queue.
        busy.pool.submit(|| ()).wait().expect("the pool goes on");
        assert_eq!((runs.load(Ordering::SeqCst), drops.count()), (0, 1), "{way:?}");
    }
}

/// C03: the canceller does not suffer from a destructor of the closure that panics.
pub fn c03_a_queued_closures_destructor_may_panic<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let busy = subject.busy();
        let bomb = Bomb;
        let (probe, drops) = Probe::new();
        let started = way.start(&busy.pool, move || std::mem::forget((bomb, probe)));
        drop(started);
        assert_eq!((drops.count(), drops.was_here()), (1, true), "{way:?}: what else it captured is dropped");
        busy.open();
        assert_eq!(busy.pool.submit(|| 1).wait().expect("the pool goes on"), 1);
    }
    let busy = subject.busy();
    let bomb = Bomb;
    let task = busy.pool.submit(move || std::mem::forget(bomb));
    task.abort();
    busy.open();
    assert!(task.wait().is_err());
}

/// C03: a future whose task is dropped is dropped without being polled again.
pub fn c03_a_dropped_future_is_not_polled_again<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let polls = Arc::new(AtomicUsize::new(0));
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let first = Signal::new();
        let (probe, drops) = Probe::new();
        let task = {
            let (polls, waker, first) = (polls.clone(), waker.clone(), first.clone());
            subject.runtime().spawn(async move {
                let _probe = probe;
                std::future::poll_fn(|cx| {
                    polls.fetch_add(1, Ordering::SeqCst);
                    *waker.lock().expect("not poisoned") = Some(cx.waker().clone());
                    first.set();
                    Poll::<()>::Pending
                })
                .await;
            })
        };
        first.seen().await;
        let polled = polls.load(Ordering::SeqCst);
        drop(task);
        drops.seen().await;
        let waker = waker.lock().expect("not poisoned").take();
        // A late wake finds nobody.
        waker.expect("the future left its waker").wake();
        subject.runtime().spawn(yield_now()).await.expect("the runtime goes on");
        assert_eq!((polls.load(Ordering::SeqCst), drops.count()), (polled, 1));
    });
}

/// C03: a future whose task is dropped before its first poll is dropped too, unpolled; its destructor may
/// panic.
pub fn c03_a_future_that_was_not_polled_yet_is_dropped<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..20 {
            let (probe, drops) = Probe::new();
            let bomb = Bomb;
            let never = Signal::new();
            drop(subject.runtime().spawn(async move {
                let _captured = (bomb, probe);
                never.seen().await;
            }));
            drops.seen().await;
            assert_eq!(drops.count(), 1);
        }
        assert_eq!(subject.runtime().spawn(async { 1 }).await.expect("the runtime goes on"), 1);
    });
}

/// C03: a closure that runs when its handle is dropped goes on, sees that it was cancelled, and its result
/// is dropped.
pub fn c03_a_running_closure_sees_it_and_its_result_is_dropped<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let (started, dropped, ended) = (Signal::new(), Signal::new(), Signal::new());
        let (probe, drops) = Probe::new();
        let (starting, dropping, ending) = (started.clone(), dropped.clone(), ended.clone());
        let handle = way.start(subject.pool(), move || {
            assert!(!from_thread::is_cancelled(), "nobody has cancelled it yet");
            starting.set();
            dropping.wait();
            assert!(from_thread::is_cancelled(), "the drop is seen");
            ending.set();
            probe
        });
        started.wait();
        drop(handle);
        assert_eq!(drops.count(), 0, "{way:?}: it still runs");
        dropped.set();
        subject.block_on(drops.seen());
        assert!(ended.is_set(), "{way:?}: it ran to its end");
        assert_eq!(drops.count(), 1, "{way:?}");
    }
}

/// C03: `is_cancelled` speaks of the call that the code runs in, and of no other.
pub fn c03_outside_a_cancelled_call_nothing_is_cancelled<R: BlockOn>(subject: &Subject<R>) {
    assert!(!from_thread::is_cancelled(), "outside a call");
    let (started, dropped, ended) = (Signal::new(), Signal::new(), Signal::new());
    let (starting, dropping, ending) = (started.clone(), dropped.clone(), ended.clone());
    let pool = subject.pool().clone();
    let _end = SetOnDrop(dropped.clone());
    let task = subject.submit(move || {
        starting.set();
        dropping.wait();
        let inner = pool.submit(from_thread::is_cancelled);
        assert!(from_thread::is_cancelled());
        if !inner.wait().expect("a value") {
            ending.set();
        }
    });
    started.wait();
    drop(task);
    dropped.set();
    ended.wait();
    assert!(!subject.submit(from_thread::is_cancelled).wait().expect("a value"), "the thread's next call");
}

/// C03: a task that has ended drops its value with its handle.
pub fn c03_an_unwanted_value_is_dropped_with_its_task<R: BlockOn>(subject: &Subject<R>) {
    let ended = |task: Task<Probe>| async move {
        while !task.is_finished() {
            yield_now().await;
        }
        drop(task);
    };
    subject.block_on(async {
        let (probe, of_closure) = Probe::new();
        ended(subject.submit(move || probe)).await;
        assert_eq!(of_closure.count(), 1);
        let (probe, of_future) = Probe::new();
        ended(subject.runtime().spawn(async move { probe })).await;
        of_future.seen().await;
        assert_eq!(of_future.count(), 1);
    });
}

/// C03: what runs may drop its own handle: a future ends where it awaits next, a closure goes on.
pub fn c03_what_runs_may_drop_its_own_handle<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let handle = Arc::new(Mutex::new(None::<Task<()>>));
        let placed = Signal::new();
        let (probe, drops) = Probe::new();
        let (own, placing) = (handle.clone(), placed.clone());
        let task = subject.runtime().spawn(async move {
            let _probe = probe;
            placing.seen().await;
            drop(own.lock().expect("not poisoned").take());
            yield_now().await;
            panic!("a cancelled future was polled again");
        });
        *handle.lock().expect("not poisoned") = Some(task);
        placed.set();
        drops.seen().await;
        let placed = Signal::new();
        let (probe, drops) = Probe::new();
        let (own, placing) = (handle.clone(), placed.clone());
        let task = subject.submit(move || {
            placing.wait();
            drop(own.lock().expect("not poisoned").take());
            assert!(from_thread::is_cancelled());
            drop(probe);
        });
        *handle.lock().expect("not poisoned") = Some(task);
        placed.set();
        drops.seen().await;
    });
}

/// C03: `detach()` opts out: closures, queued or running, and futures run to their end.
pub fn c03_detach_lets_the_work_run_to_its_end<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let busy = subject.busy();
        let (queued, gate) = (Signal::new(), Signal::new());
        let ending = queued.clone();
        way.start(&busy.pool, move || {
            if !from_thread::is_cancelled() {
                ending.set();
            }
        })
        .detach();
        assert!(!queued.is_set(), "{way:?}: it waits for its turn");
        busy.open();
        queued.wait();
        let (started, running) = (Signal::new(), Signal::new());
        let (starting, ending, opened) = (started.clone(), running.clone(), gate.clone());
        let handle = way.start(subject.pool(), move || {
            starting.set();
            opened.wait();
            if !from_thread::is_cancelled() {
                ending.set();
            }
        });
        started.wait();
        handle.detach();
        gate.set();
        running.wait();
    }
    subject.block_on(async {
        let (gate, ended) = (Signal::new(), Signal::new());
        let (opened, ending) = (gate.clone(), ended.clone());
        let mut task = subject.runtime().spawn(async move {
            opened.seen().await;
            yield_now().await;
            ending.set();
        });
        assert!(poll_once(&mut task).is_pending());
        task.detach();
        gate.set();
        ended.seen().await;
    });
}
