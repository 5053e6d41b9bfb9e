//! The children of an iterator.

use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::slot::{POLLED_AGAIN, Slot, resume_first};
use super::wake::{ChildWaker, WakeSet};
use crate::Panic;

/// Up to this many children are polled all together whenever one was woken: cheaper than a waker each.
const FEW: usize = 30;

/// The future of [`gather`](crate::gather()) over an iterator.
#[must_use = "futures do nothing until they are awaited"]
pub struct Many<F: Future>(Children<F>);

/// The future of [`try_gather`](crate::try_gather) over an iterator.
#[must_use = "futures do nothing until they are awaited"]
pub struct TryMany<F: Future>(Children<F>);

struct Children<F: Future> {
    slots: Pin<Box<[Slot<F>]>>,
    pending: usize,
    stage: Stage,
}

enum Stage {
    /// Not polled yet. The first poll uses the parent's own waker: children that are ready at once need
    /// no other.
    New,
    /// Few enough to poll them all.
    Few,
    Tracked(Tracked),
    Ended,
}

/// A waker for each child, so that only those that were woken are polled (C21).
struct Tracked {
    set: Arc<WakeSet>,
    wakers: Vec<(Arc<ChildWaker>, Waker)>,
    /// Kept for its allocation.
    woken: Vec<usize>,
}

impl<F: Future> Children<F> {
    fn new<I>(children: I) -> Self
    where
        I: IntoIterator<Item: IntoFuture<IntoFuture = F>>,
    {
        let slots: Box<[Slot<F>]> =
            children.into_iter().map(|child| Slot::new(child.into_future())).collect();
        Self { pending: slots.len(), slots: Box::into_pin(slots), stage: Stage::New }
    }

    fn slot(&mut self, index: usize) -> Pin<&mut Slot<F>> {
        project(self.slots.as_mut(), index)
    }

    /// Polls one child; `on_end` sees it when it has just ended.
    fn poll_child<B>(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
        on_end: &mut impl FnMut(Pin<&mut Slot<F>>) -> Option<B>,
    ) -> ControlFlow<B> {
        match self.slot(index).poll(cx) {
            Ok(Poll::Pending) => ControlFlow::Continue(()),
            Ok(Poll::Ready(())) => {
                self.pending -= 1;
                on_end(self.slot(index)).map_or(ControlFlow::Continue(()), ControlFlow::Break)
            }
            Err(panic) => {
                // C22: the siblings first.
                self.clear().into_iter().for_each(crate::catch::drop_quietly);
                panic.resume()
            }
        }
    }

    /// Ready when all have ended, or when `on_end` breaks off.
    fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut on_end: impl FnMut(Pin<&mut Slot<F>>) -> Option<B>,
    ) -> Poll<ControlFlow<B>> {
        let flow = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Ended => panic!("{POLLED_AGAIN}"),
            stage @ (Stage::New | Stage::Few) => {
                let mut all = 0..self.slots.len();
                let flow = all.try_for_each(|index| self.poll_child(index, cx, &mut on_end));
                let tracked = matches!(stage, Stage::New) && self.slots.len() > FEW;
                self.stage = if tracked && flow.is_continue() && self.pending > 0 {
                    // Their wakes go to the parent until each has been polled with a waker of its
                    // own: this poll does that when the parent comes again.
                    Stage::Tracked(Tracked::new(self.slots.len()))
                } else {
                    Stage::Few
                };
                flow
            }
            Stage::Tracked(mut tracked) => {
                let mut woken = tracked.next(cx.waker());
                let flow = woken.iter().try_for_each(|&index| {
                    let Some((child, waker)) = tracked.wakers.get(index) else {
                        return ControlFlow::Continue(());
                    };
                    child.rearm();
                    self.poll_child(index, &mut Context::from_waker(waker), &mut on_end)
                });
                woken.clear();
                tracked.woken = woken;
                self.stage = Stage::Tracked(tracked);
                flow
            }
        };
        if flow.is_break() {
            resume_first(self.clear());
            return Poll::Ready(flow);
        }
        if self.pending == 0 {
            self.stage = Stage::Ended;
            return Poll::Ready(flow);
        }
        Poll::Pending
    }

    /// Drops every child and output; returns their destructors' panics.
    fn clear(&mut self) -> Vec<Panic> {
        self.stage = Stage::Ended;
        (0..self.slots.len()).filter_map(|index| self.slot(index).clear()).collect()
    }
}

impl Tracked {
    fn new(children: usize) -> Self {
        let set = Arc::new(WakeSet::default());
        let wakers = (0..children).map(|index| {
            let child = ChildWaker::new(&set, index);
            (child.clone(), Waker::from(child))
        });
        // The first poll under this stage polls them all.
        Self { wakers: wakers.collect(), woken: (0..children).collect(), set }
    }

    /// Who has to be polled now.
    fn next(&mut self, parent: &Waker) -> Vec<usize> {
        let mut woken = std::mem::take(&mut self.woken);
        if woken.is_empty() {
            self.set.drain(parent, &mut woken);
        } else {
            self.set.drain(parent, &mut Vec::new());
        }
        woken
    }
}

/// The only place where pinning is passed through a slice.
#[expect(unsafe_code, reason = "std has no safe projection from a pinned slice to its elements")]
fn project<F: Future>(slots: Pin<&mut [Slot<F>]>, index: usize) -> Pin<&mut Slot<F>> {
    // SAFETY: an element of a pinned slice is pinned with it: the slice is in a box that is never
    // resized, and the elements are not moved out of it (`Slot` is replaced through `Pin::set`).
    unsafe { slots.map_unchecked_mut(|slots| &mut slots[index]) }
}

impl<F: Future> Many<F> {
    pub(super) fn new<I>(children: I) -> Self
    where
        I: IntoIterator<Item: IntoFuture<IntoFuture = F>>,
    {
        Self(Children::new(children))
    }
}

impl<F: Future> TryMany<F> {
    pub(super) fn new<I>(children: I) -> Self
    where
        I: IntoIterator<Item: IntoFuture<IntoFuture = F>>,
    {
        Self(Children::new(children))
    }
}

impl<F: Future> Future for Many<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let children = &mut self.0;
        let _: ControlFlow<std::convert::Infallible> = std::task::ready!(children.poll(cx, |_| None));
        Poll::Ready((0..children.slots.len()).filter_map(|i| children.slot(i).take()).collect())
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for TryMany<F> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let children = &mut self.0;
        match std::task::ready!(children.poll(cx, Slot::take_error)) {
            ControlFlow::Break(error) => Poll::Ready(Err(error)),
            ControlFlow::Continue(()) => Poll::Ready(Ok((0..children.slots.len())
                .filter_map(|i| children.slot(i).take_value())
                .collect())),
        }
    }
}

impl<F: Future> Drop for Children<F> {
    fn drop(&mut self) {
        resume_first(self.clear());
    }
}

impl<F: Future> fmt::Debug for Many<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").field("pending", &self.0.pending).finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for TryMany<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryMany").field("pending", &self.0.pending).finish_non_exhaustive()
    }
}
