//! tokio's handle of a spawned future.

use std::pin::Pin;
use std::task::{Context, Poll};

use anyloop_core::NativeTask;
use tokio::task::JoinHandle;

/// Dropping a `JoinHandle` lets the future go on; anyloop's `Task` aborts first unless it was detached.
pub(crate) struct Joined<T>(pub(crate) JoinHandle<T>);

impl<T: Send + 'static> NativeTask<T> for Joined<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // An error means that it was aborted or that the runtime was shut down: a supervised future
        // does not panic.
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn detach(&mut self) {}
}
