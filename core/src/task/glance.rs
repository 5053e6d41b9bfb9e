//! Whether a call that its awaiter has just given to a pool is worth a look.
//!
//! The awaiter's waker goes along with the closure, so that the end of the call is told without another look. To look
//! takes a cache line away from the worker that has begun it meanwhile, and it from the awaiter again: most of what a call costs
//! that begins in a poll. So it is looked at only where it may have ended on this very thread, or will within a moment.

use std::cell::Cell;

thread_local! {
    static IS_WORTHWHILE: Cell<bool> = const { Cell::new(false) };
}

/// What this thread has just been given to run has ended on it, or a worker is awake for it.
pub(crate) fn recommend() {
    IS_WORTHWHILE.set(true);
}

/// Gives something to a pool. Whether it was recommended to look at it. What is run or dropped meanwhile may do the same with
/// a call of its own: that changes nothing for this one.
pub(crate) fn recommended_after<T>(give: impl FnOnce() -> T) -> (T, bool) {
    let outer = IS_WORTHWHILE.replace(false);
    let given = give();
    (given, IS_WORTHWHILE.replace(outer))
}
