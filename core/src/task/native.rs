//! What an adapter brings along for `Task`.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::catch::quietly;
use crate::error::TaskError;

/// A runtime's own handle of a spawned future.
///
/// [`Task`](crate::Task) adds the rules of the contract to it, so that an adapter only says how its
/// runtime spells these four.
pub trait NativeTask<T>: Send {
    /// Ready with the output, or with `None` when the future was dropped before it ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>;

    /// Asks the runtime to drop the future. May be called again, and after the end.
    fn abort(&mut self);

    /// Whether [`poll`](NativeTask::poll) would be ready.
    fn is_finished(&self) -> bool;

    /// Lets the future go on without this handle.
    fn detach(self: Box<Self>);
}

/// In what a supervised future ended. Opaque, so that a task can only be made of such a future.
#[derive(Debug)]
pub struct Outcome<T>(Result<T, TaskError>);

impl<T> Outcome<T> {
    pub(crate) fn new(result: Result<T, TaskError>) -> Self {
        Self(result)
    }

    pub(crate) fn into_result(self) -> Result<T, TaskError> {
        self.0
    }
}

/// Keeps a waker's panic from a runtime that cannot bear it (C07).
///
/// Runtimes built on `async-task` abort the process when a waker panics while a task completes. Their
/// adapters hand them wakers that went through here. One allocation per task that is awaited before it
/// has ended; none after that unless the awaiter changes.
#[derive(Debug, Default)]
pub struct WakerGuard {
    guarded: Option<(Waker, Waker)>,
}

struct Guarded(Waker);

impl Wake for Guarded {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        quietly(|| self.0.wake_by_ref());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let waker = std::mem::replace(&mut self.0, Waker::noop().clone());
        quietly(move || drop(waker));
    }
}

impl WakerGuard {
    /// A waker that wakes `original` and does not panic.
    pub fn guard(&mut self, original: &Waker) -> &Waker {
        let fresh = match self.guarded.take() {
            Some(known) if known.0.will_wake(original) => known,
            _ => (original.clone(), Waker::from(Arc::new(Guarded(original.clone())))),
        };
        &self.guarded.insert(fresh).1
    }
}
