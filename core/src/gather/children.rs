//! Children in their places, and whose turn it is.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::careful::Drawn;
use super::slot::{Slot, resume_first};
use super::slots;
use super::wake_set::WakeSet;
use crate::Panic;
use crate::catch::{catch, drop_quietly};
use crate::park::is_job_still_awaited;

/// Up to this many children are polled all together whenever one was woken: cheaper than a waker each.
const FEW: usize = 30;

/// Children that stay pending, of one poll. Then the others on this task's runtime have their turn, and
/// the rest of the children at the next poll. Each runtime has such a budget of its own, tokio one
/// of 128 for its own futures: children that are polled beyond it are polled in vain.
pub(super) const BUDGET: u32 = 256;

/// A number of places for children. Whoever awaits them polls in a loop:
///
/// ```text
/// begin(); while let Some(place) = ready!(next_ended(cx)) { .. }
/// ```
pub(super) struct Children<F: Future> {
    slots: Pin<Box<[Slot<F>]>>,
    pending: usize,
    turn: Turn,
}

/// Whom to poll next.
enum Turn {
    /// Everybody, beginning with `next`; `left` of them are still to be polled. Another one is the first each time: on
    /// tokio, who is polled first can use up the budget of all.
    All { next: usize, left: usize },
    /// Who was woken (C21). The budget is what is left of it. Some child has been a job of a pool.
    Woken { set: WakeSet, budget: u32, has_job: bool },
}

impl<F: Future> Children<F> {
    pub(super) fn new(children: impl IntoIterator<Item = impl IntoFuture<IntoFuture = F>>) -> Self {
        let slots = Drawn::all(children.into_iter());
        let turn = if slots.len() > FEW {
            Turn::Woken { set: WakeSet::new(slots.len()), budget: 0, has_job: false }
        } else {
            Turn::All { next: 0, left: 0 }
        };
        Self { pending: slots.len(), slots: Box::into_pin(slots), turn }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    pub(super) fn slot(&mut self, place: usize) -> Pin<&mut Slot<F>> {
        slots::get(self.slots.as_mut(), place)
    }

    /// All places, in order.
    pub(super) fn slots(&mut self) -> impl ExactSizeIterator<Item = Pin<&mut Slot<F>>> {
        slots::each(self.slots.as_mut())
    }

    /// The outputs of all children, in order, once all have ended.
    pub(super) fn values(&mut self) -> impl ExactSizeIterator<Item = F::Output> {
        self.slots().map(|slot| slot.take().expect("every child has ended, and its output is taken once"))
    }

    /// Puts a child into an empty place, and polls it.
    pub(super) fn fill(&mut self, place: usize, child: F, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = slots::get(self.slots.as_mut(), place);
        slot.set(Slot::new(child));
        self.pending += 1;
        let polled = match &self.turn {
            Turn::All { .. } => slot.poll(cx),
            Turn::Woken { set, .. } => slot.poll(&mut Context::from_waker(&set.waker(place))),
        };
        if polled.is_ready() {
            self.pending -= 1;
        }
        polled
    }

    /// Begins a poll: each child may be polled once in it.
    #[inline]
    pub(super) fn begin(&mut self) {
        match &mut self.turn {
            Turn::All { left, .. } => *left = self.slots.len(),
            Turn::Woken { set, budget, .. } => {
                set.collect();
                *budget = BUDGET;
            }
        }
    }

    /// Polls on until a child ends, and gives its place. None when no child is pending any more.
    #[inline]
    pub(super) fn next_ended(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if self.pending == 0 {
            return Poll::Ready(None);
        }
        match &mut self.turn {
            Turn::All { next, left } => {
                while *left > 0 {
                    let place = *next;
                    *left -= 1;
                    *next = behind(place, self.slots.len());
                    if slots::get(self.slots.as_mut(), place).poll(cx).is_ready() {
                        self.pending -= 1;
                        return Poll::Ready(Some(place));
                    }
                }
                *next = behind(*next, self.slots.len());
            }
            Turn::Woken { set, budget, has_job } => {
                let mut polling = set.poll();
                while *budget > 0
                    && let Some(place) = polling.next()
                {
                    let waker = polling.waker(place);
                    let mut cx = Context::from_waker(&waker);
                    if slots::get(self.slots.as_mut(), place).poll(&mut cx).is_ready() {
                        self.pending -= 1;
                        return Poll::Ready(Some(place));
                    }
                    *budget -= 1;
                }
                polling.rest(cx.waker());
                *has_job = is_job_still_awaited(*has_job);
            }
        }
        Poll::Pending
    }

    /// A whole poll at once: what a loop over [`next_ended`](Self::next_ended) does, without leaving the loop for each
    /// child. `on_end` is given the place of each child that has just ended, and how many are still pending; it
    /// may break off.
    #[inline]
    pub(super) fn poll_all<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut on_end: impl FnMut(Pin<&mut Slot<F>>, usize) -> Option<B>,
    ) -> Poll<Option<B>> {
        let mut pending = self.pending;
        let mut slots = self.slots.as_mut();
        match &mut self.turn {
            Turn::All { next, .. } => {
                let first = *next;
                *next = behind(first, slots.len());
                for places in [first..slots.len(), 0..first] {
                    for mut slot in slots::each(slots::part(slots.as_mut(), places)) {
                        if slot.as_mut().poll(cx).is_ready() {
                            pending -= 1;
                            if let Some(broken) = on_end(slot, pending) {
                                return Poll::Ready(Some(broken));
                            }
                        }
                    }
                }
            }
            Turn::Woken { set, has_job, .. } => {
                set.collect();
                let mut polling = set.poll();
                // Children that have stayed pending. Those of a block are all polled, or none.
                let mut waiting = 0;
                while waiting < BUDGET as usize
                    && let Some(woken) = polling.next_block()
                {
                    let (polled, before) = (woken.len(), pending);
                    for place in woken {
                        let waker = polling.waker(place);
                        let mut slot = slots::get(slots.as_mut(), place);
                        if slot.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                            pending -= 1;
                            if let Some(broken) = on_end(slot, pending) {
                                return Poll::Ready(Some(broken));
                            }
                        }
                    }
                    waiting += polled - (before - pending);
                }
                if pending > 0 {
                    polling.rest(cx.waker());
                    *has_job = is_job_still_awaited(*has_job);
                }
            }
        }
        self.pending = pending;
        if pending == 0 { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Runs a poll. If a child panics in it, its siblings are dropped before the panic goes on (C22).
    #[inline]
    pub(super) fn guarded<R>(&mut self, poll: impl FnOnce(&mut Self) -> R) -> R {
        match catch(|| poll(self)) {
            Ok(done) => done,
            Err(panic) => {
                self.clear().into_iter().for_each(drop_quietly);
                panic.resume()
            }
        }
    }

    /// Drops every child and output; returns their destructors' panics.
    pub(super) fn clear(&mut self) -> Vec<Panic> {
        self.pending = 0;
        if !std::mem::needs_drop::<Slot<F>>() {
            return Vec::new();
        }
        self.slots().filter_map(Slot::clear).collect()
    }
}

/// The place behind this one, in a ring of so many.
#[inline]
pub(super) fn behind(place: usize, places: usize) -> usize {
    if place + 1 >= places { 0 } else { place + 1 }
}

impl<F: Future> Drop for Children<F> {
    fn drop(&mut self) {
        resume_first(self.clear());
    }
}
