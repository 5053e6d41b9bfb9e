//! The one handle of a closure that may poll and abandon it.

#![expect(
    unsafe_code,
    reason = "keeps what `ClosureHandle` asks for: there is one of it, and it is used mutably"
)]

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::inline::Handle;
use super::{Closure, ClosureHandle, Ended};
use crate::error::TaskError;
use crate::pool::Refused;

/// There is one for each closure, made with it; it cannot be cloned. To drop it lets the closure run on its own.
pub(crate) struct Awaiter<T> {
    handle: Arc<dyn ClosureHandle<T>>,
    /// The result was taken, or was given up.
    done: bool,
}

impl<T: Send + 'static> Awaiter<T> {
    /// A closure and its one handle.
    pub(crate) fn pair<F>(closure: F, place: &'static Location<'static>) -> (Self, Arc<Closure<F, T>>)
    where
        F: FnOnce() -> T + Send + 'static,
    {
        Self::of(Closure::new(closure, place))
    }

    /// The same for a call that begins when it is polled: `waker` is called at its end.
    pub(crate) fn awaited<F>(
        closure: F,
        place: &'static Location<'static>,
        waker: Waker,
    ) -> (Self, Arc<Closure<F, T>>)
    where
        F: FnOnce() -> T + Send + 'static,
    {
        Self::of(Closure::awaited(closure, place, waker))
    }

    /// The same for `try_submit`, which wants the closure back: see [`Closure::reclaim`].
    pub(crate) fn reclaimable<F>(closure: F, place: &'static Location<'static>) -> (Self, Arc<Closure<F, T>>)
    where
        F: FnOnce() -> T + Send + 'static,
    {
        Self::of(Closure::reclaimable(closure, place))
    }

    /// The same for an errand: see [`Closure::errand`].
    pub(crate) fn errand<F>(
        closure: F,
        place: &'static Location<'static>,
        serves: bool,
    ) -> (Self, Arc<Closure<F, T>>)
    where
        F: FnOnce() -> T + Send + 'static,
    {
        Self::of(Closure::errand(closure, place, serves))
    }

    /// For a closure that was made just now.
    fn of<F: FnOnce() -> T + Send + 'static>(closure: Arc<Closure<F, T>>) -> (Self, Arc<Closure<F, T>>) {
        (Self { handle: closure.clone(), done: false }, closure)
    }
}

impl<T> Awaiter<T> {
    /// What was asked to run it has answered. A refusal is a better reason than the one that dropping the job has given; and
    /// who refuses and keeps the job all the same does not get to run it later.
    pub(crate) fn answered(&mut self, answer: Result<(), Refused>) {
        if let Err(refused) = answer {
            // SAFETY: as in `poll`: nothing was polled yet, since no `Task` has been made of it.
            unsafe { self.handle.refused(TaskError::from(refused)) }
        }
    }

    /// A call that lends its place waits for what it serves.
    pub(crate) fn note_awaited(&self) {
        self.handle.note_awaited();
    }

    /// Cancels it if nobody has begun it. What runs is left to itself: it is no call that somebody has given up.
    pub(crate) fn dismiss(&self) {
        self.handle.dismiss();
    }
}

impl<T> Handle<T> for Awaiter<T> {
    fn poll(&mut self, cx: &mut Context<'_>, _aborted: bool) -> Poll<Ended<T>> {
        assert!(!self.done, "polled again after it was ready");
        // SAFETY: this is the closure's one handle, borrowed mutably, and it is not done.
        let result = std::task::ready!(unsafe { self.handle.poll(cx) });
        self.done = true;
        Poll::Ready(result)
    }

    fn abort(&self) {
        self.handle.abort();
    }

    fn abandon(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            // SAFETY: as in `poll`.
            unsafe { self.handle.abandon() }
        }
    }

    fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}
