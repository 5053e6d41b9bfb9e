//! An idle thread, and how it is woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// One per worker. `listed` is only touched under the pool's lock; `notified` is the wake itself.
pub(super) struct Sleeper {
    thread: Thread,
    /// Whether it stands in the list of idle workers.
    listed: AtomicBool,
    notified: AtomicBool,
}

impl Sleeper {
    /// For the thread that calls it.
    pub(super) fn here() -> Self {
        Self { thread: thread::current(), listed: AtomicBool::new(false), notified: AtomicBool::new(false) }
    }

    /// Under the pool's lock.
    pub(super) fn set_listed(&self, listed: bool) {
        // ORDERING: Relaxed, the pool's lock orders it.
        self.listed.store(listed, Ordering::Relaxed);
    }

    /// Under the pool's lock.
    pub(super) fn is_listed(&self) -> bool {
        // ORDERING: Relaxed, the pool's lock orders it.
        self.listed.load(Ordering::Relaxed)
    }

    pub(super) fn wake(&self) {
        // ORDERING: Release pairs with the Acquire in `sleep`. What the worker is woken for is in the
        // queue, under the lock; this flag only tells a wake from a spurious return of `park`.
        if !self.notified.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }

    /// Sleeps until woken, at most for `limit`. Returns whether the time was up.
    pub(super) fn sleep(&self, limit: Duration) -> bool {
        let deadline = Instant::now().checked_add(limit);
        // ORDERING: Acquire pairs with the Release in `wake`.
        while !self.notified.swap(false, Ordering::Acquire) {
            match deadline {
                // Too far off for the clock: for ever.
                None => thread::park(),
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    None => return true,
                    Some(left) => thread::park_timeout(left),
                },
            }
        }
        false
    }
}
