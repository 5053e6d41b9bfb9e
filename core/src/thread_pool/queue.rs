//! Who waits for a thread: the pool's own queue and one for each view, served in turn (C18).
//!
//! Plain data, used under the pool's lock. Nothing foreign runs here: jobs are only moved.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use slab::Slab;

use super::metrics::Counts;
use super::outbox::Outbox;
use super::samples::Entry;
use super::tenant::{Sizes, Tenant};
use crate::pool::Job;

/// The tenant that the pool's own queue belongs to.
pub(super) const OWN: usize = 0;

/// How a job is submitted.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// It can wait for room.
    pub(super) patient: bool,
    /// By a call of the pool itself.
    pub(super) nested: bool,
    /// It goes first.
    pub(super) urgent: bool,
}

/// What became of a job that was to be queued.
pub(super) enum Pushed {
    Queued,
    /// It waits for room.
    Waiting,
    /// Given back.
    Full(Job),
}

/// A job that was taken, and whose it is.
pub(super) struct Taken {
    pub(super) entry: Entry,
    pub(super) tenant: usize,
    /// Cancelled ones that stood before it, to be dropped without the lock.
    pub(super) spent: Vec<Entry>,
    /// It has a place that a call has lent, for what it waits for.
    pub(super) is_awaited: bool,
}

impl Taken {
    /// One of the pool's own queue.
    pub(super) fn own(entry: Entry) -> Self {
        Self { entry, tenant: OWN, spent: Vec::new(), is_awaited: false }
    }
}

pub(super) struct Queues {
    pub(super) tenants: Slab<Tenant>,
    /// Those that have something to run, the next one first.
    pub(super) rotation: VecDeque<usize>,
    /// How many jobs are in all queues, those that wait for room left out.
    pub(super) sizes: Sizes,
    /// What became of jobs that left the queues by another way than a worker's; tenants count their own, too.
    written_off: Counts,
}

/// Counts cancelled jobs that left a queue.
fn note_spent(spent: &[Entry], counts: [&mut Counts; 2]) {
    for ran in spent.iter().filter_map(|entry| entry.job.spent()) {
        counts[0].note(ran);
        counts[1].note(ran);
    }
}

impl Queues {
    pub(super) fn new(room: usize) -> Self {
        let mut tenants = Slab::new();
        let own = tenants.insert(Tenant::own(room));
        debug_assert_eq!(own, OWN);
        Self { tenants, rotation: VecDeque::new(), sizes: Sizes::default(), written_off: Counts::default() }
    }

    /// A view, or a `batch`'s own queue: see [`Tenant::batch`].
    pub(super) fn add_view(&mut self, limit: NonZeroUsize, batch: Option<bool>) -> usize {
        self.tenants.insert(Tenant::view(limit, batch))
    }

