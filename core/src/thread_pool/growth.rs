//! When the pool takes on another thread, and when an idle one lingers before it sleeps.
//!
//! A burst of short calls must not start a thread for each (C13), and calls that block must each get one
//! (C10). Nobody can tell the two apart when they are submitted, so the pool looks at what comes of them:
//!
//! - Up to as many workers as there are cores are taken on as long as the queue is not empty, one at a
//!   time: a *searcher* that finds its job passes the baton on.
//! - Where calls are known to be short ([`Brevity`]), that holds for the first worker alone.
//! - Beyond that a single *watcher* decides. It runs nothing itself; it wakes up after a tick and compares
//!   the calls that were begun meanwhile with the workers there were. When calls take longer than
//!   [`SLOW_CALL`] on average, it takes workers on: one, then twice as many each time, and waits for those to come.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::sync::Instant;
use crate::spin::{Backoff, Found};

/// Calls that take longer than this are taken to block. Starting a thread costs about 15 to 30 µs.
const SLOW_CALL: Duration = Duration::from_micros(50);
/// Calls that are shorter than this are over before another worker would have come to them.
const SHORT_CALL: Duration = Duration::from_micros(10);
/// The watcher's tick while calls are slow; it doubles up to [`LONGEST_TICK`] while they are not.
pub(super) const SHORTEST_TICK: Duration = Duration::from_micros(50);
const LONGEST_TICK: Duration = Duration::from_millis(1);
/// The most workers taken on at one tick.
const LARGEST_STEP: usize = 16;
/// Whoever was called and does not come finds no core to run on, and another one would find none either. So long it is
/// waited for: longer than the system has one thread keep another off its core, most of the time. What a thread does before
/// it comes to the queue, such as a hook, may take longer still, and must not hold up the rest.
const LONGEST_HOLD: Duration = Duration::from_millis(10);
/// How long an idle worker looks for another job before it sleeps, at least: less than a wake-up costs.
const LINGER: Duration = Duration::from_micros(20);
/// And at most: where jobs have come that late, and where lingering was left out for a while. A submitter that
/// sleeps takes so long to wake up that a shorter look would miss it for ever, while both could do without sleep.
const LONGEST_LINGER: Duration = Duration::from_micros(100);

/// The most jobs that a worker who is awake is expected to get through in a moment.
pub(super) const BURST: usize = 16;

/// What a worker was woken or started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Finds a job and passes the baton on.
    Searcher,
    /// Watches how the queue goes on.
    Watcher,
}

/// Under the pool's lock.
pub(crate) struct Growth {
    pub(super) cores: usize,
    /// The same while calls are short: see `State::at_once`.
    pub(super) at_once: usize,
    pub(super) brevity: Brevity,
    /// Workers on their way to the queue.
    pub(super) searching: usize,
    pub(super) watching: bool,
    /// Workers, of either role, that were called and do not run yet.
    coming: usize,
    /// Jobs taken from the queue so far.
    pub(super) taken: u64,
    /// A worker looks at the queue without the lock.
    pub(super) lingering: bool,
    /// On one core, lingering would keep off the very thread that it waits for.
    pub(super) linger: Option<Backoff>,
    /// How long the last jobs were worth waiting for.
    window: Duration,
    /// How many more jobs are expected to end soon.
    burst_left: usize,
}

impl Growth {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let linger = (cores > 1).then_some(Backoff::NEW);
        Self {
            cores,
            at_once: 1,
            brevity: Brevity::default(),
            searching: 0,
            watching: false,
            coming: 0,
            taken: 0,
            lingering: false,
            linger,
            window: LINGER,
            burst_left: 0,
        }
    }

    /// Of one who lingers on one core, too: by giving that away, see [`look`](crate::spin::look).
    pub(crate) fn lingering() -> Self {
        Self { linger: Some(Backoff::NEW), ..Self::new() }
    }

    /// Somebody is called.
    pub(super) fn enlist(&mut self, role: Role) {
        self.coming += 1;
        match role {
            Role::Searcher => self.searching += 1,
            Role::Watcher => self.watching = true,
        }
    }

    /// Somebody who was called runs, or will never come.
    pub(super) fn arrive(&mut self) {
        self.coming -= 1;
    }

    pub(super) fn is_anybody_coming(&self) -> bool {
        self.coming > 0
    }

    pub(super) fn discharge(&mut self, role: Role) {
        match role {
            Role::Searcher => self.searching -= 1,
            Role::Watcher => self.watching = false,
        }
    }

    /// How long a worker that finds nothing to do may linger now, counted as a searcher.
    pub(crate) fn begin_linger(&mut self) -> Option<Duration> {
        if self.searching > 0 {
            return None;
        }
        let backoff = self.linger.as_mut()?;
        let rare = backoff.missed_last();
        if !backoff.attempt() {
            return None;
        }
        self.lingering = true;
        self.searching += 1;
        Some(if rare { LONGEST_LINGER } else { self.window })
    }

    /// Whether a job that comes now ends within a moment, if it is a short one: since a worker is awake for
    /// it, or was for the first of the burst that it belongs to.
    pub(crate) fn is_expected_soon(&mut self, has_work: bool) -> bool {
        if self.lingering && !has_work {
            self.burst_left = BURST;
        }
        let soon = self.burst_left > 0;
        self.burst_left = self.burst_left.saturating_sub(1);
        soon
    }

    /// What lingering has come to.
    pub(crate) fn end_linger(&mut self, found: &Found) {
        self.lingering = false;
        self.searching -= 1;
        match found {
            Found::After(waited) => self.window = (*waited * 2).clamp(LINGER, LONGEST_LINGER),
            // Whoever comes next finds everybody asleep.
            Found::Nothing | Found::Late => self.burst_left = 0,
        }
        if let Some(backoff) = &mut self.linger {
            backoff.record_found(found);
        }
    }
}

