//! What a thread is polling: a wake from in there needs no atomic exchange.
//!
//! Most wakes of a child that yields come from its own poll, on the thread that polls it. The bits that the block has for
//! them are nobody else's while it does.

use std::cell::Cell;
use std::ptr;
use std::task::Waker;

use super::sync::{Ordering, thread_local};
use super::{Block, Lent, WakeSet, Woken};

thread_local! {
    /// The block whose children this thread is polling; null for none. Set in a [`Polling`] only, so that it is never a
    /// block that is gone: its set is borrowed.
    static HERE: Cell<*const Block> = const { Cell::new(ptr::null()) };
}

/// Whether this thread is polling the children of a gather of many.
#[inline]
pub(crate) fn is_polling_many() -> bool {
    HERE.with(|here| !here.get().is_null())
}

/// This thread polls children of the block from now on. Within a [`Polling`] only.
#[inline]
pub(super) fn enter(block: *const Block) -> *const Block {
    HERE.with(|here| here.replace(block))
}

/// Notes the wake of a child of this block, if it comes from the thread that polls there.
#[inline]
pub(super) fn note(block: &Block, number: usize) -> bool {
    if !HERE.with(|here| ptr::eq(here.get(), block)) {
        return false;
    }
    // ORDERING: Relaxed: this thread alone reads and writes it, see `Polling`.
    let noted = block.noted.load(Ordering::Relaxed);
    block.noted.store(noted | 1 << number, Ordering::Relaxed);
    true
}

/// The set while children of it are polled on this thread.
///
/// The borrow makes this thread the only one that polls them. When it ends, what was noted has been made known to all, and
/// the thread is back in the gather around this one, if its poll is inside of one.
pub(in super::super) struct Polling<'a> {
    set: &'a mut WakeSet,
    outer: *const Block,
}

impl<'a> Polling<'a> {
    #[inline]
    pub(super) fn new(set: &'a mut WakeSet) -> Self {
        let outer = enter(set.open);
        Self { set, outer }
    }

    /// The next child that was woken before the last [`collect`](WakeSet::collect), each once.
    #[inline]
    pub(in super::super) fn next(&mut self) -> Option<usize> {
        self.set.next()
    }

    /// The same, all that are left of a block at once. Who does not poll them all has lost their wakes.
    #[inline]
    pub(in super::super) fn next_block(&mut self) -> Option<Woken> {
        self.set.next_block()
    }

    /// The waker of this child.
    #[inline]
    pub(in super::super) fn waker(&self, child: usize) -> Lent<'_> {
        self.set.waker(child)
    }

    /// The end of a poll that is pending: sees to it that `parent` is woken as soon as a child is, or has been
    /// already.
    #[inline]
    pub(in super::super) fn rest(self, parent: &Waker) {
        self.leave();
        self.set.rest(parent);
    }

    #[inline]
    fn leave(&self) {
        self.set.publish();
        enter(self.outer);
    }
}

impl Drop for Polling<'_> {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}
