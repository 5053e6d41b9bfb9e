//! async-std's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use anyloop_core::{NativeTask, WakerGuard};
use async_std::task::JoinHandle;

/// Dropping a `JoinHandle` lets the future go on; anyloop's `Task` aborts first unless it was detached.
pub(crate) struct Joined<T> {
    /// Locked by `abort` and `is_finished` alone; a poll goes round it. Boxed, because the handle is
    /// larger than the room that a `Task` has for it.
    stage: Mutex<Stage<T>>,
    /// async-task, on which async-std is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

enum Stage<T> {
    Running(JoinHandle<T>),
    /// Cancelling takes the handle away; what is left is the future that waits until it is done.
    Cancelling(Pin<Box<dyn Future<Output = Option<T>> + Send>>),
    Ended(Option<Box<T>>),
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
            Stage::Cancelling(cancel) => {
                let waker = self.guard.guard(cx.waker());
                cancel.as_mut().poll(&mut Context::from_waker(&waker))
            }
            Stage::Ended(output) => Poll::Ready(output.take().map(|output| *output)),
        }
    }

    fn abort(&self) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stage, Stage::Ended(None)) {
            Stage::Running(handle) => {
                // `cancel` begins at its first poll. It schedules the task, and drops nothing here.
                let mut cancel = Box::pin(handle.cancel());
                let last = self.guard.last();
                *stage = match cancel.as_mut().poll(&mut Context::from_waker(&last)) {
                    Poll::Ready(output) => Stage::Ended(output.map(Box::new)),
                    Poll::Pending => Stage::Cancelling(cancel),
                };
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
            Stage::Cancelling(_) => false,
            Stage::Ended(_) => true,
        }
    }

    fn detach(&mut self) {
        // Dropping the handle detaches.
    }
}
