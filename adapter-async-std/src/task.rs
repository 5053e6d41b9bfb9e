//! async-std's handle of a spawned future.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use anyloop_core::{NativeTask, WakerGuard};
use async_std::task::{self, JoinHandle};

/// Dropping a `JoinHandle` lets the future go on; anyloop's `Task` aborts first unless it was detached.
pub(crate) struct Joined<T> {
    stage: Stage<T>,
    /// async-task, on which async-std is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
    /// The handle itself cannot be asked.
    finished: Arc<AtomicBool>,
}

enum Stage<T> {
    Running(JoinHandle<T>),
    /// Cancelling takes the handle away; what is left is the future that waits until it is done.
    Cancelling(Pin<Box<dyn Future<Output = Option<T>> + Send>>),
    Ended(Option<T>),
}

impl<T: Send + 'static> Joined<T> {
    pub(crate) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self {
        let finished = Arc::new(AtomicBool::new(false));
        let finishing = finished.clone();
        let handle = task::spawn(async move {
            let output = future.await;
            // ORDERING: Release pairs with the Acquire in `is_finished`.
            finishing.store(true, Ordering::Release);
            output
        });
        Self { stage: Stage::Running(handle), guard: WakerGuard::default(), finished }
    }
}

impl<T: Send + 'static> NativeTask<T> for Joined<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut cx = Context::from_waker(self.guard.guard(cx.waker()));
        match &mut self.stage {
            // The executor is never shut down, and a supervised future does not panic.
            Stage::Running(handle) => Pin::new(handle).poll(&mut cx).map(Some),
            Stage::Cancelling(cancel) => cancel.as_mut().poll(&mut cx),
            Stage::Ended(output) => Poll::Ready(output.take()),
        }
    }

    fn abort(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Ended(None)) {
            Stage::Running(handle) => {
                // `cancel` begins at its first poll.
                let mut cancel = Box::pin(handle.cancel());
                self.stage = match cancel.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(output) => Stage::Ended(output),
                    Poll::Pending => Stage::Cancelling(cancel),
                };
            }
            other => self.stage = other,
        }
    }

    fn is_finished(&self) -> bool {
        match &self.stage {
            // ORDERING: Acquire pairs with the Release in `spawn`. Set a moment before the handle is
            // ready, which its poll then waits for.
            Stage::Running(_) => self.finished.load(Ordering::Acquire),
            Stage::Cancelling(_) => false,
            Stage::Ended(_) => true,
        }
    }

    fn detach(self: Box<Self>) {
        // Dropping the handle detaches.
    }
}
