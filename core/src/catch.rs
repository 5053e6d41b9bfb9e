//! Foreign code panics: closures, destructors and wakers alike. Nothing here may suffer from it (C05, C07).

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Panic;

/// Runs foreign code and turns its panic into a value.
///
/// Unwind safety is asserted: what the closure borrowed mutably is dropped or given up by every caller
/// when it panicked.
#[inline]
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Runs foreign code whose panic concerns nobody here: a destructor's, a waker's.
///
/// The panic hook has already reported it. A payload that panics as it is dropped is dropped once
/// more with care; a payload of *that* panic is leaked, for there must be an end to it.
pub(crate) fn quietly(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f))
        && let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload)))
    {
        std::mem::forget(second);
    }
}

/// Drops a foreign value on a thread that must survive it.
pub(crate) fn drop_quietly<T>(value: T) {
    quietly(move || drop(value));
}

/// Drops foreign values one by one. A `Vec` of them, dropped as a whole, aborts the process when two of its
/// destructors panic.
pub(crate) fn drop_each<T>(values: impl Iterator<Item = T>) {
    for value in values {
        drop_quietly(value);
    }
}
