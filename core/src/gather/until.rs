//! A gather that something else may end (C26).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::slot::POLLED_AGAIN;
use crate::timed::poll_until;

/// What a gather had come to when something else ended it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Partial<D> {
    /// The values by index; `None` for a child that had not ended. For a tuple, a tuple of options. With a limit, it is as long as there
    /// were children drawn.
    pub done: D,
}

impl<T> Partial<Vec<Option<T>>> {
    /// The values that are there, each with its child's index.
    pub fn into_values(self) -> impl Iterator<Item = (usize, T)> {
        self.done.into_iter().enumerate().filter_map(|(index, value)| Some((index, value?)))
    }
}

impl<D> fmt::Display for Partial<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gather was ended before all of its children had ended")
    }
}

impl<D: fmt::Debug> std::error::Error for Partial<D> {}

/// A gather that can be ended early.
pub trait Stop: Future {
    /// What its children had come to.
    type Done;

    /// Drops the children that are pending, and gives what the others ended in.
    #[doc(hidden)]
    fn stop(self: Pin<&mut Self>) -> Self::Done;
}

/// Children that are about to be gathered until something else ends; `.await` it.
#[must_use = "futures do nothing until they are awaited"]
pub struct Until<G, S> {
    gather: G,
    end: S,
}

impl<G, S> Until<G, S> {
    pub(super) fn new(gather: G, end: S) -> Self {
        Self { gather, end }
    }
}

impl<G: IntoFuture<IntoFuture: Stop>, S: IntoFuture> IntoFuture for Until<G, S> {
    type Output = Result<G::Output, Partial<<G::IntoFuture as Stop>::Done>>;
    type IntoFuture = UntilEnd<G::IntoFuture, S::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        UntilEnd { gather: self.gather.into_future(), end: self.end.into_future(), ended: false }
    }
}

pin_project! {
    /// The future of [`Until`].
    #[must_use = "futures do nothing until they are awaited"]
    pub struct UntilEnd<G, S> {
        #[pin]
        gather: G,
        #[pin]
        end: S,
        ended: bool,
    }
}

impl<G: Stop, S: Future> Future for UntilEnd<G, S> {
    type Output = Result<G::Output, Partial<G::Done>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if std::mem::replace(this.ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let polled = poll_until(cx, |cx| this.end.poll(cx), |cx| this.gather.as_mut().poll(cx));
        *this.ended = polled.is_ready();
        polled.map(|ended| ended.map_err(|_| Partial { done: this.gather.stop() }))
    }
}

impl<G: fmt::Debug, S> fmt::Debug for Until<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").field("gather", &self.gather).finish_non_exhaustive()
    }
}

impl<G: fmt::Debug, S> fmt::Debug for UntilEnd<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilEnd").field("gather", &self.gather).finish_non_exhaustive()
    }
}
