//! async-std's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use anyloop_core::{Cancelling, NativeTask, WakerGuard};
use async_std::task::JoinHandle;

/// Dropping a `JoinHandle` lets the future go on; anyloop's `Task` aborts first unless it was detached.
pub(crate) struct Joined<T> {
    /// Locked by `abort` and `is_finished` alone; a poll goes round it.
    stage: Mutex<Stage<T>>,
    /// async-task, on which async-std is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

enum Stage<T> {
    Running(JoinHandle<T>),
    /// Its output was taken by a look at it.
    Ended(Option<Box<T>>),
    /// Cancelling takes the handle away.
    Cancelling(Box<Cancelling<T>>),
    /// Some thread is in [`change`](Joined::change); whether to abort after it.
    InUse {
        abort: bool,
    },
}

impl<T> Joined<T> {
    pub(crate) fn new(handle: JoinHandle<T>) -> Self {
        Self { stage: Mutex::new(Stage::Running(handle)), guard: WakerGuard::default() }
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

    /// The handle cannot be asked, only polled; with the awaiter's own waker, so that its place is not
    /// taken.
    fn looked_at(&self, stage: Stage<T>) -> Stage<T> {
        match stage {
            Stage::Running(mut handle) => match poll_with(&mut handle, &self.guard.last()) {
                Poll::Ready(output) => Stage::Ended(Some(Box::new(output))),
                Poll::Pending => Stage::Running(handle),
            },
            other => other,
        }
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
                poll_with(handle, &self.guard.guard(cx.waker())).map(Some)
            }
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
            let stage = self.looked_at(stage);
            finished = match &stage {
                Stage::Running(_) | Stage::InUse { .. } => false,
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
