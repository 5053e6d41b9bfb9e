//! C36: hooks of `from_thread::on_cancel`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyloop_core::{BlockOn, InlinePool, PoolExt, ThreadPool, from_thread};

use crate::Subject;
use crate::subject::Way;
use crate::tools::{Bomb, Probe, SetOnDrop, Signal, poll_once, yield_now};

/// C36: a hook is called by who cancels, on its own thread and before the cancelling returns, once.
pub fn c36_a_hook_runs_at_once_where_it_is_cancelled<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
        let (starting, opened) = (started.clone(), gate.0.clone());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let calling = calls.clone();
        let handle = way.start(subject.pool(), move || {
            let _guard =
                from_thread::on_cancel(move || calling.lock().expect("alive").push(thread::current().id()));
            starting.set();
            opened.wait();
        });
        started.wait();
        assert!(calls.lock().expect("alive").is_empty(), "{way:?}: nobody has cancelled it");
        drop(handle);
        assert_eq!(*calls.lock().expect("alive"), [thread::current().id()], "{way:?}");
    }
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let calls = Arc::new(AtomicUsize::new(0));
    let calling = calls.clone();
    let task = subject.submit(move || {
        let _guard = from_thread::on_cancel(move || {
            calling.fetch_add(1, Ordering::SeqCst);
        });
        starting.set();
        opened.wait();
    });
    started.wait();
    for _ in 0..3 {
        task.abort();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
    let cancelling = task.cancel();
    gate.0.set();
    subject.block_on(cancelling).expect("it ran to its end");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// C36: so a call that blocks for ever can be ended from outside.
pub fn c36_a_hook_ends_what_blocks<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let started = Signal::new();
        let starting = started.clone();
        let task = subject.submit(move || {
            let (sender, receiver) = mpsc::channel();
            let keep = sender.clone();
            let _guard = from_thread::on_cancel(move || sender.send("interrupted").expect("it is received"));
            starting.set();
            let received = receiver.recv().expect("a sender is kept");
            drop(keep);
            received
        });
        started.seen().await;
        assert_eq!(task.cancel().await.expect("its value"), "interrupted");
    });
}

/// C36: registered in a call that is cancelled already, it is called there and then.
pub fn c36_in_a_cancelled_call_a_hook_runs_right_away<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
        let (starting, opened) = (started.clone(), gate.0.clone());
        let task = subject.submit(move || {
            starting.set();
            opened.wait();
            let by = Arc::new(Mutex::new(None));
            let calling = by.clone();
            let _guard = from_thread::on_cancel(move || {
                *calling.lock().expect("alive") = Some(thread::current().id());
            });
            let _other = from_thread::on_cancel(|| panic!("a hook panicked"));
            assert_eq!(*by.lock().expect("alive"), Some(thread::current().id()));
        });
        started.seen().await;
        let cancelling = task.cancel();
        gate.0.set();
        cancelling.await.expect("it ran to its end");
    });
}

/// C36: when its guard has been dropped, or its call has ended, a hook is not called, and it was dropped.
pub fn c36_no_hook_runs_after_its_guard_or_its_call<R: BlockOn>(subject: &Subject<R>) {
    let hook = |name: &'static str| {
        let (probe, drops) = Probe::new();
        let hook = move || {
            drop(probe);
            panic!("the hook of {name} was called");
        };
        (from_thread::on_cancel(hook), drops)
    };
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let task = subject.submit(move || {
        let (guard, drops) = hook("a dropped guard");
        drop(guard);
        assert_eq!((drops.count(), drops.was_here()), (1, true));
        starting.set();
        opened.wait();
        assert!(from_thread::is_cancelled());
    });
    started.wait();
    task.abort();
    gate.0.set();
    subject.block_on(task).expect("no hook panicked in it");

    // A guard that is forgotten, and one that outlives the call.
    let task = subject.submit(move || {
        let (forgotten, of_forgotten) = hook("a forgotten guard");
        std::mem::forget(forgotten);
        let (kept, of_kept) = hook("a guard that outlives the call");
        (kept, of_forgotten, of_kept)
    });
    subject.block_on(async {
        while !task.is_finished() {
            yield_now().await;
        }
        task.abort();
        let (kept, of_forgotten, of_kept) = task.await.expect("its value");
        assert_eq!((of_forgotten.count(), of_kept.count()), (1, 1));
        drop(kept);
    });
}

