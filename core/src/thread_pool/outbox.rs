//! A handful of jobs on the way from the pool's own queue to the workers, behind a lock of their own: so that
//! workers and submitters do not meet for each call, when calls are short.
//!
//! It is filled under the pool's lock, from the queue's front, when it is empty; so calls still start in the
//! order submitted. It holds what the workers get through in about [`AHEAD`], so that nobody else's turn is
//! delayed by more; a job in it is in nobody's hands, so that none waits behind one that blocks.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;

use super::queue::Entry;
use super::sync::atomic::{AtomicUsize, Ordering};
use super::sync::{Instant, Mutex, MutexGuard};

/// How much work the outbox holds.
const AHEAD: Duration = Duration::from_micros(20);
/// The most jobs in it.
const MOST: usize = 128;

#[derive(Default)]
pub(super) struct Outbox {
    inside: Mutex<Inside>,
    /// How many jobs are in it. Changed under its own lock; grows under the pool's too.
    len: AtomicUsize,
}

#[derive(Default)]
struct Inside {
    jobs: VecDeque<Entry>,
    /// Jobs taken so far.
    taken: u64,
    /// Some call has lent its place: to take a job needs a look at the pool's counts.
    strict: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Entries are moved under it, and nothing else.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` also where the pool's counts have to be looked at first.
    pub(super) fn take(&self) -> Option<Entry> {
        self.take_if(|_| true)
    }

    /// The next job, if `wanted`.
    pub(super) fn take_if(&self, wanted: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        // ORDERING: Relaxed: a hint that saves the lock. Who may go idle looks again under the pool's lock.
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut inside = self.lock();
        if inside.strict { None } else { self.pop(&mut inside, wanted) }
    }

    /// The same under the pool's lock, whose counts allow it.
    pub(super) fn take_strictly(&self) -> Option<Entry> {
        if self.is_empty() { None } else { self.pop(&mut self.lock(), |_| true) }
    }

    fn pop(&self, inside: &mut Inside, wanted: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        inside.jobs.front().filter(|entry| wanted(entry))?;
        let entry = inside.jobs.pop_front()?;
        inside.taken += 1;
        // ORDERING: Relaxed, see `take_if` and `is_empty`.
        self.len.store(inside.jobs.len(), Ordering::Relaxed);
        Some(entry)
    }

    /// Under the pool's lock.
    pub(super) fn fill(&self, jobs: impl Iterator<Item = Entry>) {
        let mut inside = self.lock();
        inside.jobs.extend(jobs);
        // ORDERING: Relaxed, see `is_empty`.
        self.len.store(inside.jobs.len(), Ordering::Relaxed);
    }

    /// Under the pool's lock, where it cannot grow.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        // ORDERING: Relaxed: it grows under the pool's lock alone, which the caller holds; an entry that
        // somebody is taking just now may still be counted.
        self.len.load(Ordering::Relaxed)
    }

    pub(super) fn taken(&self) -> u64 {
        self.lock().taken
    }

    pub(super) fn set_strict(&self, strict: bool) {
        self.lock().strict = strict;
    }

    pub(super) fn drain(&self) -> Vec<Entry> {
        let mut inside = self.lock();
        let all = std::mem::take(&mut inside.jobs);
        self.len.store(0, Ordering::Relaxed);
        all.into()
    }
}

/// How many jobs go into the outbox at once. Under the pool's lock.
pub(super) struct Portion {
    size: usize,
    /// When it was judged last, and how many jobs had been taken then.
    since: Option<(Instant, u64)>,
}

impl Portion {
    pub(super) fn new() -> Self {
        Self { size: 1, since: None }
    }

    /// What to put in now that `taken` jobs have been taken by about `busy` workers.
    pub(super) fn next(&mut self, busy: usize, taken: u64) -> usize {
        let now = Instant::now();
        if let Some((then, before)) = self.since.replace((now, taken)) {
            let jobs = u32::try_from(taken - before).unwrap_or(u32::MAX).max(1);
            let busy = u32::try_from(busy).unwrap_or(u32::MAX).max(1);
            let each = now.duration_since(then).saturating_mul(busy) / jobs;
            let fits = AHEAD.as_nanos() / each.as_nanos().max(1);
            let fits = usize::try_from(fits).unwrap_or(MOST).clamp(1, MOST);
            // Calls that turn out to be long count at once, short ones step by step.
            self.size = fits.min(self.size * 2);
        }
        self.size
    }

    /// There was nothing to do meanwhile: the time says nothing.
    pub(super) fn pause(&mut self) {
        self.since = None;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn portions_grow_while_calls_are_short_and_shrink_at_once() {
        let mut portion = Portion::new();
        assert_eq!(portion.next(1, 0), 1);
        let mut taken = 0;
        for _ in 0..20 {
            taken += 1_000_000;
            portion.next(1, taken);
        }
        assert_eq!(portion.size, MOST);
        std::thread::sleep(AHEAD);
        assert_eq!(portion.next(1, taken + 1), 1);
    }
}
