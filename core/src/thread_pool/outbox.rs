//! The pool's own queue behind a lock of its own: so that workers and submitters neither meet at the pool's lock for
//! each call, nor for long.
//!
//! It is **open** while the own queue is the only one with anything in it, and somebody is there who will look at it,
//! whatever comes (`Shared::is_attended`). Then its jobs are here, all of them: submitters put theirs in, and workers take them
//! out, without another look. Opened and closed it is under the pool's lock, which costs no more for many jobs than for one;
//! and closed it is before anybody else's job is queued, so that no tenant waits for what is in it.

use std::collections::VecDeque;
use std::mem;
use std::sync::PoisonError;

use super::growth::BURST;
use super::samples::{Entry, Samples};
use super::sync::atomic::{AtomicUsize, Ordering};
use super::sync::{Mutex, MutexGuard};
use crate::context::is_in_task_poll;
use crate::pool::Job;

/// So many single jobs in a row are taken to be those of one task.
const SINGLE: u32 = 8;

#[derive(Default)]
pub(super) struct Outbox {
    inside: Mutex<Inside>,
    /// How many jobs are in it. Changed under its own lock.
    len: AtomicUsize,
}

#[derive(Default)]
struct Inside {
    jobs: VecDeque<Entry>,
    /// As many jobs may be in it; 0 while it is closed.
    room: usize,
    samples: Samples,
    /// How many of the next jobs are expected to end soon.
    soon: usize,
    /// How many jobs were, one after the other, the first that came to a worker who lingered.
    single: u32,
    /// Jobs taken so far.
    taken: u64,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Entries are moved under it, and nothing else.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_len(&self, inside: &Inside) {
        // ORDERING: Relaxed: a hint that saves the lock. Who may go idle closes it first, under the lock.
        self.len.store(inside.jobs.len(), Ordering::Relaxed);
    }

    /// Puts a job in; gives it back if that is not open.
    pub(super) fn push(&self, job: Job, now: impl FnOnce() -> u64) -> Result<(), Job> {
        let mut inside = self.lock();
        if inside.jobs.len() >= inside.room {
            return Err(job);
        }
        let is_first = inside.soon == BURST;
        inside.single = if is_first { inside.single.saturating_add(1) } else { 0 };
        if inside.soon > 0 {
            inside.soon -= 1;
            // A task that spins has the others of its thread wait. It is most likely the only one while nobody gives the pool
            // a second job before the first is done.
            if inside.single > SINGLE || !is_in_task_poll() {
                job.expect_soon();
            }
        }
        let queued_at = inside.samples.enter(now);
        inside.jobs.push_back(Entry { job, queued_at });
        self.note_len(&inside);
        Ok(())
    }

    /// The next job.
    pub(super) fn take(&self) -> Option<Entry> {
        self.take_if(|_| true)
    }

    /// The next job, if `wanted`.
    pub(super) fn take_if(&self, wanted: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        if self.is_empty() {
            return None;
        }
        let mut inside = self.lock();
        inside.jobs.front().filter(|entry| wanted(entry))?;
        let entry = inside.jobs.pop_front()?;
        inside.samples.leave(&entry);
        inside.taken += 1;
        self.note_len(&inside);
        Some(entry)
    }

    /// Takes over a queue, and is open from now on for so many jobs. Under the pool's lock.
    pub(super) fn open(&self, jobs: &mut VecDeque<Entry>, samples: Samples, room: usize) {
        let mut inside = self.lock();
        debug_assert!(inside.jobs.is_empty(), "what is here while it is closed would be forgotten");
        mem::swap(&mut inside.jobs, jobs);
        (inside.samples, inside.room) = (samples, room);
        self.note_len(&inside);
    }

    /// Gives back what is in it. Under the pool's lock.
    pub(super) fn close(&self, jobs: &mut VecDeque<Entry>) -> Samples {
        let mut inside = self.lock();
        debug_assert!(jobs.is_empty(), "what is there while it is open would come too late");
        mem::swap(&mut inside.jobs, jobs);
        (inside.room, inside.soon) = (0, 0);
        self.note_len(&inside);
        inside.samples
    }

    /// Whether the jobs of the burst that comes next are expected to end soon. Under the pool's lock, while it is open.
    pub(super) fn expect_soon(&self, expected: bool) {
        self.lock().soon = if expected { BURST } else { 0 };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        // ORDERING: Relaxed, see `note_len`.
        self.len.load(Ordering::Relaxed)
    }

    pub(super) fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// When the first in line had been queued at the latest sample before it; `None` if nobody waits.
    pub(super) fn oldest(&self) -> Option<u64> {
        let inside = self.lock();
        inside.jobs.front().map(|entry| inside.samples.time_of(entry))
    }
}
