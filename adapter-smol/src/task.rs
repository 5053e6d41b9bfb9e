//! smol's handle of a spawned future.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use anyloop_core::{NativeTask, WakerGuard};
use smol::Task;

/// Dropping a `smol::Task` cancels it.
pub(crate) struct Joined<T> {
    stage: Stage<T>,
    /// async-task, on which smol is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

enum Stage<T> {
    Running(Task<T>),
    /// Cancelling takes the task away; what is left is the future that waits until it is done.
    Cancelling(Pin<Box<dyn Future<Output = Option<T>> + Send>>),
    Ended(Option<T>),
}

impl<T> Joined<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        Self { stage: Stage::Running(task), guard: WakerGuard::default() }
    }
}

impl<T: Send + 'static> NativeTask<T> for Joined<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut cx = Context::from_waker(self.guard.guard(cx.waker()));
        match &mut self.stage {
            // The executor is never shut down, and a supervised future does not panic.
            Stage::Running(task) => Pin::new(task).poll(&mut cx).map(Some),
            Stage::Cancelling(cancel) => cancel.as_mut().poll(&mut cx),
            Stage::Ended(output) => Poll::Ready(output.take()),
        }
    }

    fn abort(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Ended(None)) {
            Stage::Running(task) => {
                // `cancel` begins at its first poll.
                let mut cancel = Box::pin(task.cancel());
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
            Stage::Running(task) => task.is_finished(),
            Stage::Cancelling(_) => false,
            Stage::Ended(_) => true,
        }
    }

    fn detach(self: Box<Self>) {
        if let Stage::Running(task) = self.stage {
            task.detach();
        }
    }
}
