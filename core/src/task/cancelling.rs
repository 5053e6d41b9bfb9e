//! The cancelling of a task whose runtime takes the handle away for it.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::catch::{drop_quietly, quietly};

/// A runtime's future that cancels a task, with which an aborted [`NativeTask`](crate::NativeTask) goes on.
///
/// It can be asked whether it has ended without being polled by whoever awaits the task.
pub struct Cancelling<T> {
    cancel: Option<Pin<Box<dyn Future<Output = Option<T>> + Send>>>,
    output: Option<T>,
    relay: Arc<Relay>,
}

#[derive(Default)]
struct Relay {
    woken: AtomicBool,
    awaiter: Mutex<Option<Waker>>,
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        // ORDERING: Release pairs with the Acquire in `is_finished`.
        self.woken.store(true, Ordering::Release);
        let awaiter = self.awaiter.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(awaiter) = awaiter {
            quietly(|| awaiter.wake());
        }
    }
}

impl<T> Cancelling<T> {
    /// Begins to cancel: polls `cancel` for the first time.
    pub fn begin(cancel: impl Future<Output = Option<T>> + Send + 'static) -> Self {
        let mut this = Self { cancel: Some(Box::pin(cancel)), output: None, relay: Arc::default() };
        this.advance();
        this
    }

    fn advance(&mut self) {
        let Some(cancel) = &mut self.cancel else { return };
        // ORDERING: Relaxed: the poll that follows synchronizes with the runtime itself.
        self.relay.woken.store(false, Ordering::Relaxed);
        let waker = Waker::from(self.relay.clone());
        if let Poll::Ready(output) = cancel.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.cancel = None;
            self.output = output;
        }
    }

    /// Ready when the task has stopped, with its output if that came first.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let fresh = cx.waker().clone();
        let old = self.relay.awaiter.lock().unwrap_or_else(PoisonError::into_inner).replace(fresh);
        drop_quietly(old);
        self.advance();
        if self.cancel.is_some() { Poll::Pending } else { Poll::Ready(self.output.take()) }
    }

    /// Whether the task has stopped.
    pub fn is_finished(&self) -> bool {
        // ORDERING: Acquire, see `Relay::wake`.
        self.cancel.is_none() || self.relay.woken.load(Ordering::Acquire)
    }
}

impl<T> fmt::Debug for Cancelling<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelling").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
