//! The only place where pinning is passed through a slice: the standard library has no safe way to do that.
#![expect(unsafe_code, reason = "a pinned box for each child would be an allocation for each")]

use std::ops::Range;
use std::pin::Pin;

use super::slot::Slot;

/// One element.
#[inline]
pub(super) fn get<F: Future>(slots: Pin<&mut [Slot<F>]>, place: usize) -> Pin<&mut Slot<F>> {
    // SAFETY: an element of a pinned slice is pinned with it: the slice is in a box that is never
    // resized, and the elements are not moved out of it (`Slot` is replaced through `Pin`).
    unsafe { slots.map_unchecked_mut(|slots| &mut slots[place]) }
}

/// Some of them.
#[inline]
pub(super) fn part<F: Future>(slots: Pin<&mut [Slot<F>]>, places: Range<usize>) -> Pin<&mut [Slot<F>]> {
    // SAFETY: a part of a pinned slice is pinned with it, for the same reason as in `get`.
    unsafe { slots.map_unchecked_mut(|slots| &mut slots[places]) }
}

/// All elements, in order.
#[inline]
pub(super) fn each<F: Future>(
    slots: Pin<&mut [Slot<F>]>,
) -> impl ExactSizeIterator<Item = Pin<&mut Slot<F>>> {
    // SAFETY: nothing is moved out of the reference, here or below.
    let slots = unsafe { slots.get_unchecked_mut() };
    // SAFETY: as in `get`.
    slots.iter_mut().map(|slot| unsafe { Pin::new_unchecked(slot) })
}
