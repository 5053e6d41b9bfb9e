//! What only tokio has: a clock that can be paused, a handle that code looks for, a blocking pool that can
//! be starved.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyloop_conformance::tools::{SetOnDrop, Signal};
use anyloop_conformance::watched;
use anyloop_core::{
    AnyRuntime, BlockOn, Call, NativePool, PoolExt, Runtime, TaskError, ThreadPool, from_thread, gather,
};
use anyloop_tokio::Tokio;
use tokio::runtime::{Builder, Handle};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(50);

/// The runtime of the test that this is called in; the adapter is known from here on.
fn here() -> Tokio {
    Tokio::current().expect("inside a test of tokio's")
}

/// A call that is outstanding keeps a paused clock from running to the next timer.
#[tokio::test(start_paused = true)]
async fn a_call_holds_the_paused_clock_back() {
    here();
    let started = tokio::time::Instant::now();
    tokio::time::timeout(HOUR, Call::new(|| thread::sleep(SHORT))).await.expect("the hour did not pass");
    let task = here().spawn_blocking(|| thread::sleep(SHORT));
    tokio::time::timeout(HOUR, task).await.expect("the hour did not pass").expect("a value");
    assert_eq!(started.elapsed(), Duration::ZERO, "no time has passed");
}

/// The same with anyloop's own timers, a started call, a pool of one's own, and tokio's.
#[tokio::test(start_paused = true)]
async fn every_call_holds_the_paused_clock_back() {
    let runtime = here();
    let own = ThreadPool::new(1).expect("a pool");
    for pool in [runtime.pool(), runtime.native(), anyloop_core::Pool::to_any(&own)] {
        let calls = gather((0..5).map(|_| Call::new(|| thread::sleep(SHORT / 10)).on(&pool)));
        runtime.timeout(HOUR, calls).await.expect("the hour did not pass");
        let started = Call::new(|| thread::sleep(SHORT)).on(&pool).start();
        runtime.timeout(HOUR, started).await.expect("the hour did not pass").expect("a value");
    }
}

/// Calls that follow one another, each held by its own: the clock never gets a gap to run in.
#[tokio::test(start_paused = true)]
async fn the_hold_is_taken_anew_by_each_call() {
    let runtime = here();
    for number in 0..200 {
        let call = Call::new(move || number);
        assert_eq!(runtime.timeout(HOUR, call).await, Ok(number));
    }
}

/// Without a call the paused clock runs ahead as ever, before calls and after them.
#[tokio::test(start_paused = true)]
async fn without_a_call_the_paused_clock_runs_ahead() {
    let runtime = here();
    for _ in 0..3 {
        let before = tokio::time::Instant::now();
        tokio::time::sleep(HOUR).await;
        runtime.sleep(HOUR).await;
        assert!(before.elapsed() >= 2 * HOUR);
        Call::new(|| ()).await;
        let queued = Call::new(|| ()).start();
        queued.abort();
        let _ = queued.await;
    }
    let elapsed = runtime.timeout(HOUR, std::future::pending::<()>()).await;
    assert!(elapsed.is_err());
}

/// A call that was cancelled while it was queued holds nothing back any more.
#[tokio::test(start_paused = true)]
async fn a_cancelled_call_lets_the_paused_clock_go() {
    let runtime = here();
    let pool = ThreadPool::new(1).expect("a pool");
    let gate = SetOnDrop(Signal::new());
    let opened = gate.0.clone();
    // Submitted by a thread that has no runtime, which holds no clock.
    let submitting = pool.clone();
    let blocked = thread::spawn(move || submitting.submit(move || opened.wait())).join().expect("a task");
    let queued = pool.submit(|| ());
    assert!(!queued.is_finished());
    drop(queued);
    runtime.sleep(HOUR).await;
    gate.0.set();
    blocked.await.expect("a value");
}

/// C38: a deadline goes by the paused clock, which a call that is outstanding holds back; what the call sees is that clock's time.
#[tokio::test(start_paused = true)]
async fn c38_a_deadline_goes_by_the_paused_clock() {
    let runtime = here();
    let work = || {
        thread::sleep(SHORT);
        (from_thread::deadline(), from_thread::is_cancelled())
    };
    let begun = runtime.now();
    let seen = Call::new(work).timeout(SHORT / 10).await.expect("no time has passed");
    assert_eq!(seen, (Some(begun + SHORT / 10), false));
    let advancing = async {
        tokio::task::yield_now().await;
        tokio::time::advance(HOUR).await;
    };
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let call = Call::new(move || {
        starting.set();
        opened.wait();
    });
    let (ended, ()) = gather((call.timeout(HOUR / 2), advancing)).await;
    assert!(matches!(ended, Err(TaskError::TimedOut)));
    gate.0.set();
}

