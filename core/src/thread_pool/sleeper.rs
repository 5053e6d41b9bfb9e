//! An idle thread, and how it is woken.

use std::time::Duration;

use super::growth::Role;
use super::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use super::sync::{Instant, Parker};

/// One per worker.
pub(super) struct Sleeper {
    parker: Parker,
    /// A [`Standing`]; only touched under the pool's lock.
    standing: AtomicU8,
    /// The wake itself.
    notified: AtomicBool,
}

/// Where a worker stands with regard to the list of idle ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// At work, or dismissed by a close.
    Off,
    /// In the list.
    Listed,
    /// Taken off the list for a role.
    Recruited(Role),
}

impl Standing {
    fn to_u8(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Listed => 1,
            Self::Recruited(Role::Searcher) => 2,
            Self::Recruited(Role::Watcher) => 3,
        }
    }

    fn from_u8(code: u8) -> Self {
        match code {
            1 => Self::Listed,
            2 => Self::Recruited(Role::Searcher),
            3 => Self::Recruited(Role::Watcher),
            _ => Self::Off,
        }
    }
}

impl Sleeper {
    /// For the thread that calls it.
    pub(super) fn here() -> Self {
        Self {
            parker: Parker::here(),
            standing: AtomicU8::new(Standing::Off.to_u8()),
            notified: AtomicBool::new(false),
        }
    }

    /// Under the pool's lock. Returns the old standing.
    pub(super) fn stand(&self, standing: Standing) -> Standing {
        // ORDERING: Relaxed, the pool's lock orders it; so load and store need not be one.
        let old = self.standing.load(Ordering::Relaxed);
        self.standing.store(standing.to_u8(), Ordering::Relaxed);
        Standing::from_u8(old)
    }

    pub(super) fn wake(&self) {
        // ORDERING: Release pairs with the Acquire in `sleep`. What the worker is woken for is in the
        // queue, under the lock; this flag only tells a wake from a spurious return of `park`.
        if !self.notified.swap(true, Ordering::Release) {
            self.parker.unpark();
        }
    }

    /// Sleeps until woken, at most for `limit`. Returns whether the time was up.
    pub(super) fn sleep(&self, limit: Duration) -> bool {
        let deadline = Instant::now().checked_add(limit);
        // ORDERING: Acquire pairs with the Release in `wake`.
        while !self.notified.swap(false, Ordering::Acquire) {
            match deadline {
                // Too far off for the clock: for ever.
                None => self.parker.park(),
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    None => return true,
                    Some(left) => self.parker.park_timeout(left),
                },
            }
        }
        false
    }
}
