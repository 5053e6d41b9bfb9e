//! A job in a queue, and which of them have their times measured.

use crate::pool::Job;

/// One call in [`SAMPLE`] has its times measured; it costs two looks at the clock.
const SAMPLE: u64 = 64;

/// A job in the queue.
pub(super) struct Entry {
    pub(super) job: Job,
    /// When it was queued, in nanoseconds since the pool was made, if it is a sample; else 0.
    pub(super) queued_at: u64,
    /// The runtime that it runs under, by its driver's address; 0 for none. Here so that who asks, with a lock held, need
    /// not wait for memory that the submitter has just written.
    pub(super) driver: usize,
}

/// Which of a queue's calls are samples.
#[derive(Clone, Copy, Default)]
pub(super) struct Samples {
    entered: u64,
    /// When the last sample that left the queue had come into it.
    last: u64,
}

impl Samples {
    /// Of a queue whose ends were looked after by two.
    pub(super) fn of_both(entering: Self, leaving: Self) -> Self {
        Self { entered: entering.entered, last: leaving.last }
    }

    /// Jobs that came so far.
    pub(super) fn entered(&self) -> u64 {
        self.entered
    }

    /// When this job came, if it is a sample; else 0. The first one is.
    pub(super) fn enter(&mut self, now: impl FnOnce() -> u64) -> u64 {
        let sampled = self.entered.is_multiple_of(SAMPLE);
        self.entered += 1;
        if sampled { now() } else { 0 }
    }

    pub(super) fn leave(&mut self, entry: &Entry) {
        if entry.queued_at != 0 {
            self.last = entry.queued_at;
        }
    }

    /// When the first in line came, or the last sample before it.
    pub(super) fn time_of(&self, entry: &Entry) -> u64 {
        if entry.queued_at == 0 { self.last } else { entry.queued_at }
    }
}