/// C36: while a canceller is in the hook, dropping the guard waits, and so does the end of the call.
pub fn c36_who_drops_the_guard_waits_for_the_hook<R: BlockOn>(subject: &Subject<R>) {
    for forget in [false, true] {
        let started = Signal::new();
        let starting = started.clone();
        let left = Arc::new(AtomicUsize::new(0));
        let leaving = left.clone();
        let task = subject.submit(move || {
            let (inside, go_on) = (Signal::new(), Signal::new());
            let (entering, going) = (inside.clone(), go_on.clone());
            let seen = leaving.clone();
            let guard = from_thread::on_cancel(move || {
                entering.set();
                going.wait();
                (0..1_000).for_each(|_| thread::yield_now());
                leaving.fetch_add(1, Ordering::SeqCst);
            });
            starting.set();
            inside.wait();
            go_on.set();
            if forget {
                std::mem::forget(guard);
                return None;
            }
            drop(guard);
            Some(seen.load(Ordering::SeqCst))
        });
        started.wait();
        let task = thread::spawn(move || {
            task.abort();
            task
        });
        // Whoever sees the result finds the hook returned.
        let ended = subject.block_on(task.join().expect("an abort does not panic")).expect("a value");
        assert_eq!((ended.unwrap_or(1), left.load(Ordering::SeqCst)), (1, 1));
    }
}

/// C36: hooks run in the order in which they were registered; one that panics, or whose captures panic, keeps none of
/// the others from it, and no worker dies of it.
pub fn c36_hooks_run_in_order_and_may_panic<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let order = Arc::new(Mutex::new(Vec::new()));
    let ordering = order.clone();
    let task = subject.submit(move || {
        let guards: Vec<_> = (0..5)
            .map(|number| {
                let ordering = ordering.clone();
                from_thread::on_cancel(move || {
                    ordering.lock().expect("alive").push(number);
                    if number == 1 {
                        panic!("a hook panicked");
                    }
                    let _bomb = (number == 2).then_some(Bomb);
                })
            })
            .collect();
        let bomb = Bomb;
        let unused = from_thread::on_cancel(move || std::mem::forget(bomb));
        drop(unused);
        starting.set();
        opened.wait();
        guards.len()
    });
    started.wait();
    task.abort();
    assert_eq!(*order.lock().expect("alive"), [0, 1, 2, 3, 4]);
    gate.0.set();
    assert_eq!(subject.block_on(task).expect("a value"), 5);
    assert_eq!(subject.block_on(subject.submit(|| 1)).expect("the pool goes on"), 1);
}

/// C36: a hook may itself drop the guard that it belongs to, and cancel the task once more.
pub fn c36_a_hook_may_drop_its_own_guard<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let task = Arc::new(Mutex::new(None));
    let again = task.clone();
    let (done, dropped) = (Signal::new(), Signal::new());
    let (ending, dropping) = (done.clone(), dropped.clone());
    *task.lock().expect("alive") = Some(subject.submit(move || {
        let guard = Arc::new(Mutex::new(None));
        let own = guard.clone();
        let registered = from_thread::on_cancel(move || {
            drop(own.lock().expect("alive").take());
            drop(again);
            dropping.set();
        });
        *guard.lock().expect("alive") = Some(registered);
        starting.set();
        opened.wait();
        ending.set();
    }));
    started.wait();
    let handle = task.lock().expect("alive").take();
    drop(handle);
    assert!(dropped.is_set());
    gate.0.set();
    done.wait();
}

