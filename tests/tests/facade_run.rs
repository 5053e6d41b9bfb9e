//! C19: what `run` does at its end.

mod facade_support;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyloop::{
    AnyRuntime, BlockOn, Drain, PoolExt, Run, Runtime, Smol, TaskError, ThreadPool, from_thread, to_thread,
};
use facade_support::{bounded, panic_text, runtimes};

/// Runs a test with each runtime.
fn with_each(test: impl Fn(AnyRuntime) + Clone + Send + 'static) {
    for runtime in runtimes() {
        let test = test.clone();
        bounded(move || test(runtime));
    }
}

/// Adds one when dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn futures_are_cancelled_and_gone_before_it_returns() {
    with_each(|runtime| {
        let drops = Arc::new(AtomicUsize::new(0));
        runtime.run(async {
            for _ in 0..10 {
                let counted = Counted(drops.clone());
                anyloop::spawn(async move {
                    let _counted = counted;
                    pending::<()>().await;
                })
                .detach();
                let counted = Counted(drops.clone());
                // Ones that wait for a timer, or hardly ever were polled.
                anyloop::spawn(async move {
                    anyloop::sleep(Duration::from_secs(3600)).await;
                    drop(counted);
                })
                .detach();
            }
        });
        assert_eq!(drops.load(Ordering::SeqCst), 20);
    });
}

#[test]
fn closures_are_run_to_their_end_before_it_returns() {
    with_each(|runtime| {
        let ended = Arc::new(AtomicUsize::new(0));
        let counting = || {
            let ended = ended.clone();
            move || {
                thread::sleep(Duration::from_millis(2));
                ended.fetch_add(1, Ordering::SeqCst);
            }
        };
        let narrow = ThreadPool::new(1).unwrap();
        runtime.run(async {
            for _ in 0..5 {
                anyloop::spawn_blocking(counting()).detach();
                // Still queued when the main future ends, on any pool.
                narrow.submit(counting()).detach();
                to_thread(counting()).on_native().start().detach();
            }
        });
        assert_eq!(ended.load(Ordering::SeqCst), 15);
        // The pools live on.
        assert_eq!(narrow.submit(|| 1).wait().unwrap(), 1);
        assert_eq!(anyloop::spawn_blocking(|| 2).wait().unwrap(), 2);
    });
}

#[test]
fn what_they_start_in_turn_is_waited_for_too() {
    with_each(|runtime| {
        let ended = Arc::new(AtomicUsize::new(0));
        let (go, gone) = mpsc::channel::<()>();
        let counting = ended.clone();
        runtime.run(async move {
            let outer = move || {
                let _ = gone.recv();
                thread::sleep(Duration::from_millis(5));
                anyloop::spawn_blocking(move || {
                    thread::sleep(Duration::from_millis(5));
                    counting.fetch_add(1, Ordering::SeqCst);
                })
                .detach();
            };
            anyloop::spawn_blocking(outer).detach();
            drop(go);
        });
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_closure_that_is_drained_may_still_use_the_runtime() {
    with_each(|runtime| {
        let (tell, told) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let waiting = runtime.clone();
        runtime.run(async move {
            let closure = move || {
                let _ = gone.recv();
                let slept = from_thread::block_on(async {
                    anyloop::sleep(Duration::from_millis(2)).await;
                    waiting.name()
                });
                // A new future is cancelled, as the others were.
                let spawned = from_thread::block_on(anyloop::spawn(pending::<()>()));
                tell.send((slept, spawned)).unwrap();
            };
            anyloop::spawn_blocking(closure).detach();
            drop(go);
        });
        let (slept, spawned) = told.recv().unwrap();
        assert_eq!(slept, runtime.name());
        assert!(matches!(spawned, Err(TaskError::Cancelled)), "{spawned:?}");
    });
}

#[test]
fn a_panic_comes_out_after_the_draining() {
    with_each(|runtime| {
        let ended = Arc::new(AtomicUsize::new(0));
        let counting = ended.clone();
        let text = panic_text(|| {
            runtime.run(async {
                anyloop::spawn_blocking(move || {
                    thread::sleep(Duration::from_millis(5));
                    counting.fetch_add(1, Ordering::SeqCst);
                })
                .detach();
                panic!("the main future's own");
            })
        });
        assert_eq!(text, "the main future's own");
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn what_is_left_when_the_time_is_up_is_told() {
    with_each(|runtime| {
        let (go, gone) = mpsc::channel::<()>();
        let run = Run::new(&runtime).drain_limit(Duration::from_millis(20));
        let (output, left) = run.block_on(async {
            anyloop::spawn_blocking(move || gone.recv()).detach();
            "output"
        });
        assert_eq!(output, "output");
        assert_eq!((left.calls, left.futures), (1, 0));
        drop(go);
        let (output, left) = Run::new(&runtime).block_on(async { to_thread(|| 1).await });
        assert_eq!((output, left), (1, Drain::default()));
    });
}

#[test]
fn other_runs_and_what_belongs_to_none_are_not_waited_for() {
    with_each(|runtime| {
        let (go, gone) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let stranger = anyloop::spawn_blocking(move || gone.recv().is_err());
        let other = thread::spawn({
            let (go, gone) = mpsc::channel::<()>();
            begin.send(go).unwrap();
            move || {
                Smol::new()
                    .run(async { anyloop::spawn_blocking(move || gone.recv().is_err()).await.unwrap() })
            }
        });
        // Both are still at work when this run ends.
        let (one, left) = Run::new(&runtime).block_on(async { to_thread(|| 1).await });
        assert_eq!((one, left), (1, Drain::default()));
        assert!(!stranger.is_finished() && !other.is_finished());
        drop((go, begun.recv().unwrap()));
        assert!(stranger.wait().unwrap() && other.join().unwrap());
    });
}

#[test]
#[expect(clippy::async_yields_async, reason = "what outlives its `block_on` is what is tested")]
fn a_block_on_waits_for_nothing() {
    with_each(|runtime| {
        let (go, gone) = mpsc::channel::<()>();
        let task = runtime.block_on(async { anyloop::spawn_blocking(move || gone.recv().is_err()) });
        assert!(!task.is_finished());
        drop(go);
        assert!(task.wait().unwrap());
    });
}

#[test]
fn a_run_inside_a_call_sees_to_its_own() {
    with_each(|runtime| {
        let ended = Arc::new(AtomicUsize::new(0));
        let inner = runtime.clone();
        let seen = runtime.run(async {
            let (counting, seen) = (ended.clone(), ended.clone());
            let nested = move || {
                inner.run(async {
                    anyloop::spawn_blocking(move || {
                        thread::sleep(Duration::from_millis(5));
                        counting.fetch_add(1, Ordering::SeqCst)
                    })
                    .detach();
                });
                seen.load(Ordering::SeqCst)
            };
            to_thread(nested).await
        });
        assert_eq!(seen, 1);
    });
}
