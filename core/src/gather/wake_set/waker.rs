//! A child's waker: an address in its block, and what is done with it.

use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable};

use super::sync::Ordering;
use super::{Block, Header, PER_BLOCK, let_go, polling};

/// More wakers than this in one block are a leak on its way to an overflow.
const TOO_MANY: usize = isize::MAX as usize;

pub(super) static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// The block that the data of a waker points into, and the child's number there.
///
/// # Safety
///
/// `data` is that of a waker of this module, and its block is in use during `'a`.
#[inline]
unsafe fn child<'a>(data: *const ()) -> (&'a Block, usize) {
    let number = data.addr() % PER_BLOCK;
    // SAFETY: see `waker`: a block's address plus the number, which is less than the block's alignment.
    let block = unsafe { &*data.wrapping_byte_sub(number).cast::<Block>() };
    block.uses.one();
    (block, number)
}

/// The header in front of a block. The pointer may be used for all of the allocation.
///
/// # Safety
///
/// As [`child`].
unsafe fn header_of(data: *const (), block: &Block) -> NonNull<Header> {
    let within = data.addr() % PER_BLOCK;
    let first = data.wrapping_byte_sub(within).cast::<Block>().wrapping_sub(block.number);
    // SAFETY: the first block stands right behind the header.
    unsafe { NonNull::new_unchecked(first.cast::<Header>().wrapping_sub(1).cast_mut()) }
}

/// Of `RawWakerVTable`.
///
/// # Safety
///
/// Called with the data of a waker that is there.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is being cloned keeps the block in use.
    let (block, _) = unsafe { child(data) };
    if !polling::take_counted(block) {
        count(block, 1);
    }
    RawWaker::new(data, &VTABLE)
}

/// Counts so many more wakers of a block in use.
pub(super) fn count(block: &Block, wakers: usize) {
    // ORDERING: Relaxed: none of those that are there can become the last one meanwhile, for whoever calls this has one.
    if block.wakers.fetch_add(wakers, Ordering::Relaxed) > TOO_MANY {
        // As `Arc` does: unwinding could be caught and repeated until the count overflows.
        std::process::abort();
    }
}

/// Of `RawWakerVTable`.
///
/// # Safety
///
/// Called with the data of a waker that is there.
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker keeps the block in use.
    let (block, number) = unsafe { child(data) };
    if !polling::note(block, number) {
        // SAFETY: handed on.
        unsafe { wake_from_elsewhere(data) };
    }
}

/// A function of its own, so that the short way above needs no stack.
///
/// # Safety
///
/// As [`wake_by_ref`].
#[inline(never)]
unsafe fn wake_from_elsewhere(data: *const ()) {
    // SAFETY: the waker keeps its block in use, and so all of the allocation.
    let (block, number) = unsafe { child(data) };
    // SAFETY: as above.
    let header = unsafe { header_of(data, block).as_ref() };
    if header.wake(block, 1 << number) {
        header.parent.wake();
    }
}

/// Of `RawWakerVTable`.
///
/// # Safety
///
/// Called with the data of a waker that is there and will not be used again.
unsafe fn wake(data: *const ()) {
    /// The parent's waker may panic.
    struct Released(*const ());
    impl Drop for Released {
        fn drop(&mut self) {
            // SAFETY: handed on from `wake`.
            unsafe { release(self.0) };
        }
    }
    let _released = Released(data);
    // SAFETY: the waker is there until it is released.
    unsafe { wake_by_ref(data) };
}

/// Of `RawWakerVTable`: its drop.
///
/// # Safety
///
/// Called with the data of a waker that is there and will not be used again.
unsafe fn release(data: *const ()) {
    // SAFETY: the waker is still counted, so the block is in use.
    let (block, _) = unsafe { child(data) };
    // SAFETY: as above. Taken before the count goes down: afterwards, only the last one may look.
    let header = unsafe { header_of(data, block) };
    // ORDERING: Release, with the Acquire in `let_go`: all that others did with the block comes before its
    // memory is given back.
    if block.wakers.fetch_sub(1, Ordering::Release) == 1 {
        // SAFETY: that was the last one, which counted on this block.
        unsafe { let_go(header, 1) };
    }
}
