//! Foreign values that are dropped one by one: where the panics of two destructors meet, the process ends (C24).

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::slot::{Slot, resume_first};
use crate::catch::{catch, drop_each};

/// Children that are being drawn from an iterator, which may panic.
pub(super) struct Drawn<F: Future>(pub(super) Vec<Slot<F>>);

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
