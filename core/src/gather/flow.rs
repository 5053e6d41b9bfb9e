//! Children that are drawn from an iterator as places get free.

use std::iter::{Empty, Fuse};
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

use super::children::{BUDGET, Children};
use crate::Panic;

/// The future of an iterator's items.
pub(super) type ChildOf<R> = <<R as Iterator>::Item as IntoFuture>::IntoFuture;
/// What the children of an iterator end in.
pub(super) type ValueOf<R> = <<R as Iterator>::Item as IntoFuture>::Output;

pub(super) struct Flow<R: Iterator<Item: IntoFuture>> {
    children: Children<ChildOf<R>>,
    rest: Fuse<R>,
    /// Which child is in which place. Empty when no place is used twice.
    index_of: Vec<usize>,
    free: Vec<usize>,
    drawn: usize,
    ended: usize,
    /// How many may still be drawn before those that are there have their turn, and the task's others: an
    /// endless iterator of children that are ready must not keep either waiting.
    budget: u32,
}

impl<F: Future> Flow<Empty<F>> {
    /// All children at once.
    pub(super) fn eager(children: impl IntoIterator<Item = impl IntoFuture<IntoFuture = F>>) -> Self {
        let children = Children::new(children);
        Self::with(children, std::iter::empty().fuse(), Vec::new())
    }
}

impl<R: Iterator<Item: IntoFuture>> Flow<R> {
    /// Draws as many children as may run at once, and no more.
    pub(super) fn new(
        children: impl IntoIterator<IntoIter = R, Item = R::Item>,
        limit: NonZeroUsize,
    ) -> Self {
        // It may give `None` and something after that.
        let mut rest = children.into_iter().fuse();
        let children = Children::new(rest.by_ref().take(limit.get()));
        let index_of = (0..children.len()).collect();
        Self::with(children, rest, index_of)
    }

    fn with(children: Children<ChildOf<R>>, rest: Fuse<R>, index_of: Vec<usize>) -> Self {
        let drawn = children.len();
        Self { children, rest, index_of, free: Vec::new(), drawn, ended: 0, budget: BUDGET }
    }

    /// How many children have ended.
    pub(super) fn ended(&self) -> usize {
        self.ended
    }

    /// How many were drawn.
    pub(super) fn drawn(&self) -> usize {
        self.drawn
    }

    /// How many there will be, as far as the iterator says.
    pub(super) fn total(&self) -> usize {
        self.drawn.saturating_add(self.rest.size_hint().0)
    }

    /// How many children may be there at once.
    pub(super) fn places(&self) -> usize {
        self.children.len()
    }

    /// How many are still to end.
    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let pending = self.children.pending();
        let (least, most) = self.rest.size_hint();
        (pending.saturating_add(least), most.and_then(|most| pending.checked_add(most)))
    }

    pub(super) fn begin(&mut self) {
        self.children.begin();
    }

    /// Polls on until a child ends: its index and its value. With `draw`, free places are filled first. None when no
    /// child is pending and none was to be had.
    pub(super) fn next_ended(
        &mut self,
        cx: &mut Context<'_>,
        draw: bool,
    ) -> Poll<Option<(usize, ValueOf<R>)>> {
        while draw
            && self.budget > 0
            && let Some(&place) = self.free.last()
        {
            let Some(child) = self.rest.next() else { break };
            self.budget -= 1;
            self.free.pop();
            self.index_of[place] = self.drawn;
            self.drawn += 1;
            if self.children.fill(place, child.into_future(), cx).is_ready() {
                return Poll::Ready(self.take(place));
            }
        }
        let ended = self.children.next_ended(cx);
        if let Poll::Ready(Some(place)) = ended {
            return Poll::Ready(self.take(place));
        }
        if std::mem::replace(&mut self.budget, BUDGET) == 0 && draw {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ended.map(|_| None)
    }

    fn take(&mut self, place: usize) -> Option<(usize, ValueOf<R>)> {
        let value = self.children.slot(place).take()?;
        self.ended += 1;
        let index = self.index_of.get(place).copied();
        if index.is_some() {
            self.free.push(place);
        }
        Some((index.unwrap_or(place), value))
    }

    /// Drops every child; returns their destructors' panics.
    pub(super) fn clear(&mut self) -> Vec<Panic> {
        self.children.clear()
    }
}
