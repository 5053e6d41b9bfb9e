//! Spinning that has to pay: it is left out ever more often while it is of no use.

use std::cell::Cell;
use std::hint;
use std::time::{Duration, Instant};

/// The most times in a row that spinning is left out.
const MOST_LEFT_OUT: u32 = 256;
/// Misses that may be chance: two threads that both spin and then sleep miss each other now and then, and must
/// find back to each other.
const PATIENCE: u8 = 4;
/// How long the poll of a task spins at most.
const POLL_SPIN: Duration = Duration::from_micros(20);

/// After more than [`PATIENCE`] misses in a row, the next attempt is left out; after another, the next two, then four, up to
/// [`MOST_LEFT_OUT`]; until a hit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    misses: u8,
    to_leave_out: u32,
    left_out: u32,
}

impl Backoff {
    pub(crate) const NEW: Self = Self { misses: 0, to_leave_out: 0, left_out: 0 };

    /// Whether to make an attempt now.
    pub(crate) fn attempt(&mut self) -> bool {
        let attempt = self.left_out >= self.to_leave_out;
        self.left_out = if attempt { 0 } else { self.left_out + 1 };
        attempt
    }

    /// Whether the last attempt was a miss.
    pub(crate) fn missed_last(&self) -> bool {
        self.misses > 0
    }

    pub(crate) fn record(&mut self, hit: bool) {
        if hit {
            *self = Self::NEW;
        } else if self.misses < PATIENCE {
            self.misses += 1;
        } else {
            self.to_leave_out = (self.to_leave_out * 2).clamp(1, MOST_LEFT_OUT);
        }
    }
}

/// Spins for `limit`, until `done`. Returns whether it is.
pub(crate) fn spin(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        // The clock takes longer to read than the flag.
        for _ in 0..16 {
            if done() {
                return true;
            }
            hint::spin_loop();
        }
        if start.elapsed() >= limit {
            return false;
        }
    }
}

thread_local! {
    static POLLS: Cell<Backoff> = const { Cell::new(Backoff::NEW) };
}

/// A poll's spin, as far as it pays on this thread.
pub(crate) fn until(done: impl FnMut() -> bool) -> bool {
    let Ok(mut backoff) = POLLS.try_with(Cell::get) else { return false };
    let hit = backoff.attempt() && {
        let hit = spin(POLL_SPIN, done);
        backoff.record(hit);
        hit
    };
    POLLS.set(backoff);
    hit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_get_rarer_while_they_are_of_no_use() {
        let mut backoff = Backoff::NEW;
        let mut attempts = 0;
        for _ in 0..10_000 {
            if backoff.attempt() {
                attempts += 1;
                backoff.record(false);
            }
        }
        assert!((30..60).contains(&attempts), "{attempts} of 10000");
        while !backoff.attempt() {}
        backoff.record(true);
        assert!(backoff.attempt());
    }

    #[test]
    fn spinning_ends_with_the_flag_or_with_the_time() {
        assert!(spin(Duration::from_secs(60), || true));
        assert!(!spin(Duration::ZERO, || false));
    }
}
