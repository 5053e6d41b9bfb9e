//! What an adapter brings along for `Task`.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::catch::{drop_quietly, quietly};
use crate::error::{Panic, TaskError};

/// A runtime's own handle of a spawned future.
///
/// [`Task`](crate::Task) adds the rules of the contract to it, so that an adapter only says how its
/// runtime spells these four.
pub trait NativeTask<T>: Send + Sync {
    /// Ready with the output, or with `None` when the future was dropped before it ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>;

    /// Asks the runtime to drop the future. May be called again, and after the end.
    fn abort(&self);

    /// Whether [`poll`](NativeTask::poll) would be ready.
    fn is_finished(&self) -> bool;

    /// Called once, before the handle is dropped: the future is to go on without it.
    fn detach(&mut self);
}

/// In what a supervised future ended. Opaque, so that a task can only be made of such a future.
///
/// A value that nobody takes may panic as it drops; that stops here, for a runtime may drop it on a
/// worker that does not survive it, or abort the process (C07).
#[derive(Debug)]
pub struct Outcome<T>(End<T>);

/// No larger than need be: a runtime keeps it in the place of the future, and `TaskError` would make the
/// tasks of small futures larger.
#[derive(Debug)]
enum End<T> {
    Value(T),
    Panicked(Panic),
    /// Also what is left when the rest was taken.
    Cancelled,
}

impl<T> Drop for Outcome<T> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.0, End::Cancelled) {
            drop_quietly(self.take());
        }
    }
}

impl<T> Outcome<T> {
    #[inline]
    pub(crate) fn value(value: T) -> Self {
        Self(End::Value(value))
    }

    pub(crate) fn panicked(panic: Panic) -> Self {
        Self(End::Panicked(panic))
    }

    #[inline]
    pub(crate) fn cancelled() -> Self {
        Self(End::Cancelled)
    }

    #[inline]
    pub(crate) fn into_result(mut self) -> Result<T, TaskError> {
        let end = self.take();
        // Nothing is left in it to drop.
        std::mem::forget(self);
        match end {
            End::Value(value) => Ok(value),
            End::Panicked(panic) => Err(TaskError::Panicked(panic)),
            End::Cancelled => Err(TaskError::Cancelled),
        }
    }

    #[inline]
    fn take(&mut self) -> End<T> {
        std::mem::replace(&mut self.0, End::Cancelled)
    }
}

/// Keeps a waker's panic from a runtime that cannot bear it (C07).
///
/// Runtimes built on `async-task` abort the process when a waker panics while a task completes. Their
/// adapters hand them wakers that went through here. One allocation per task that is awaited before it
/// has ended; none after that unless the awaiter changes.
#[derive(Clone, Debug, Default)]
pub struct WakerGuard(Option<Arc<Guarded>>);

#[derive(Debug)]
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
    pub fn guard(&mut self, original: &Waker) -> Waker {
        let guarded = match self.0.take() {
            Some(guarded) if guarded.0.will_wake(original) => guarded,
            _ => Arc::new(Guarded(original.clone())),
        };
        Waker::from(self.0.insert(guarded).clone())
    }

    /// The waker given out last; one that wakes nobody before that. For a look that must not take
    /// the awaiter's place.
    #[must_use]
    pub fn last(&self) -> Waker {
        self.0.clone().map_or_else(|| Waker::noop().clone(), Waker::from)
    }
}
