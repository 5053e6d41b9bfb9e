//! Foreign values that are dropped one by one: where the panics of two destructors meet, the process ends (C24).

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::slot::{Slot, resume_first};
use crate::catch::{catch, drop_each};

/// Children that are being drawn from an iterator, which may panic.
pub(super) struct Drawn<F: Future>(Vec<Slot<F>>);

impl<F: Future> Drawn<F> {
    /// All there are.
    #[inline]
    pub(super) fn all(children: impl Iterator<Item = impl IntoFuture<IntoFuture = F>>) -> Box<[Slot<F>]> {
        let mut slots = children.map(|child| Slot::new(child.into_future()));
        // Before it is believed how many there will be.
        let Some(first) = slots.next() else { return Box::default() };
        // Of the length that is expected, or else a vector has room for four at least: to give back the rest costs two children as
        // much as all the rest of their gather.
        let mut drawn = Self(Vec::with_capacity(slots.size_hint().0.saturating_add(1)));
        drawn.0.push(first);
        drawn.0.extend(slots);
        // When nothing is left to be dropped, not even that is to be found out.
        std::mem::take(&mut ManuallyDrop::new(drawn).0).into_boxed_slice()
    }
}

impl<F: Future> Drop for Drawn<F> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

/// Values that wait for who takes them.
pub(super) struct Waiting<T>(pub(super) VecDeque<T>);

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        resume_first(self.0.drain(..).filter_map(|value| catch(|| drop(value)).err()).collect());
    }
}

pin_project! {
    /// A future of somebody else's that may be dropped while a child's panic goes on.
    pub(super) struct Body<F: Future> {
        #[pin]
        slot: Slot<F>,
    }

    impl<F: Future> PinnedDrop for Body<F> {
        fn drop(this: Pin<&mut Self>) {
            resume_first(this.project().slot.clear().into_iter().collect());
        }
    }
}

impl<F: Future> Body<F> {
    pub(super) fn new(future: F) -> Self {
        Self { slot: Slot::new(future) }
    }

    /// Ready once.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().slot.poll(cx)
    }
}
