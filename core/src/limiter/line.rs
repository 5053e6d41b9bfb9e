//! Who waits for permits, and who is next.
//!
//! Plain data, used under the limiter's lock. Nothing foreign runs here: jobs are only moved.

use std::collections::VecDeque;

use crate::origin::Origin;
use crate::pool::{AnyPool, Job, SWEEP, sweep};

/// A job that waits.
pub(super) struct Waiting {
    pub(super) pool: AnyPool,
    pub(super) job: Job,
    pub(super) permits: usize,
    pub(super) origin: Origin,
    /// Submitted so many jobs after the first.
    number: u64,
}

/// A queue, cleared of cancelled jobs where it has grown to a length.
struct Queue {
    jobs: VecDeque<Waiting>,
    sweep_at: usize,
}

impl Queue {
    const fn new() -> Self {
        Self { jobs: VecDeque::new(), sweep_at: SWEEP }
    }

    /// Whether the first one may go: there is room for it, or it makes way.
    fn moves(&self, has_room: impl Fn(usize) -> bool) -> bool {
        self.jobs.front().is_some_and(|first| first.job.is_cancelled() || has_room(first.permits))
    }
}

/// The queues of a limiter.
pub(super) struct Line {
    /// What calls that hold permits of this limiter have submitted, and wait for, most likely: see [`Line::next`].
    nested: Queue,
    others: Queue,
    submitted: u64,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { nested: Queue::new(), others: Queue::new(), submitted: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.nested.jobs.len() + self.others.jobs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a job at the end; gives cancelled ones that were cleared away, to be dropped without the lock.
    pub(super) fn push(
        &mut self,
        pool: AnyPool,
        job: Job,
        permits: usize,
        origin: Origin,
        nested: bool,
    ) -> Vec<Waiting> {
        let queue = if nested { &mut self.nested } else { &mut self.others };
        let spent = if queue.jobs.len() < queue.sweep_at {
            Vec::new()
        } else {
            sweep(&mut queue.jobs, &mut queue.sweep_at, |waiting| waiting.job.is_cancelled())
        };
        queue.jobs.push_back(Waiting { pool, job, permits, origin, number: self.submitted });
        self.submitted += 1;
        spent
    }

    /// The next one that may go, and whether it has lent permits. Those are there for what is waited for: `is_lent` says whether there
    /// are any. All other permits go in the order of submission.
    pub(super) fn next(
        &mut self,
        is_lent: bool,
        has_room: impl Fn(usize) -> bool,
    ) -> Option<(Waiting, bool)> {
        if is_lent && self.nested.moves(&has_room) {
            return self.nested.jobs.pop_front().map(|waiting| (waiting, true));
        }
        let number = |queue: &Queue| queue.jobs.front().map(|first| first.number);
        let queue = match (number(&self.nested), number(&self.others)) {
            (Some(nested), Some(other)) if nested < other => &mut self.nested,
            (Some(_), None) => &mut self.nested,
            _ => &mut self.others,
        };
        if queue.moves(&has_room) { queue.jobs.pop_front().map(|waiting| (waiting, false)) } else { None }
    }
}
