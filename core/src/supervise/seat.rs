//! A future and its context, in a place that is no larger than the two.
//!
//! An `Option` of the future would say as well whether it is still there, but costs a word more, for the
//! compiler leaves it no spare value in an `async` block. Tasks are allocated in steps of 64 or 128
//! bytes, and tokio's for a future of two words fills its step to the last byte. Here the context says it.

#![expect(unsafe_code, reason = "a future that is dropped in place, without a tag of its own; see above")]

use std::mem::{self, ManuallyDrop};
use std::pin::Pin;

use crate::context::Context;

pub(super) struct Seat<F> {
    /// There while the context is set; or while a [`Taken`] lives, which borrows the seat.
    future: ManuallyDrop<F>,
    context: Context,
}

impl<F> Seat<F> {
    /// `context` must be set.
    #[inline]
    pub(super) fn new(context: Context, future: F) -> Self {
        assert!(context.is_set(), "it tells whether the future is there");
        Self { future: ManuallyDrop::new(future), context }
    }

    /// Whether the future was dropped.
    pub(super) fn is_empty(&self) -> bool {
        !self.context.is_set()
    }

    /// The future, to be polled or dropped, and its context; `None` if it was dropped before.
    #[inline]
    pub(super) fn take(self: Pin<&mut Self>) -> Option<(Taken<'_, F>, Context)> {
        // SAFETY: the future is not moved: only the context is, and `Taken` keeps the pin.
        let seat = unsafe { self.get_unchecked_mut() };
        seat.context.is_set().then(|| {
            let context = mem::take(&mut seat.context);
            (Taken { seat }, context)
        })
    }
}

impl<F> Drop for Seat<F> {
    fn drop(&mut self) {
        if self.context.is_set() {
            // SAFETY: the context is set, so the future is there, and nothing uses the seat after this.
            unsafe { ManuallyDrop::drop(&mut self.future) }
        }
    }
}

/// The future of a [`Seat`] while its context is elsewhere. Dropping it drops the future, in place.
pub(super) struct Taken<'a, F> {
    /// Pinned, and its future is there.
    seat: &'a mut Seat<F>,
}

impl<F> Taken<'_, F> {
    #[inline]
    pub(super) fn future(&mut self) -> Pin<&mut F> {
        // SAFETY: the seat was pinned when this was made, and the future goes with it: it is never moved,
        // and dropped in place, by this or by the seat.
        unsafe { Pin::new_unchecked(&mut *self.seat.future) }
    }

    /// Leaves the future where it is, with its context.
    #[inline]
    pub(super) fn put_back(self, context: Context) {
        // Without one nothing would tell that the future is there, so that it would have to go.
        if context.is_set() {
            // It was taken: there is none to drop.
            mem::forget(mem::replace(&mut self.seat.context, context));
            mem::forget(self);
        }
    }
}

impl<F> Drop for Taken<'_, F> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the future is there; the context is not set, so that the seat does not drop it again.
        unsafe { ManuallyDrop::drop(&mut self.seat.future) }
    }
}
