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
    /// While the stage changes.
    Gone,
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
            Stage::Gone => Poll::Ready(None),
        }
    }

    fn abort(&self) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stage, Stage::Gone) {
            // It schedules the task, and drops nothing here.
            Stage::Running(handle) => {
                *stage = Stage::Cancelling(Box::new(Cancelling::begin(handle.cancel())))
            }
            other => *stage = other,
        }
    }

    fn is_finished(&self) -> bool {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stage {
            // The handle cannot be asked, only polled; with the awaiter's own waker, so that its place
            // is not taken.
            Stage::Running(handle) => match poll_with(handle, &self.guard.last()) {
                Poll::Ready(output) => {
                    let ended = Stage::Ended(Some(Box::new(output)));
                    let handle = std::mem::replace(&mut *stage, ended);
                    drop(stage);
                    drop(handle);
                    true
                }
                Poll::Pending => false,
            },
            Stage::Cancelling(cancelling) => cancelling.is_finished(),
            Stage::Ended(_) | Stage::Gone => true,
        }
    }

    fn detach(&mut self) {
        // Dropping the handle detaches.
    }
}
