//! C07: panics of what is left when it has run: destructors and wakers.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use anyloop_core::{BlockOn, PoolExt, TaskError};

use super::panics::{MANY, all_is_well, panic_of_task};
use crate::Subject;
use crate::tools::{BOMB, Bomb, Probe, Signal, exploding_waker, panicking_waker, poll_with, yield_now};

/// C07: a waker that panics takes down no worker, nor the process.
pub fn c07_a_panicking_waker_takes_down_no_worker<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let gate = Signal::new();
        let mut books = Vec::new();
        let mut tasks = Vec::new();
        for number in 0..MANY {
            let waker = if number % 2 == 0 { panicking_waker() } else { exploding_waker() };
            let (probe, drops) = Probe::new();
            let opened = gate.clone();
            let mut spawned = subject.runtime().spawn(async move {
                opened.seen().await;
                drop(probe);
            });
            assert!(poll_with(&mut spawned, &waker).is_pending());
            books.push(drops);
            let (probe, drops) = Probe::new();
            let opened = gate.clone();
            let mut submitted = subject.submit(move || {
                opened.wait();
                drop(probe);
            });
            assert!(poll_with(&mut submitted, &waker).is_pending());
            books.push(drops);
            tasks.extend([spawned, submitted]);
            // Somebody has to hold the last clone other than this test.
            std::mem::forget(waker);
        }
        gate.set();
        for drops in books {
            drops.seen().await;
        }
        all_is_well(subject).await;
        for task in tasks {
            task.await.expect("a task whose awaiter panicked still has its value");
        }
    });
}

/// C07: nor does it disturb whoever aborts the task that it waits for, or drops it.
pub fn c07_a_panicking_waker_does_not_disturb_an_abort<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for waker in [panicking_waker(), exploding_waker()] {
            for aborted in [true, false] {
                let busy = subject.busy();
                let mut queued = busy.pool.submit(|| ());
                let mut spawned = subject.runtime().spawn(std::future::pending::<()>());
                assert!(poll_with(&mut queued, &waker).is_pending());
                assert!(poll_with(&mut spawned, &waker).is_pending());
                if aborted {
                    queued.abort();
                    spawned.abort();
                    assert!(matches!(queued.await, Err(TaskError::Cancelled)));
                    assert!(matches!(spawned.await, Err(TaskError::Cancelled)));
                }
            }
            std::mem::forget(waker);
        }
        all_is_well(subject).await;
    });
}

/// C07: nor does a waker whose last clone is held by the task, and panics as it drops.
pub fn c07_a_waker_that_panics_as_it_drops_takes_down_no_worker<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let gate = Signal::new();
        let mut tasks = Vec::new();
        for _ in 0..MANY {
            let (future_gate, closure_gate) = (gate.clone(), gate.clone());
            let mut spawned = subject.runtime().spawn(async move { future_gate.seen().await });
            let mut submitted = subject.submit(move || closure_gate.wait());
            for task in [&mut spawned, &mut submitted] {
                let waker = exploding_waker();
                assert!(poll_with(task, &waker).is_pending());
                // The task's clone is the last one from here on.
                drop(waker);
            }
            tasks.extend([spawned, submitted]);
        }
        // One more awaiter each: the poll drops the former's waker. Its panic may go on in that poll, which
        // is its own task's; what must not suffer is the task that was polled.
        for task in tasks.iter_mut().take(MANY) {
            let polled = catch_unwind(AssertUnwindSafe(|| poll_with(task, Waker::noop()).is_pending()));
            assert!(polled.unwrap_or(true));
        }
        gate.set();
        for task in tasks {
            while !task.is_finished() {
                yield_now().await;
            }
            drop(task);
        }
        all_is_well(subject).await;
    });
}

/// C07: a value that nobody takes and that panics as it drops takes down no worker.
pub fn c07_a_value_that_panics_as_it_drops_takes_down_no_worker<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let mut books = Vec::new();
        for number in 0..MANY {
            let (probe, drops) = Probe::new();
            let closure = subject.submit(move || (Bomb, probe));
            books.push(drops);
            let (probe, drops) = Probe::new();
            let future = subject.runtime().spawn(async move {
                yield_now().await;
                (Bomb, probe)
            });
            books.push(drops);
            match number % 2 {
                0 => {
                    closure.detach();
                    future.detach();
                }
                _ => {
                    while !(closure.is_finished() && future.is_finished()) {
                        yield_now().await;
                    }
                    // The drop of a task does not throw at who drops it either.
                    drop((closure, future));
                }
            }
        }
        for drops in books {
            drops.seen().await;
            assert_eq!(drops.count(), 1);
        }
        all_is_well(subject).await;
    });
}

/// C07: nor does a future, or what a closure captured, that panics as it drops; the task says so.
pub fn c07_a_capture_that_panics_as_it_drops_takes_down_no_worker<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..MANY {
            let bomb = Bomb;
            let closure = subject.submit(move || {
                let _bomb = bomb;
                "never seen"
            });
            panic_of_task(closure).await;
            let bomb = Bomb;
            let future = subject.runtime().spawn(async move {
                let _bomb = bomb;
                "never seen"
            });
            panic_of_task(future).await;
            let bomb = Bomb;
            let cancelled = subject.runtime().spawn(async move {
                let _bomb = bomb;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            assert!(cancelled.cancel().await.is_err());
        }
        all_is_well(subject).await;
    });
}

/// A future that ends as its closure says, and panics as it drops.
struct Explosive<F>(F, Bomb);

impl<T, F: Fn() -> T + Unpin> Future for Explosive<F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Ready((self.0)())
    }
}

/// C05, C07: of a future that panics and then panics as it drops, the first panic counts; of one that ends
/// and panics as it drops, that panic, whatever its value does.
pub fn c07_a_future_may_panic_and_then_panic_as_it_drops<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..MANY {
            let panics = subject.runtime().spawn(Explosive(|| panic!("the first"), Bomb));
            assert_eq!(panic_of_task(panics).await.message(), "the first");
            let ends = subject.runtime().spawn(Explosive(|| Bomb, Bomb));
            assert_eq!(panic_of_task(ends).await.message(), BOMB);
            subject.runtime().spawn(Explosive(|| panic_any(Bomb), Bomb)).detach();
        }
        all_is_well(subject).await;
    });
}

/// C07: nor does the payload of a panic that panics as it drops.
pub fn c07_a_payload_that_panics_as_it_drops_takes_down_no_worker<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..MANY {
            subject.submit(|| panic_any(Bomb)).detach();
            subject.runtime().spawn(async { panic_any(Bomb) }).detach();
            let closure = subject.submit(|| panic_any(Bomb));
            let future = subject.runtime().spawn(async { panic_any(Bomb) });
            while !(closure.is_finished() && future.is_finished()) {
                yield_now().await;
            }
            drop((closure, future));
        }
        all_is_well(subject).await;
    });
}
