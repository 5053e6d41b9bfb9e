//! async-std's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use anyloop_core::{Cancelling, NativeTask, WakerGuard};
use async_std::task::JoinHandle;

/// Dropping a `JoinHandle` lets the future go on; anyloop's `Task` aborts first unless it was detached.
///
/// Five words, which anyloop's `Task` keeps without a box.
pub(crate) struct Joined<T> {
    /// Locked by `abort` and `is_finished` alone; a poll goes round it.
    stage: Mutex<Stage<T>>,
}

enum Stage<T> {
    Running(JoinHandle<T>),
    /// Somebody has awaited it before its end.
    Awaited(Box<Awaited<T>>),
    /// Its output was taken by a look at it.
    Ended(Option<Box<T>>),
    /// Cancelling takes the handle away.
    Cancelling(Box<Cancelling<T>>),
    /// Some thread is in [`change`](Joined::change); whether to abort after it.
    InUse {
        abort: bool,
    },
}

struct Awaited<T> {
    handle: JoinHandle<T>,
    /// async-task, on which async-std is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

impl<T> Awaited<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let waker = self.guard.guard(cx.waker());
        poll_with(&mut self.handle, &waker)
    }
}

impl<T> Joined<T> {
    pub(crate) fn new(handle: JoinHandle<T>) -> Self {
        Self { stage: Mutex::new(Stage::Running(handle)) }
    }
}

fn poll_with<T>(handle: &mut JoinHandle<T>, waker: &Waker) -> Poll<T> {
    // The executor is never shut down, and a supervised future does not panic.
    Pin::new(handle).poll(&mut Context::from_waker(waker))
}

fn cancelled<T: Send + 'static>(stage: Stage<T>) -> Stage<T> {
    match stage {
        // It schedules the task, and drops nothing here.
        Stage::Running(handle) => Stage::Cancelling(Box::new(Cancelling::begin(handle.cancel()))),
        Stage::Awaited(awaited) => {
            // The guard outlives the cancelling.
            let Awaited { handle, guard: _guard } = *awaited;
            Stage::Cancelling(Box::new(Cancelling::begin(handle.cancel())))
        }
        other => other,
    }
}

impl<T: Send + 'static> Joined<T> {
    /// Takes the stage out while `change` works on it, for that may wake the awaiter, who may look at
    /// the task: no lock is held then. An abort that comes meanwhile is caught up on.
    fn change(&self, abort: bool, change: impl FnOnce(Stage<T>) -> Stage<T>) {
        let lock = || self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let before = {
            let mut stage = lock();
            if let Stage::InUse { abort: wanted } = &mut *stage {
                *wanted |= abort;
                return;
            }
            std::mem::replace(&mut *stage, Stage::InUse { abort: false })
        };
        let mut after = change(before);
        loop {
            {
                let mut stage = lock();
                if !matches!(*stage, Stage::InUse { abort: true }) {
                    *stage = after;
                    return;
                }
                *stage = Stage::InUse { abort: false };
            }
            after = cancelled(after);
        }
    }
}

/// The handle cannot be asked, only polled; with the awaiter's own waker, so that its place is not taken.
fn looked_at<T>(mut stage: Stage<T>) -> Stage<T> {
    let polled = match &mut stage {
        Stage::Running(handle) => poll_with(handle, Waker::noop()),
        Stage::Awaited(awaited) => poll_with(&mut awaited.handle, &awaited.guard.last()),
        _ => return stage,
    };
    match polled {
        Poll::Ready(output) => Stage::Ended(Some(Box::new(output))),
        Poll::Pending => stage,
    }
}

impl<T: Send + 'static> NativeTask<T> for Joined<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let stage = self.stage.get_mut().unwrap_or_else(PoisonError::into_inner);
        match stage {
            Stage::Running(handle) => {
                // Most handles are ready when they are polled: those need no guard.
                if let Poll::Ready(output) = poll_with(handle, Waker::noop()) {
                    return Poll::Ready(Some(output));
                }
                let Stage::Running(handle) = std::mem::replace(stage, Stage::InUse { abort: false }) else {
                    unreachable!("matched just above");
                };
                // In its place before anything foreign is called, which the cloning of a waker is.
                *stage = Stage::Awaited(Box::new(Awaited { handle, guard: WakerGuard::default() }));
                let Stage::Awaited(awaited) = stage else { unreachable!("put there just above") };
                awaited.poll(cx).map(Some)
            }
            Stage::Awaited(awaited) => awaited.poll(cx).map(Some),
            Stage::Cancelling(cancelling) => cancelling.poll(cx),
            Stage::Ended(output) => Poll::Ready(output.take().map(|output| *output)),
            // Whoever polls has the task to itself.
            Stage::InUse { .. } => Poll::Ready(None),
        }
    }

    fn abort(&self) {
        self.change(true, cancelled);
    }

    fn is_finished(&self) -> bool {
        let mut finished = false;
        self.change(false, |stage| {
            let stage = looked_at(stage);
            finished = match &stage {
                Stage::Running(_) | Stage::Awaited(_) | Stage::InUse { .. } => false,
                Stage::Cancelling(cancelling) => cancelling.is_finished(),
                Stage::Ended(_) => true,
            };
            stage
        });
        finished
    }

    fn detach(&mut self) {
        // Dropping the handle detaches.
    }
}