/// C34: inside a call, tokio's own handle is there, on every pool, in nested calls and in threads' async.
#[test]
fn c34_tokios_handle_is_current_inside_a_call() {
    watched("c34_tokios_handle_is_current_inside_a_call", || {
        for runtime in [Tokio::new(), Tokio::new_current_thread()] {
            let runtime = runtime.expect("a runtime");
            let own = ThreadPool::new(2).expect("a pool");
            for pool in [runtime.pool(), runtime.native(), anyloop_core::Pool::to_any(&own)] {
                handle_is_current(&runtime, &pool);
                handle_is_current(&runtime.to_any(), &pool);
            }
        }
    });
}

fn handle_is_current<R: BlockOn>(runtime: &R, pool: &anyloop_core::AnyPool) {
    let inner = pool.clone();
    runtime.block_on(async {
        let outside = Handle::current().id();
        assert_eq!(Call::new(|| Handle::current().id()).on(pool).await, outside);
        let spawned = Call::new(|| Handle::current().spawn(async { 5 })).on(pool).await;
        assert_eq!(spawned.await.expect("a value"), 5);
        let nested = Call::new(move || inner.submit(|| Handle::current().id()).wait()).on(pool).await;
        assert_eq!(nested.expect("a value"), outside);
        let back = Call::new(|| {
            from_thread::block_on(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                tokio::spawn(async { Handle::current().id() }).await.expect("a value")
            })
        });
        assert_eq!(back.on(pool).await, outside);
    });
    // Nothing of it is left on the pool's threads.
    assert!(pool.submit(|| Handle::try_current().is_err()).wait().expect("a value") || is_native(pool));
}

/// tokio's own blocking threads always have a handle.
fn is_native(pool: &anyloop_core::AnyPool) -> bool {
    anyloop_core::Pool::max_threads(pool).is_none()
}

/// C30: code on a plain tokio runtime, without anyloop around it, is recognized, and its calls see it.
#[tokio::test]
async fn c30_a_plain_tokio_runtime_is_ambient() {
    here();
    let current: AnyRuntime = anyloop_core::current().expect("tokio is ambient");
    assert_eq!(current.name(), "tokio");
    let outside = Handle::current().id();
    assert_eq!(Call::new(|| Handle::current().id()).await, outside);
    assert_eq!(current.spawn(async { Handle::current().id() }).await.expect("a value"), outside);
    let plain = tokio::spawn(async { Call::new(|| Handle::current().id()).await });
    assert_eq!(plain.await.expect("a value"), outside);
    let selected = tokio::task::LocalSet::new().run_until(async { Call::new(|| 7).await }).await;
    assert_eq!(selected, 7);
}

/// C34: what was recognized for a call that is still outstanding is not taken for another runtime's, nor for
/// one where there is none any more.
#[test]
fn c34_each_call_sees_the_runtime_that_it_was_made_under() {
    watched("c34_each_call_sees_the_runtime_that_it_was_made_under", || {
        Tokio::register();
        let runtimes = [(); 2].map(|()| Builder::new_current_thread().build().expect("a runtime"));
        let pool = ThreadPool::new(1).expect("a pool");
        let (gate, opened) = (SetOnDrop(Signal::new()), Signal::new());
        let (waiting, opening) = (gate.0.clone(), opened.clone());
        let blocked = pool.submit(move || {
            opening.set();
            waiting.wait();
        });
        opened.wait();
        let mut calls = Vec::new();
        for _ in 0..3 {
            for runtime in &runtimes {
                let _entered = runtime.enter();
                // Twice in a row: found, and found again.
                for _ in 0..2 {
                    let call = pool.submit(|| Handle::try_current().map(|handle| handle.id()).ok());
                    calls.push((call, Some(runtime.handle().id())));
                }
            }
            calls.push((pool.submit(|| Handle::try_current().map(|handle| handle.id()).ok()), None));
        }
        gate.0.set();
        blocked.wait().expect("a value");
        for (call, expected) in calls {
            assert_eq!(call.wait().expect("a value"), expected);
        }
    });
}

/// C02, C03: tasks of a runtime that has gone end in `Shutdown`, closures that tokio held included.
#[test]
fn c02_tasks_of_a_runtime_that_has_gone_end_in_shutdown() {
    watched("c02_tasks_of_a_runtime_that_has_gone_end_in_shutdown", || {
        let plain = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build();
        let plain = plain.expect("a runtime");
        let runtime = Tokio::from(plain.handle().clone());
        let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
        let (starting, opened) = (started.clone(), gate.0.clone());
        let pool = runtime.native();
        let blocked = pool.submit(move || {
            starting.set();
            opened.wait();
            1
        });
        started.wait();
        let queued = pool.submit(|| 2);
        let pending = runtime.spawn(std::future::pending::<()>());
        plain.shutdown_background();
        gate.0.set();
        assert!(matches!(pending.wait(), Err(TaskError::Shutdown)));
        assert_eq!(blocked.wait().expect("what runs, runs on"), 1);
        assert!(matches!(queued.wait(), Ok(2) | Err(TaskError::Shutdown)));
        assert!(matches!(runtime.spawn(async { 3 }).wait(), Err(TaskError::Shutdown)));
        assert!(matches!(pool.submit(|| 4).wait(), Err(TaskError::Shutdown)));
    });
}

