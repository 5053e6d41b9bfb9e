//! Progress of a tuple (its children are of different types, so that it is seen from outside how many have ended).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::slot::POLLED_AGAIN;
use super::until::Stop;
use crate::catch::{catch, drop_quietly};

/// A gather that knows how many of its children are pending.
pub trait Pending: Stop {
    /// How many children there are.
    #[doc(hidden)]
    const TOTAL: usize;

    /// Those that have not ended; none after the end.
    #[doc(hidden)]
    fn pending(&self) -> usize;

    /// Whether it ended before all of them had.
    #[doc(hidden)]
    fn has_failed(output: &Self::Output) -> bool;
}

pin_project! {
    /// The future of [`gather`](crate::gather()) and [`try_gather`](crate::try_gather) over a tuple, of which somebody is told how far it is.
    #[must_use = "futures do nothing until they are awaited"]
    pub struct Counted<G, F> {
        #[pin]
        gather: G,
        watch: F,
        told: usize,
        ended: bool,
    }
}

impl<G, F> Counted<G, F> {
    pub(super) fn new(gather: G, watch: F) -> Self {
        Self { gather, watch, told: 0, ended: false }
    }
}

impl<G: Pending, F: FnMut(usize, usize)> Future for Counted<G, F> {
    type Output = G::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<G::Output> {
        let mut this = self.project();
        if std::mem::replace(this.ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let polled = this.gather.as_mut().poll(cx);
        let ended = match &polled {
            Poll::Ready(output) if G::has_failed(output) => *this.told,
            _ => G::TOTAL - this.gather.pending(),
        };
        let told = catch(|| {
            while *this.told < ended {
                *this.told += 1;
                (this.watch)(*this.told, G::TOTAL);
            }
        });
        if let Err(panic) = told {
            // C22: the children first.
            drop_quietly(polled);
            drop_quietly(catch(|| this.gather.stop()));
            panic.resume();
        }
        *this.ended = polled.is_ready();
        polled
    }
}

impl<G: Pending, F: FnMut(usize, usize)> Stop for Counted<G, F> {
    type Done = G::Done;

    fn stop(self: Pin<&mut Self>) -> G::Done {
        let this = self.project();
        *this.ended = true;
        this.gather.stop()
    }
}

impl<G: fmt::Debug, F> fmt::Debug for Counted<G, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("gather", &self.gather).finish_non_exhaustive()
    }
}