/// Whether calls are short where the queue is empty most of the time: measured from the end of one linger to the
/// beginning of the next.
#[derive(Default)]
pub(super) struct Brevity {
    is_short: bool,
    /// When a job was found last by lingering, and how many had been taken then.
    found: Option<(Instant, u64)>,
}

impl Brevity {
    pub(super) fn is_short(&self) -> bool {
        self.is_short
    }

    /// A job has been found by lingering.
    pub(super) fn begin(&mut self, now: Instant, taken: u64) {
        self.found = Some((now, taken));
    }

    /// There is nothing to do again.
    pub(super) fn end(&mut self, taken: u64) {
        if let Some((since, before)) = self.found.take() {
            let jobs = u32::try_from(taken - before).unwrap_or(u32::MAX);
            self.is_short = since.elapsed() <= SHORT_CALL.saturating_mul(jobs);
        }
    }
}

/// A watcher's own reckoning: the pool's, and that of a map.
pub(crate) struct Pace {
    pub(crate) tick: Duration,
    longest: Duration,
    step: usize,
    /// For how long nobody that was called has come.
    held: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self::up_to(LONGEST_TICK)
    }

    /// With ticks that are as long as `longest` while nothing is slow.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { tick: SHORTEST_TICK, longest, step: 1, held: Duration::ZERO }
    }

    fn longer_tick(&self) -> Duration {
        (self.tick * 2).min(self.longest)
    }

    /// Nothing can be said of the last tick; whether something waits now.
    pub(super) fn start_over(&mut self, waits: bool) {
        let tick = if waits { SHORTEST_TICK } else { self.longer_tick() };
        *self = Self { tick, ..Self::up_to(self.longest) };
    }

    /// Nothing was taken in the last tick of `elapsed`, and some of those that were called have not come. Whether to
    /// call nobody else for now.
    pub(super) fn holds(&mut self, elapsed: Duration) -> bool {
        self.held += elapsed;
        self.tick = self.longer_tick();
        self.held <= LONGEST_HOLD
    }

    /// How many workers to take on, `busy` of which took `taken` jobs in `elapsed`.
    pub(crate) fn judge(&mut self, busy: usize, elapsed: Duration, taken: u64) -> usize {
        let worked = elapsed.saturating_mul(u32::try_from(busy).unwrap_or(u32::MAX));
        let allowed = SLOW_CALL.saturating_mul(u32::try_from(taken).unwrap_or(u32::MAX));
        if worked <= allowed {
            *self = Self { tick: self.longer_tick(), ..Self::up_to(self.longest) };
            return 0;
        }
        let step = self.step;
        *self = Self { step: (step * 2).min(LARGEST_STEP), ..Self::up_to(self.longest) };
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = SHORTEST_TICK;

    #[test]
    fn steps_double_while_nothing_moves_and_start_over_after_progress() {
        let mut pace = Pace::new();
        let steps: Vec<usize> = (0..6).map(|_| pace.judge(2, TICK, 0)).collect();
        assert_eq!(steps, [1, 2, 4, 8, 16, 16]);
        assert_eq!(pace.judge(2, TICK, 100), 0);
        assert_eq!(pace.judge(2, TICK, 0), 1);
    }

    #[test]
    fn the_tick_backs_off_while_calls_are_short() {
        let mut pace = Pace::new();
        for _ in 0..10 {
            assert_eq!(pace.judge(2, pace.tick, 1_000_000), 0);
        }
        assert_eq!(pace.tick, LONGEST_TICK);
    }
}
