//! One who has a queue of its own in a pool: the pool itself, or a view.
//!
//! Plain data, used under the pool's lock. Nothing foreign runs here: jobs are only moved.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::metrics::{Counts, Timings};
use super::samples::{Entry, Samples};
use crate::task::Urgency;

/// Cancelled jobs are cleared away where a queue has grown to this length, and to twice as much each time.
const SWEEP: usize = 1 << 16;

/// So many cancelled jobs leave the queue in one turn, at most: others wait for theirs meanwhile.
const MOST_SPENT: usize = 64;

/// Somebody with a queue of its own.
pub(super) struct Tenant {
    pub(super) jobs: VecDeque<Entry>,
    /// What the tenant's own calls have submitted. Served in turn with the others, and before them while calls
    /// wait: most likely for these (C17).
    pub(super) nested: VecDeque<Entry>,
    /// Whether it is the turn of the nested ones.
    nested_next: bool,
    /// Calls of the tenant that wait for others.
    pub(super) waits: usize,
    /// Calls that wait for room in `jobs` (C14).
    pub(super) waiting: VecDeque<Entry>,
    pub(super) room: usize,
    /// The most jobs that run at the same time; `None` for the pool's own queue, which its threads bound.
    pub(super) limit: Option<NonZeroUsize>,
    /// Counted where there is a limit.
    pub(super) running: usize,
    /// Whether it is in the rotation: it has jobs, and may run one more.
    pub(super) listed: bool,
    /// It is a map's or an actor's own; and whether a call of the pool has made it.
    pub(super) batch: Option<bool>,
    /// Nobody can submit to it any more.
    pub(super) closed: bool,
    pub(super) samples: Samples,
    pub(super) sweep_at: usize,
    pub(super) counts: Counts,
    pub(super) timings: Arc<Timings>,
}

/// Where an urgent job is.
pub(super) struct Urgent {
    pub(super) urgency: Urgency,
    /// Among those that wait for room.
    waits: bool,
    at: usize,
}

/// Which part of a queue a job is taken from first.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The two are served in turn.
    Either,
    /// From that alone.
    Nested,
}

/// How full a tenant's queue is.
#[derive(Default)]
pub(super) struct Fill {
    pub(super) queued: usize,
    pub(super) waiting: usize,
    /// When the first in line had been queued at the latest sample before it; `None` if nobody waits.
    pub(super) oldest: Option<u64>,
    pub(super) running: usize,
}

impl Tenant {
    /// Of the pool itself.
    pub(super) fn own(room: usize) -> Self {
        Self::new(None, room, None)
    }

    pub(super) fn view(limit: NonZeroUsize, batch: Option<bool>) -> Self {
        Self::new(Some(limit), usize::MAX, batch)
    }

