//! C19: `run` tidies up after itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{BlockOn, Call, Drain, PoolExt, Run, Runtime, TaskError, current};

use crate::Subject;
use crate::tools::{Probe, SetOnDrop, Signal, panic_of, yield_now};

/// The subject's runtime with its pool as the default.
fn runtime<R: BlockOn>(subject: &Subject<R>) -> R {
    subject.runtime().with_pool(subject.pool())
}

/// C19: futures that were started under a run are dropped before it returns: detached ones, those that were
/// never polled, and those that other futures and calls have started.
pub fn c19_a_run_cancels_its_futures<R: BlockOn>(subject: &Subject<R>) {
    let runtime = runtime(subject);
    let mut books = Vec::new();
    let mut probe = || {
        let (probe, drops) = Probe::new();
        books.push(drops);
        async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        }
    };
    let (detached, held, late, of_a_future, of_a_call) = (probe(), probe(), probe(), probe(), probe());
    let outer = runtime.clone();
    let [held] = runtime.clone().run(async move {
        let runtime = outer;
        runtime.spawn(detached).detach();
        let held = runtime.spawn(held);
        let inner = runtime.clone();
        runtime.spawn(async move { inner.spawn(of_a_future).detach() }).await.expect("a value");
        let inner = runtime.clone();
        Call::new(move || inner.spawn(of_a_call).detach()).await;
        yield_now().await;
        runtime.spawn(late).detach();
        [held]
    });
    for (number, drops) in books.iter().enumerate() {
        assert_eq!(drops.count(), 1, "future {number}");
    }
    let held = subject.block_on(held);
    assert!(matches!(held, Err(TaskError::Cancelled)), "{held:?}");
}

/// C19: closures that were started under a run have run to their end before it returns, detached and queued
/// ones included, and those that closures have started.
pub fn c19_a_run_drains_its_closures<R: BlockOn>(subject: &Subject<R>) {
    const CALLS: usize = 20;
    let busy = subject.busy();
    let runtime = subject.runtime().with_pool(&busy.pool);
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = ended.clone();
    let ((), left) = Run::new(&runtime).block_on(async {
        for number in 0..CALLS {
            let (counting, again) = (counted.clone(), counted.clone());
            let inside = busy.pool.clone();
            let task = runtime.spawn_blocking(move || {
                counting.fetch_add(1, Ordering::SeqCst);
                inside.submit(move || again.fetch_add(1, Ordering::SeqCst)).detach();
            });
            if number % 2 == 0 {
                task.detach();
            } else {
                runtime.spawn(task).detach();
                yield_now().await;
            }
        }
        assert_eq!(counted.load(Ordering::SeqCst), 0, "they are queued");
        busy.open();
    });
    assert_eq!(left, Drain::default());
    // A closure whose task died with a future of the run was cancelled, if it had not begun.
    let ended = ended.load(Ordering::SeqCst);
    assert!((CALLS..=2 * CALLS).contains(&ended) && ended.is_multiple_of(2), "{ended} closures ended");
}

/// C19: closures whose tasks are held are drained as well.
pub fn c19_a_run_waits_for_a_closure_that_runs<R: BlockOn>(subject: &Subject<R>) {
    let runtime = runtime(subject);
    let (probe, drops) = Probe::new();
    let gate = Signal::new();
    let (opened, started) = (gate.clone(), Signal::new());
    let starting = started.clone();
    let guard = SetOnDrop(gate);
    let [task] = runtime.run(async {
        // Opened by the very last thing that the main future does: its drop.
        let _opens = guard;
        let task = runtime.spawn_blocking(move || {
            starting.set();
            opened.wait();
            drop(probe);
            5
        });
        started.seen().await;
        [task]
    });
    assert_eq!(drops.count(), 1, "it has ended");
    assert_eq!(task.wait().expect("its value"), 5);
}

/// C19: other runs of the process are not waited for, nor are their futures cancelled.
pub fn c19_other_runs_are_not_waited_for<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let other = runtime(subject);
    let other_fresh = subject.fresh().with_pool(subject.pool());
    let run = thread::spawn(move || {
        other_fresh.run(async {
            let closure = other.spawn_blocking({
                let opened = opened.clone();
                move || {
                    opened.wait();
                    1
                }
            });
            let future = other_fresh.spawn(async move {
                starting.set();
                opened.seen().await;
                2
            });
            (closure.await.expect("a value"), future.await.expect("not cancelled"))
        })
    });
    started.wait();
    let runtime = runtime(subject);
    let ran = runtime.run(async { runtime.spawn_blocking(|| 3).await.expect("a value") });
    assert_eq!(ran, 3);
    assert!(!run.is_finished(), "the other run goes on");
    gate.0.set();
    assert_eq!(run.join().expect("it ended well"), (1, 2));
}

