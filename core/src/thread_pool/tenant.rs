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
    /// What the tenant's own calls have submitted, and wait for perhaps (C17). Served in turn with the others.
    pub(super) nested: VecDeque<Entry>,
    /// What was looked for, and goes first.
    pub(super) urgent: VecDeque<Entry>,
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

/// Where a job is that was looked for.
pub(super) struct Found {
    pub(super) urgency: Urgency,
    part: Part,
    at: usize,
}

#[derive(Clone, Copy)]
enum Part {
    Jobs,
    Nested,
    /// Those that wait for room.
    Waiting,
}

/// How many jobs of a tenant, or of all, are queued.
#[derive(Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) all: usize,
    /// Those of them that calls have submitted.
    pub(super) nested: usize,
    pub(super) urgent: usize,
}

impl Sizes {
    /// Of all, after those of one have changed.
    pub(super) fn change(&mut self, before: Self, after: Self) {
        self.all = self.all - before.all + after.all;
        self.nested = self.nested - before.nested + after.nested;
        self.urgent = self.urgent - before.urgent + after.urgent;
    }
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
            urgent: VecDeque::new(),
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
        let mut queued = self.jobs.iter().chain(&self.nested).chain(&self.urgent).chain(&self.waiting);
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
        let firsts = [&self.jobs, &self.nested, &self.urgent].into_iter().filter_map(VecDeque::front);
        let oldest = firsts.map(|entry| self.samples.time_of(entry)).min();
        let queued = self.len().min(self.room);
        let waiting = self.waiting.len() + self.len() - queued;
        Fill { queued, waiting, oldest, running: self.running + self.waits }
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.nested.len() + self.urgent.len()
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes { all: self.len(), nested: self.nested.len(), urgent: self.urgent.len() }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.closed && self.len() == 0 && self.running == 0 && self.waits == 0
    }

    /// The next job: what was looked for, or else of the two parts of the queue in turn, in the order of each. Cancelled ones before it use
    /// up no turn, and go to `spent`: or else a live call behind many of them would wait for as many of the others'.
    pub(super) fn take(&mut self, spent: &mut Vec<Entry>) -> Option<Entry> {
        if let Some(urgent) = self.take_urgent() {
            return Some(urgent);
        }
        self.nested_next = !self.nested_next;
        loop {
            let (first, second) = if self.nested_next {
                (&mut self.jobs, &mut self.nested)
            } else {
                (&mut self.nested, &mut self.jobs)
            };
            let entry = first.pop_front().or_else(|| second.pop_front())?;
            self.leaves(&entry);
            // The last one is taken, whatever it is: whoever has a turn has a job.
            if self.len() == 0 || spent.len() == MOST_SPENT || !entry.job.is_cancelled() {
                return Some(entry);
            }
            spent.push(entry);
        }
    }

    pub(super) fn take_urgent(&mut self) -> Option<Entry> {
        let entry = self.urgent.pop_front()?;
        self.leaves(&entry);
        Some(entry)
    }

    /// The first that a call waits for among those that calls have submitted, of so many that are `left` to be looked at.
    pub(super) fn take_awaited(&mut self, left: &mut usize) -> Option<Entry> {
        let looked_at = self.nested.iter().take(*left);
        let at = looked_at.clone().position(|entry| urgency(entry) == Urgency::Awaited);
        *left -= at.map_or(looked_at.len(), |at| at + 1);
        let entry = self.nested.remove(at?)?;
        self.leaves(&entry);
        Some(entry)
    }

    fn leaves(&mut self, entry: &Entry) {
        self.samples.leave(entry);
        self.let_in();
    }

    /// The first job that is as urgent as any, if it is so urgent at `least`; or the last one. Those that wait for room are looked at, too.
    pub(super) fn find(&self, least: Urgency, last: bool) -> Option<Found> {
        let mut best: Option<Found> = None;
        let parts = [(Part::Nested, &self.nested), (Part::Jobs, &self.jobs), (Part::Waiting, &self.waiting)];
        for (part, queue) in parts {
            for at in 0..queue.len() {
                let at = if last { queue.len() - 1 - at } else { at };
                let urgency = match part {
                    // A call may wait for it, and has not polled it yet.
                    Part::Nested if !queue[at].job.is_cancelled() => urgency(&queue[at]).max(Urgency::Holds),
                    _ => urgency(&queue[at]),
                };
                if urgency >= least && urgency > best.as_ref().map_or(Urgency::None, |best| best.urgency) {
                    best = Some(Found { urgency, part, at });
                }
                if urgency == Urgency::Awaited {
                    return best;
                }
            }
        }
        best
    }

    /// Lets that go first.
    pub(super) fn promote(&mut self, Found { part, at, .. }: Found) {
        let queue = match part {
            Part::Jobs => &mut self.jobs,
            Part::Nested => &mut self.nested,
            Part::Waiting => &mut self.waiting,
        };
        self.urgent.extend(queue.remove(at));
    }

    /// The same with the next one that was not cancelled, if there is one. Whether there was.
    pub(super) fn promote_next(&mut self) -> bool {
        for queue in [&mut self.jobs, &mut self.waiting] {
            if let Some(at) = queue.iter().position(|entry| !entry.job.is_cancelled()) {
                self.urgent.extend(queue.remove(at));
                return true;
            }
        }
        false
    }

    /// Lets in who waits for room.
    fn let_in(&mut self) {
        while self.len() < self.room
            && let Some(next) = self.waiting.pop_front()
        {
            self.jobs.push_back(next);
        }
    }

    /// Clears away what was cancelled, and lets in who waits for room.
    pub(super) fn sweep(&mut self, spent: &mut Vec<Entry>) {
        for queue in [&mut self.jobs, &mut self.nested, &mut self.urgent, &mut self.waiting] {
            if queue.iter().any(|entry| entry.job.is_cancelled()) {
                let (gone, left) = queue.drain(..).partition::<Vec<_>, _>(|entry| entry.job.is_cancelled());
                queue.extend(left);
                spent.extend(gone);
            }
        }
        self.let_in();
        self.sweep_at = SWEEP.max((self.len() + self.waiting.len()) * 2);
    }
}

/// Of one that somebody still wants.
pub(super) fn urgency(entry: &Entry) -> Urgency {
    if entry.job.is_cancelled() { Urgency::None } else { entry.job.urgency() }
}
