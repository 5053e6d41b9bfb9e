//! The waker of whoever awaits the gather: left by the poller, taken by the first child that is woken.

use std::task::Waker;

use super::sync::{AtomicUsize, Ordering, UnsafeCell};
use crate::catch::drop_quietly;

/// The poller is exchanging the waker.
const FILLING: usize = 1;
/// Somebody is taking it; and while it is being exchanged, somebody wanted to.
const TAKING: usize = 2;

/// A waker that is exchanged without a lock.
///
/// The cell belongs to whoever moved the state away from zero. Nobody waits for anybody: a taker that comes
/// during an exchange leaves a mark, which the poller finds; a poller that comes while the waker is being taken
/// is being woken, and treats it so.
///
/// Wakers are foreign code. None is cloned, called or dropped while the state is not zero.
pub(super) struct Parent {
    state: AtomicUsize,
    cell: UnsafeCell<Option<Waker>>,
}

impl Parent {
    pub(super) fn new() -> Self {
        Self { state: AtomicUsize::new(0), cell: UnsafeCell::new(None) }
    }

    /// The poller's: leaves its waker here. `false` if a wake came meanwhile: it is not left here then, and
    /// has to be woken by whoever called this.
    pub(super) fn register(&self, waker: &Waker) -> bool {
        let fresh = Some(waker.clone());
        // ORDERING: Acquire pairs with the Release of all who had the cell before, and of all who left a mark since
        // the last exchange: what those had put on the list is seen when the poller looks there next.
        if self.state.compare_exchange(0, FILLING, Ordering::Acquire, Ordering::Acquire).is_err() {
            drop_quietly(fresh);
            return false;
        }
        let old = self.exchange(fresh);
        // ORDERING: Release hands the cell to the next taker.
        if self.state.compare_exchange(FILLING, 0, Ordering::Release, Ordering::Relaxed).is_ok() {
            drop_quietly(old);
            return true;
        }
        let fresh = self.exchange(None);
        // ORDERING: Release hands the cell on; Acquire pairs with the Release of all marks: a store in place of
        // this swap would cut them off from the next exchange.
        self.state.swap(0, Ordering::AcqRel);
        drop_quietly((old, fresh));
        false
    }

    /// Takes the waker, if there is one and nobody else is about to take it.
    pub(super) fn take(&self) -> Option<Waker> {
        // ORDERING: Acquire pairs with the Release of whoever had the cell before; Release, because a poller
        // that finds the mark has to see what this thread did before.
        if self.state.fetch_or(TAKING, Ordering::AcqRel) != 0 {
            return None;
        }
        let waker = self.exchange(None);
        // ORDERING: Release hands the cell on.
        self.state.fetch_and(!TAKING, Ordering::Release);
        waker
    }

    /// Wakes the parent, if it has left its waker; otherwise it is awake, or about to be.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    /// Only for whoever moved the state away from zero.
    fn exchange(&self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: the caller has the cell for itself: see `Parent`.
        self.cell.with_mut(|cell| unsafe { std::mem::replace(&mut *cell, waker) })
    }
}