/// C19: what was started outside of a run is not cancelled by its end, though it goes on on its runtime.
pub fn c19_what_was_started_outside_goes_on<R: BlockOn>(subject: &Subject<R>) {
    let gate = Signal::new();
    let opened = gate.clone();
    let outside = subject.runtime().spawn(async move {
        opened.seen().await;
        8
    });
    subject.runtime().run(yield_now());
    gate.set();
    assert_eq!(subject.block_on(outside).expect("not cancelled"), 8);
}

/// C19: the wait has a limit, and what was left behind is reported; the pool lives on, and so does what
/// runs on it.
pub fn c19_a_run_reports_what_its_limit_left_behind<R: BlockOn>(subject: &Subject<R>) {
    let runtime = runtime(subject);
    let gate = SetOnDrop(Signal::new());
    let (probe, drops) = Probe::new();
    let (opened, opened_too) = (gate.0.clone(), gate.0.clone());
    let limit = Duration::from_millis(20);
    let ((), left) = Run::new(&runtime).drain_limit(limit).block_on(async {
        let started = [Signal::new(), Signal::new()];
        let [one, two] = started.clone();
        runtime
            .spawn_blocking(move || {
                one.set();
                opened.wait();
                drop(probe);
            })
            .detach();
        let held = runtime.spawn_blocking(move || {
            two.set();
            opened_too.wait();
        });
        for started in &started {
            started.seen().await;
        }
        held.detach();
    });
    assert_eq!((left.calls, left.futures), (2, 0));
    assert_eq!(drops.count(), 0, "it still runs");
    gate.0.set();
    subject.block_on(drops.seen());
    assert_eq!(subject.submit(|| 1).wait().expect("the pool lives on"), 1);
}

/// C19: whatever the futures of a run are doing when it ends, all of them are gone when it returns, on
/// whichever runtime they were started.
pub fn c19_a_run_catches_its_futures_wherever_they_are<R: BlockOn>(subject: &Subject<R>) {
    let runtime = runtime(subject);
    for round in 0..20 {
        let books = runtime.run(async {
            let tasks = (0..30).map(|number| {
                let (probe, drops) = Probe::new();
                let future = async move {
                    let _probe = probe;
                    for _ in 0..number * 3 {
                        yield_now().await;
                    }
                };
                if number % 2 == 0 {
                    runtime.spawn(future).detach();
                } else {
                    runtime.to_any().spawn(future).detach();
                }
                drops
            });
            let books: Vec<_> = tasks.collect();
            for _ in 0..round {
                yield_now().await;
            }
            books
        });
        assert!(books.iter().all(|drops| drops.count() == 1), "in round {round}");
    }
}

/// C19: a main future that panics is tidied up after as well, and then its panic goes on.
pub fn c19_a_run_that_panics_drains_first<R: BlockOn>(subject: &Subject<R>) {
    let runtime = runtime(subject);
    let (future, of_future) = Probe::new();
    let (closure, of_closure) = Probe::new();
    let text = panic_of(|| {
        runtime.run(async {
            runtime
                .spawn(async move {
                    let _probe = future;
                    std::future::pending::<()>().await;
                })
                .detach();
            runtime.spawn_blocking(move || drop(closure)).detach();
            yield_now().await;
            panic!("main has failed");
        })
    });
    assert_eq!(text, "main has failed");
    assert_eq!((of_future.count(), of_closure.count()), (1, 1));
    assert_eq!(runtime.run(async { 4 }), 4, "the next run works");
}

/// C19: while a run lasts, its runtime is current in it, and after it no more than before.
pub fn c19_a_run_makes_its_runtime_current<R: BlockOn>(subject: &Subject<R>) {
    let name = subject.runtime().name();
    let inside = subject.runtime().run(async { current().map(|runtime| runtime.name()) });
    assert_eq!(inside.expect("a runtime is current"), name);
}