/// C16 on tokio's pool: a call that tokio has no thread for ends in `NoThread`; it never runs, though tokio
/// keeps it; and with a thread alive it waits.
#[test]
fn c16_tokios_pool_without_threads() {
    watched("c16_tokios_pool_without_threads", || {
        // No address space has room for such a stack: every thread is refused.
        let runtime = Builder::new_current_thread().thread_stack_size(1 << 60).build().expect("a runtime");
        let runtime = Tokio::from(runtime);
        let pool = runtime.native();
        let (ran, saw) = mpsc::channel::<()>();
        let ended = pool.submit(move || ran.send(()).expect("the test listens")).wait();
        assert!(matches!(ended, Err(TaskError::NoThread(_))), "{ended:?}");
        assert_eq!(saw.recv(), Err(mpsc::RecvError), "the closure was dropped, and never ran");
        assert!(pool.try_submit(|| ()).is_err());
    });
}

/// C11 on tokio's pool: what others give to tokio has its turn between our calls, on the only thread that there is.
#[test]
fn c11_tokios_own_work_has_its_turn_beside_a_backlog() {
    watched("c11_tokios_own_work_has_its_turn_beside_a_backlog", || {
        const CALLS: usize = 200;
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime");
        let runtime = Tokio::from(runtime);
        let pool = runtime.native();
        let begun = Arc::new(AtomicUsize::new(0));
        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let begun = begun.clone();
                pool.submit(move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                })
            })
            .collect();
        let seen = runtime.block_on(async {
            let begun = begun.clone();
            tokio::task::spawn_blocking(move || begun.load(Ordering::SeqCst)).await.expect("a value")
        });
        assert!(seen < CALLS / 2, "{seen} of {CALLS} calls went first");
        for call in calls {
            call.wait().expect("a value");
        }
    });
}

/// C35: a runtime of the adapter's own ends with the last handle, though tasks and calls of its own know it.
#[test]
fn its_own_tasks_and_calls_do_not_keep_a_runtime() {
    watched("its_own_tasks_and_calls_do_not_keep_a_runtime", || {
        for runtime in [Tokio::new(), Tokio::new_current_thread()] {
            let runtime = runtime.expect("tokio starts");
            let (ended, told) = mpsc::channel::<()>();
            let (inner, holds) = (runtime.clone(), ended.clone());
            runtime.block_on(async move {
                inner
                    .spawn(async move {
                        let _dropped_with_the_runtime = holds;
                        std::future::pending::<()>().await;
                    })
                    .detach();
            });
            let (release, released) = mpsc::channel::<()>();
            runtime.spawn_blocking(move || released.recv()).detach();
            drop((runtime, ended));
            // Ends in an error when the last sender is gone: when the pending future was dropped.
            assert!(told.recv().is_err());
            drop(release);
        }
    });
}

/// A runtime of the current-thread flavour that nobody drives, known by its handle alone.
fn undriven() -> (tokio::runtime::Runtime, Tokio) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let known = Tokio::from(runtime.handle().clone());
    (runtime, known)
}

/// C33: the handle's own `block_on` drives a future, but not the runtime; a call that waits for the runtime's
/// clock under it says so.
#[test]
fn a_borrowed_runtime_is_not_driven_by_its_handle() {
    watched("a_borrowed_runtime_is_not_driven_by_its_handle", || {
        let (_owner, runtime) = undriven();
        let inner = runtime.clone();
        let call = Call::new(move || from_thread::block_on(inner.sleep(SHORT)));
        match runtime.block_on(call.settle()) {
            Err(TaskError::Panicked(panic)) => {
                assert!(panic.message().contains("nobody drives the runtime tokio"), "{panic}");
            }
            other => panic!("{other:?}"),
        }
    });
}

/// C19: the drain of a run ends on such a runtime too, whose clock does not go.
#[test]
fn a_run_on_a_runtime_that_nobody_drives_ends_all_the_same() {
    watched("a_run_on_a_runtime_that_nobody_drives_ends_all_the_same", || {
        let (_owner, runtime) = undriven();
        let inner = runtime.clone();
        let run = anyloop_core::Run::new(&runtime).drain_limit(SHORT);
        let ((), left) = run.block_on(async move { inner.spawn(async {}).detach() });
        assert_eq!((left.futures, left.calls), (1, 0));
    });
}

/// C02: a call that upsets tokio's own bookkeeping of the thread ends in its value all the same; tokio notices
/// only afterwards, when the handle that was entered for the call is left.
#[test]
fn a_call_that_leaves_a_handle_entered_ends() {
    watched("a_call_that_leaves_a_handle_entered_ends", || {
        let runtime = Tokio::new().expect("tokio starts");
        let pool = ThreadPool::new(1).expect("a pool");
        let call = Call::new(|| {
            let handle: &'static Handle = Box::leak(Box::new(Handle::current()));
            std::mem::forget(handle.enter());
        });
        let ended = runtime.block_on(call.on(&pool).settle());
        assert!(matches!(ended, Ok(())), "{ended:?}");
        // The worker lives on.
        assert_eq!(pool.submit(|| 7).wait().expect("a value"), 7);
    });
}