    /// Nobody can submit to the view any more; what is queued still runs.
    pub(super) fn close_view(&mut self, key: usize) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.closed = true;
            self.remove_if_gone(key);
        }
    }

    fn remove_if_gone(&mut self, key: usize) {
        if self.tenants.get(key).is_some_and(Tenant::is_gone) {
            let gone = self.tenants.remove(key);
            // The pool's figures include those of its views, past ones too.
            self.tenants[OWN].counts.refused += gone.counts.refused;
        }
    }

    /// Jobs in all queues that could not start yet.
    pub(super) fn len(&self) -> usize {
        self.sizes.all
    }

    /// What became of jobs that no worker came across.
    pub(super) fn written_off(&self) -> Counts {
        self.written_off
    }

    /// Whether some job may be started.
    pub(super) fn is_ready(&self) -> bool {
        !self.rotation.is_empty()
    }

    /// Whether others than this tenant's user have jobs that may be started, now or when one of the tenant's own has ended. Several
    /// may use it, unless it is a batch's.
    pub(super) fn others_wait(&self, but: usize) -> bool {
        let shared = self.tenants.get(but).is_some_and(|tenant| tenant.batch.is_none() && tenant.len() > 0);
        shared || self.rotation.iter().any(|&key| key != but)
    }

    /// Whether a call of the pool may wait for what it submits to this tenant. A batch's own jobs, such as a map's next runner, are
    /// only awaited as the batch is.
    pub(super) fn may_be_awaited(&self, key: usize, submitter: Option<usize>) -> bool {
        let batch = self.tenants.get(key).and_then(|tenant| tenant.batch);
        batch.is_none_or(|awaited| awaited || submitter != Some(key))
    }

    /// Whether the pool's own queue is the only one with something to run.
    pub(super) fn own_alone(&self) -> bool {
        self.rotation.len() == 1 && self.rotation[0] == OWN
    }

    pub(super) fn tenant_mut(&mut self, key: usize) -> Option<&mut Tenant> {
        self.tenants.get_mut(key)
    }

    pub(super) fn tenant(&self, key: usize) -> Option<&Tenant> {
        self.tenants.get(key)
    }

    /// All, by key.
    pub(super) fn tenants(&self) -> impl Iterator<Item = (usize, &Tenant)> {
        self.tenants.iter()
    }

    /// Queues a job. A `patient` one waits for room; one that a call of the pool submits, or waits for, finds it
    /// at once, or nobody might ever make any. `now` is asked for samples alone. Cancelled jobs that
    /// had to be cleared away go to `spent`, to be dropped without the lock.
    pub(super) fn push(
        &mut self,
        key: usize,
        job: Job,
        Manner { patient, nested, urgent }: Manner,
        now: impl FnOnce() -> u64,
        spent: &mut Vec<Entry>,
    ) -> Pushed {
        let Some(tenant) = self.tenants.get_mut(key) else { return Pushed::Full(job) };
        let before = tenant.sizes();
        // Whoever waits for room finds it in time; only who would be refused needs it now.
        if (tenant.is_full() && !patient) || tenant.len() + tenant.waiting.len() >= tenant.sweep_at {
            tenant.sweep(spent);
            note_spent(spent, [&mut tenant.counts, &mut self.written_off]);
        }
        let driver = job.driver();
        let entry = Entry { job, queued_at: tenant.samples.enter(now), driver };
        let pushed = if tenant.is_full() && !patient {
            Pushed::Full(entry.job)
        } else if tenant.is_full() && !nested && !urgent {
            tenant.waiting.push_back(entry);
            Pushed::Waiting
        } else {
            let queue = match (urgent, nested) {
                (true, _) => &mut tenant.urgent,
                (_, true) => &mut tenant.nested,
                _ => &mut tenant.jobs,
            };
            queue.push_back(entry);
            Pushed::Queued
        };
        self.sizes.change(before, tenant.sizes());
        if matches!(pushed, Pushed::Queued) {
            self.list(key);
        }
        pushed
    }

    /// Gives a tenant its place in the rotation, if it has something to run and none.
    pub(super) fn list(&mut self, key: usize) {
        if self.tenants[key].begin_turns() {
            self.rotation.push_back(key);
        }
    }

    /// The next job, by turns.
    pub(super) fn pop(&mut self) -> Option<Taken> {
        let key = self.rotation.pop_front()?;
        self.tenants[key].listed = false;
        self.take(key, false, Tenant::take)
    }

    /// Hands the pool's own queue over to the outbox, if it is the only one with anything in it, and there is nothing about
    /// it that a worker would have to know. Whether it did.
    pub(super) fn hand_over(&mut self, outbox: &Outbox) -> bool {
        let alone = self.rotation.is_empty() || self.own_alone();
        let own = &mut self.tenants[OWN];
        let plain = own.nested.is_empty()
            && own.urgent.is_empty()
            && own.waiting.is_empty()
            && own.waits == 0
            && own.room == usize::MAX;
        if !alone || !plain || own.jobs.len() >= own.sweep_at {
            return false;
        }
        let before = own.sizes();
        own.listed = false;
        self.rotation.clear();
        outbox.open(&mut own.jobs, own.samples, own.sweep_at);
        self.sizes.change(before, own.sizes());
        true
    }

    /// Takes it back. It was its turn all the time: had it to stand behind a view that has become ready, that would go
    /// first each time.
    pub(super) fn take_back(&mut self, outbox: &Outbox) {
        let own = &mut self.tenants[OWN];
        let before = own.sizes();
        own.samples = outbox.close(&mut own.jobs);
        self.sizes.change(before, own.sizes());
        if !own.jobs.is_empty() {
            own.listed = true;
            self.rotation.push_front(OWN);
        }
    }

    /// Takes a job of a tenant.
    pub(super) fn take(
        &mut self,
        key: usize,
        is_awaited: bool,
        take: impl FnOnce(&mut Tenant, &mut Vec<Entry>) -> Option<Entry>,
    ) -> Option<Taken> {
        let tenant = &mut self.tenants[key];
        let before = tenant.sizes();
        let mut spent = Vec::new();
        let entry = take(tenant, &mut spent)?;
        // Nobody comes in who was not let in by somebody going.
        self.sizes.change(before, tenant.sizes());
        note_spent(&spent, [&mut tenant.counts, &mut self.written_off]);
        if tenant.limit.is_some() {
            tenant.running += 1;
        }
        self.list(key);
        Some(Taken { entry, tenant: key, spent, is_awaited })
    }

    /// A call of a tenant waits for others, and lends its place.
    pub(super) fn begin_wait(&mut self, key: usize) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.waits += 1;
            self.give_back(key);
        }
    }

    /// It goes on, whether or not there is room.
    pub(super) fn end_wait(&mut self, key: usize) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.waits -= 1;
            if tenant.limit.is_some() {
                tenant.running += 1;
            }
            // Its turn was another's who is not there any more.
            if tenant.listed && !tenant.may_run() {
                tenant.listed = false;
                self.rotation.retain(|other| *other != key);
            }
        }
    }

    /// A job of a view has ended, or waits.
    pub(super) fn give_back(&mut self, key: usize) {
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        if tenant.limit.is_some() {
            tenant.running -= 1;
            self.list(key);
            self.remove_if_gone(key);
        }
    }

    /// Everything that is queued or waits for room. Each job is counted as what it ended in already, or else by
    /// `otherwise`: before its task can tell anybody.
    pub(super) fn drain(&mut self, otherwise: fn(&mut Counts)) -> Vec<Entry> {
        self.rotation.clear();
        self.sizes = Sizes::default();
        let mut all = Vec::new();
        let mut counted = 0;
        for (_, tenant) in &mut self.tenants {
            tenant.listed = false;
            for queue in [&mut tenant.urgent, &mut tenant.jobs, &mut tenant.nested, &mut tenant.waiting] {
                all.extend(queue.drain(..));
            }
            for entry in all.iter().skip(counted) {
                let spent = entry.job.spent();
                for counts in [&mut tenant.counts, &mut self.written_off] {
                    match spent {
                        Some(ran) => counts.note(ran),
                        None => otherwise(counts),
                    }
                }
            }
            counted = all.len();
        }
        let keys: Vec<usize> = self.tenants.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.remove_if_gone(key);
        }
        all
    }
}