    fn new(limit: Option<NonZeroUsize>, room: usize, batch: Option<bool>) -> Self {
        Self {
            jobs: VecDeque::new(),
            nested: VecDeque::new(),
            nested_next: true,
            waits: 0,
            waiting: VecDeque::new(),
            room,
            limit,
            running: 0,
            listed: false,
            batch,
            closed: false,
            samples: Samples::default(),
            sweep_at: SWEEP,
            counts: Counts::default(),
            timings: Arc::default(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.room || !self.waiting.is_empty()
    }

    pub(super) fn may_run(&self) -> bool {
        self.limit.is_none_or(|limit| self.running < limit.get())
    }

    /// Whether it has jobs that its limit alone keeps from being started.
    pub(super) fn is_held_back(&self) -> bool {
        self.len() > 0 && !self.may_run()
    }

    /// Whether anybody still waits for what is queued: calls that were cancelled stay there until they have their turn.
    pub(super) fn is_awaited(&self) -> bool {
        let mut queued = self.jobs.iter().chain(&self.nested).chain(&self.waiting);
        queued.any(|entry| !entry.job.is_cancelled())
    }

    /// Jobs that have left the queue so far. Of a view, which lets in everybody.
    pub(super) fn gone(&self) -> u64 {
        self.samples.entered() - u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    /// Whether it has its place in the rotation from now on, and had none.
    pub(super) fn begin_turns(&mut self) -> bool {
        let begins = !self.listed && self.len() > 0 && self.may_run();
        self.listed |= begins;
        begins
    }

    pub(super) fn fill(&self) -> Fill {
        let oldest = self.jobs.front().or(self.nested.front()).map(|entry| self.samples.time_of(entry));
        let queued = self.len().min(self.room);
        let waiting = self.waiting.len() + self.len() - queued;
        Fill { queued, waiting, oldest, running: self.running + self.waits }
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.nested.len()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.closed && self.len() == 0 && self.running == 0 && self.waits == 0
    }

    /// The next job, in the order of its queue. Cancelled ones before it use up no turn, and go to `spent`: or else a live call
    /// behind many of them would wait for as many of the others'.
    pub(super) fn take(&mut self, part: Part, spent: &mut Vec<Entry>) -> Option<Entry> {
        let nested_first = match part {
            Part::Nested => true,
            Part::Either => {
                self.nested_next = !self.nested_next;
                self.waits > 0 || !self.nested_next
            }
        };
        loop {
            let (first, second) = if nested_first {
                (&mut self.nested, &mut self.jobs)
            } else {
                (&mut self.jobs, &mut self.nested)
            };
            let other = match part {
                Part::Nested => None,
                Part::Either => Some(second),
            };
            let entry = first.pop_front().or_else(|| other?.pop_front())?;
            self.samples.leave(&entry);
            self.let_in();
            let is_last = match part {
                Part::Nested => self.nested.is_empty(),
                Part::Either => self.len() == 0,
            };
            // The last one is taken, whatever it is: whoever has a turn has a job.
            if is_last || spent.len() == MOST_SPENT || !entry.job.is_cancelled() {
                return Some(entry);
            }
            spent.push(entry);
        }
    }

    /// The first of its most urgent jobs, of those that wait for room, too; `None` if none is urgent.
    pub(super) fn most_urgent(&self) -> Option<Urgent> {
        let mut most: Option<Urgent> = None;
        for (waits, queue) in [(false, &self.jobs), (true, &self.waiting)] {
            for (at, entry) in queue.iter().enumerate() {
                let urgency = entry.job.urgency();
                if urgency == Urgency::None || entry.job.is_cancelled() {
                    continue;
                }
                if urgency > most.as_ref().map_or(Urgency::None, |most| most.urgency) {
                    most = Some(Urgent { urgency, waits, at });
                }
                if urgency == Urgency::Awaited {
                    return most;
                }
            }
        }
        most
    }

    /// Puts it among the nested ones.
    pub(super) fn promote(&mut self, Urgent { waits, at, .. }: Urgent) {
        let queue = if waits { &mut self.waiting } else { &mut self.jobs };
        self.nested.extend(queue.remove(at));
    }

    /// Puts the next job that was not cancelled among the nested ones, with those before it, which go along with it then.
    pub(super) fn promote_next(&mut self) {
        while let Some(entry) = self.jobs.pop_front() {
            let is_cancelled = entry.job.is_cancelled();
            self.nested.push_back(entry);
            if !is_cancelled {
                return;
            }
        }
    }

    /// Lets in who waits for room.
    fn let_in(&mut self) {
        while self.len() < self.room
            && let Some(next) = self.waiting.pop_front()
        {
            self.jobs.push_back(next);
        }
    }

    /// Clears away what was cancelled, lets in who waits for room, and tells by how many jobs the queue is shorter.
    pub(super) fn sweep(&mut self, spent: &mut Vec<Entry>) -> usize {
        let before = self.len();
        for queue in [&mut self.jobs, &mut self.nested, &mut self.waiting] {
            if queue.iter().any(|entry| entry.job.is_cancelled()) {
                let (gone, left) = queue.drain(..).partition::<Vec<_>, _>(|entry| entry.job.is_cancelled());
                queue.extend(left);
                spent.extend(gone);
            }
        }
        self.let_in();
        self.sweep_at = SWEEP.max((self.len() + self.waiting.len()) * 2);
        // Nobody comes in who was not let in by somebody going.
        before.saturating_sub(self.len())
    }
}
