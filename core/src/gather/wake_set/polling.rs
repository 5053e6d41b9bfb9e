//! What a thread is polling: neither a wake from in there nor a clone of a waker needs an atomic exchange.
//!
//! Most wakes of a child that yields come from its own poll, on the thread that polls it. The bits that the block has for
//! them are nobody else's while it does.
//!
//! Children that wait for another thread clone their wakers one after the other, while that thread uses up the first of them. So
//! the poller counts as many as the block has children at once, hands them out of its own stock, and gives back the rest when it leaves
//! the block: the two would otherwise have the block's cache line in turns.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr;
use std::task::Waker;

use super::sync::{Ordering, thread_local};
use super::waker::count;
use super::{Block, Lent, PER_BLOCK, WakeSet, Woken};

thread_local! {
    /// Set in a [`Polling`] only, so that it is never a block that is gone: its set is borrowed.
    static HERE: Cell<Here> = const { Cell::new(Here { block: ptr::null(), stock: 0 }) };
}

/// Where a thread polls.
#[derive(Clone, Copy)]
pub(super) struct Here {
    /// The block whose children it is polling; null for none.
    block: *const Block,
    /// Wakers that the block counts already, and that nobody has yet.
    stock: usize,
}

/// Whether this thread is polling the children of a gather of many.
#[inline]
pub(crate) fn is_polling_many() -> bool {
    HERE.with(|here| !here.get().block.is_null())
}

/// This thread polls children of the block from now on, and no more of the one before. Within a [`Polling`] only.
#[inline]
pub(super) fn go_on_to(block: *const Block) {
    leave(HERE.with(|here| here.replace(Here { block, stock: 0 })));
}

/// Gives back what has not been handed out.
#[inline]
fn leave(Here { block, stock }: Here) {
    if stock == 0 {
        return;
    }
    // SAFETY: with a stock there is a block, of a set that is borrowed until after this: see `HERE`.
    let block = unsafe { &*block };
    // ORDERING: Relaxed: the set itself still counts as a waker, so that this is not the last one. The Release of those that
    // went before goes on from here, as from any exchange.
    block.wakers.fetch_sub(stock, Ordering::Relaxed);
}

/// Whether a waker of the block may be made without counting it, since it is counted already: on the thread that polls there.
#[inline]
pub(super) fn take_counted(block: &Block) -> bool {
    HERE.with(|here| {
        let Here { block: polled, stock } = here.get();
        if !ptr::eq(polled, block) {
            return false;
        }
        let stock = if stock > 0 {
            stock
        } else {
            count(block, PER_BLOCK);
            PER_BLOCK
        };
        here.set(Here { block: polled, stock: stock - 1 });
        true
    })
}

/// Notes the wake of a child of this block, if it comes from the thread that polls there.
#[inline]
pub(super) fn note(block: &Block, number: usize) -> bool {
    if !HERE.with(|here| ptr::eq(here.get().block, block)) {
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
    outer: Here,
}

impl<'a> Polling<'a> {
    #[inline]
    pub(super) fn new(set: &'a mut WakeSet) -> Self {
        let outer = HERE.with(|here| here.replace(Here { block: set.open, stock: 0 }));
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
        // Left once: what stands in `outer` is given out then, and is the outer gather's again.
        let polling = ManuallyDrop::new(self);
        polling.leave();
        polling.set.rest(parent);
    }

    #[inline]
    fn leave(&self) {
        self.set.publish();
        leave(HERE.with(|here| here.replace(self.outer)));
    }
}

impl Drop for Polling<'_> {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}
