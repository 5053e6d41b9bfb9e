//! Spinning that has to pay: it is left out ever more often while it is of no use.

use std::cell::Cell;
use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use crate::cpu::cores;

/// The most times in a row that spinning is left out.
const MOST_LEFT_OUT: u32 = 256;
/// Misses that may be chance: two threads that both spin and then sleep miss each other now and then, and must
/// find back to each other.
const PATIENCE: u8 = 4;
/// How long the poll of a task spins at most.
const POLL_SPIN: Duration = Duration::from_micros(20);

/// How long the only core may be away before a thread that has given it away does so more rarely.
const LONGEST_AWAY: Duration = Duration::from_micros(100);
/// How often it is left out after that at least, and at most: the system may let others run for some milliseconds.
const LEFT_OUT_WHEN_LATE: (u32, u32) = (64, 16_384);

/// After more than [`PATIENCE`] misses in a row, the next attempt is left out; after another, the next two, then four, up to
/// [`MOST_LEFT_OUT`]; until a hit. What came [too late](Self::record_late) costs more than a miss, and one hit does not make
/// up for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    misses: u8,
    to_leave_out: u32,
    /// The same for what came too late.
    late: u32,
    left_out: u32,
}

impl Backoff {
    pub(crate) const NEW: Self = Self { misses: 0, to_leave_out: 0, late: 0, left_out: 0 };

    /// Whether to make an attempt now.
    pub(crate) fn attempt(&mut self) -> bool {
        let attempt = self.left_out >= self.to_leave_out.max(self.late);
        self.left_out = if attempt { 0 } else { self.left_out + 1 };
        attempt
    }

    /// Whether the last attempt was a miss.
    pub(crate) fn missed_last(&self) -> bool {
        self.misses > 0
    }

    pub(crate) fn record(&mut self, hit: bool) {
        if hit {
            *self = Self { late: self.late / 2, ..Self::NEW };
        } else if self.misses < PATIENCE {
            self.misses += 1;
        } else {
            self.to_leave_out = (self.to_leave_out * 2).clamp(1, MOST_LEFT_OUT);
        }
    }

    /// The last attempt took far longer than it may.
    pub(crate) fn record_late(&mut self) {
        let (least, most) = LEFT_OUT_WHEN_LATE;
        self.late = (self.late * 4).clamp(least, most);
    }

    pub(crate) fn record_found(&mut self, found: &Found) {
        match found {
            Found::After(_) => self.record(true),
            Found::Nothing => self.record(false),
            Found::Late => self.record_late(),
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

/// What looking for something has come to.
pub(crate) enum Found {
    /// It is there, after so long.
    After(Duration),
    Nothing,
    /// This thread had no core for so long that it does not matter whether it is there.
    Late,
}

/// Looks for something that another thread does, for `limit` at the most.
///
/// On one core, to spin would keep that thread off. There this thread gives the core away, once, as it would by
/// going to sleep; but nobody has to wake it up. The core may come back [too late](Found::Late): others want it then,
/// and a thread that sleeps is served before one that has given its time away.
pub(crate) fn look(limit: Duration, mut done: impl FnMut() -> bool) -> Found {
    let start = Instant::now();
    if cores() > 1 {
        return if spin(limit, done) { Found::After(start.elapsed()) } else { Found::Nothing };
    }
    thread::yield_now();
    let away = start.elapsed();
    match done() {
        _ if away > LONGEST_AWAY => Found::Late,
        true => Found::After(away),
        false => Found::Nothing,
    }
}

thread_local! {
    static POLLS: Cell<Backoff> = const { Cell::new(Backoff::NEW) };
}

/// A poll's spin, as far as it pays on this thread.
pub(crate) fn until(done: impl FnMut() -> bool) {
    let Ok(mut backoff) = POLLS.try_with(Cell::get) else { return };
    if backoff.attempt() {
        backoff.record_found(&look(POLL_SPIN, done));
    }
    POLLS.set(backoff);
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
    fn what_comes_too_late_is_left_out_for_longer_and_one_hit_does_not_make_up_for_it() {
        let mut backoff = Backoff::NEW;
        let mut attempts = 0;
        for _ in 0..100_000 {
            if backoff.attempt() {
                attempts += 1;
                if attempts % 2 == 0 { backoff.record(true) } else { backoff.record_late() }
            }
        }
        assert!((10..30).contains(&attempts), "{attempts} of 100000");
        for _ in 0..20 {
            while !backoff.attempt() {}
            backoff.record(true);
        }
        assert!(backoff.attempt());
    }

    #[test]
    fn spinning_ends_with_the_flag_or_with_the_time() {
        assert!(spin(Duration::from_secs(60), || true));
        assert!(!spin(Duration::ZERO, || false));
    }
}
