//! How much of the machine there is.

use std::num::NonZero;
use std::thread;

/// How many threads can compute at the same time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