/// C36: outside a call nothing is cancelled, and nothing is called.
pub fn c36_outside_a_call_no_hook_is_called<R: BlockOn>(subject: &Subject<R>) {
    let (probe, drops) = Probe::new();
    let guard = from_thread::on_cancel(move || {
        drop(probe);
        panic!("called outside a call");
    });
    assert_eq!(drops.count(), 1);
    drop(guard);
    let never = Signal::new();
    let task = subject.runtime().spawn(async move {
        let _guard = from_thread::on_cancel(|| panic!("called in a spawned future"));
        never.seen().await;
    });
    drop(task);
}

/// C36: a call inside a call has hooks of its own, on the same thread too.
pub fn c36_nested_calls_have_hooks_of_their_own<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let calls = Arc::new(Mutex::new(Vec::new()));
    let calling = calls.clone();
    let task = subject.submit(move || {
        let note = move |what: &'static str| {
            let calling = calling.clone();
            from_thread::on_cancel(move || calling.lock().expect("alive").push(what))
        };
        let _before = note("before");
        let inner = InlinePool.submit({
            let note = note.clone();
            move || std::mem::forget(note("inner"))
        });
        inner.wait().expect("a value");
        let _after = from_thread::block_on(async { note("in async") });
        starting.set();
        opened.wait();
    });
    started.wait();
    task.abort();
    assert_eq!(*calls.lock().expect("alive"), ["before", "in async"]);
}

/// C36: an item of a map registers for the map.
pub fn c36_an_item_of_a_map_has_hooks<R: BlockOn>(subject: &Subject<R>) {
    let started = Signal::new();
    let starting = started.clone();
    let (ended, ending) = mpsc::channel();
    let mut map = subject.pool().map([()], move |()| {
        let (sender, receiver) = mpsc::channel();
        let _keep = sender.clone();
        let _guard = from_thread::on_cancel(move || sender.send(()).expect("it is received"));
        starting.set();
        receiver.recv().expect("a sender is kept");
        let _ = ended.send(from_thread::is_cancelled());
    });
    assert!(poll_once(&mut map).is_pending());
    started.wait();
    drop(map);
    assert!(ending.recv().expect("the item ran to its end"));
}

/// C36: a pool whose shutdown takes too long interrupts what still runs.
pub fn c36_a_shutdown_whose_time_is_up_calls_the_hooks<R: BlockOn>(subject: &Subject<R>) {
    let pool = ThreadPool::new(2).expect("a pool");
    let (started, ended) = (Signal::new(), Signal::new());
    let (starting, ending) = (started.clone(), ended.clone());
    pool.submit(move || {
        let (sender, receiver) = mpsc::channel();
        let _keep = sender.clone();
        let _guard = from_thread::on_cancel(move || sender.send(()).expect("it is received"));
        starting.set();
        receiver.recv().expect("a sender is kept");
        ending.set();
    })
    .detach();
    started.wait();
    let report = subject.block_on(pool.shutdown_timeout(Duration::ZERO)).expect("from outside");
    assert_eq!(report.still_running, 1);
    ended.wait();
}

/// C36: however a cancellation and the end of a call fall together, the hook is called once at the most, and never when its
/// guard has been dropped.
pub fn c36_hooks_and_ends_race<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for round in 0..300 {
            let calls = Arc::new(AtomicUsize::new(0));
            let (calling, seen) = (calls.clone(), calls.clone());
            let task = subject.submit(move || {
                let guard = from_thread::on_cancel(move || {
                    calling.fetch_add(1, Ordering::SeqCst);
                });
                (0..round % 20).for_each(|_| thread::yield_now());
                drop(guard);
                seen.load(Ordering::SeqCst)
            });
            (0..round % 7).for_each(|_| thread::yield_now());
            if let Ok(called) = task.cancel().await {
                assert!(called <= 1);
                assert_eq!(calls.load(Ordering::SeqCst), called, "none came later");
            }
        }
    });
}
