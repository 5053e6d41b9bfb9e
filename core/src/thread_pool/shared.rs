//! The pool's state: one lock over queues, idle list and counts. `README.md` beside this file argues why no
//! job is stranded.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;

use slab::Slab;

use super::builder::Settings;
use super::employment::{self, Employee, is_own_thread};
use super::growth::Growth;
use super::metrics::Counts;
use super::metrics::Timings;
use super::outbox::Outbox;
use super::progress::Recruit;
use super::queue::{Manner, OWN, Pushed, Queues, Taken};
use super::samples::Entry;
use super::serving::Standstill;
use super::sleeper::{Sleeper, Standing};
use super::stopped;
use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::{Instant, Mutex, MutexGuard};
use crate::catch::quietly;
use crate::origin;
use crate::pool::{Job, Refused};

pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<State>,
    pub(super) outbox: Outbox,
    /// Raised by a push, for a worker that lingers without the lock.
    pub(super) pushed: AtomicBool,
    /// What times are counted from.
    epoch: Instant,
    /// Those of all calls; views have their own, too.
    pub(super) timings: Timings,
}

pub(super) struct State {
    pub(super) queues: Queues,
    /// The outbox is open: all jobs are in there.
    pub(super) open: bool,
    /// Idle workers, the last to go idle last: it is woken first, and the first of them times out (C12).
    pub(super) idle: Vec<Arc<Sleeper>>,
    /// Workers that a close took off that list and that have not woken up yet.
    pub(super) dismissed: usize,
    /// Threads that run, or are being started.
    pub(super) threads: usize,
    /// Threads of those whose call waits for others (C17).
    pub(super) waits: usize,
    /// Jobs that have places which such calls have lent.
    pub(super) awaited: usize,
    /// The most places that such calls may lend: `max_threads`.
    pub(super) lendable: usize,
    /// Those of them that wait for something else than jobs of a pool.
    pub(super) waits_for_others: usize,
    /// The thread whose call was the last that began to wait; 0 when it waits no more.
    pub(super) last_to_wait: usize,
    /// For how long nothing has moved while all calls wait.
    pub(super) standstill: Option<Standstill>,
    /// Whether it is the turn of the first of those that are looked for, and not of the last.
    pub(super) first_is_next: bool,
    /// When what calls may wait for is looked for again, at the earliest.
    pub(super) search_again: Option<Instant>,
    /// Nobody may take a job without a look at the counts: some call has lent its place.
    pub(super) strict: bool,
    pub(super) growth: Growth,
    pub(super) closed: bool,
    /// The threads, by key.
    pub(super) staff: Slab<Member>,
    /// Threads of which it is not known yet whether they come, or which did not and have left something to be done.
    pub(super) answering: usize,
    /// Who awaits a shutdown.
    pub(super) waiting: Slab<Option<Waker>>,
    /// What threads that have ended have done.
    pub(super) past: Counts,
    pub(super) started: u64,
    pub(super) ended: u64,
    /// The monitor looks after this pool.
    pub(super) monitored: bool,
}

/// One thread.
#[derive(Default)]
pub(super) struct Member {
    /// To be joined by a shutdown; a thread that ends before takes its own out.
    pub(super) handle: Option<JoinHandle<()>>,
    pub(super) employee: Arc<Employee>,
    /// Its counts are among those of the past; it is only to be joined.
    pub(super) ended: bool,
}

impl State {
    /// Threads that run closures, or have looked for one and not gone idle yet. Those whose call waits
    /// for another one do not count.
    pub(super) fn busy(&self) -> usize {
        let others = self.idle.len() + self.growth.searching + usize::from(self.growth.watching);
        self.threads - others - self.lent()
    }

    /// Places that waiting calls have lent to others.
    pub(super) fn lent(&self) -> usize {
        self.waits.min(self.lendable)
    }

    /// Calls that run or wait.
    pub(super) fn running(&self) -> usize {
        self.busy() + self.lent() - self.dismissed
    }

    /// Whether every thread has left its last line of ours, and its handle is there to be joined.
    pub(super) fn is_over(&self) -> bool {
        self.threads == 0 && self.answering == 0
    }

    pub(super) fn take_waiting(&mut self) -> Vec<Waker> {
        if !self.closed {
            return Vec::new();
        }
        self.waiting.iter_mut().filter_map(|(_, waker)| waker.take()).collect()
    }
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let state = State {
            queues: Queues::new(settings.queue_limit.map_or(usize::MAX, NonZeroUsize::get)),
            open: false,
            idle: Vec::new(),
            dismissed: 0,
            threads: 0,
            waits: 0,
            awaited: 0,
            lendable: settings.max_threads.get(),
            waits_for_others: 0,
            last_to_wait: 0,
            standstill: None,
            first_is_next: true,
            search_again: None,
            strict: false,
            growth: Growth::new(),
            closed: settings.refusal.is_some(),
            staff: Slab::new(),
            answering: 0,
            waiting: Slab::new(),
            past: Counts::default(),
            started: 0,
            ended: 0,
            monitored: false,
        };
        Self {
            settings,
            state: Mutex::new(state),
            outbox: Outbox::default(),
            pushed: AtomicBool::new(false),
            epoch: Instant::now(),
            timings: Timings::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing foreign runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since the pool was made; never 0.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// Whether a job waits that may be started.
    pub(super) fn has_work(&self, state: &State) -> bool {
        state.queues.is_ready() || !self.outbox.is_empty()
    }

    /// Jobs that wait, those among them that may not be started yet included.
    pub(super) fn queued(&self, state: &State) -> usize {
        state.queues.len() + self.outbox.len()
    }

    /// Whether others than who asks, for a job of `tenant`, wait for a thread.
    pub(super) fn has_waiting(&self, tenant: usize) -> bool {
        self.lock().queues.others_wait(tenant) || !self.outbox.is_empty()
    }

    /// Takes a job for `tenant`; a patient one waits for room, where the queue has a limit.
    pub(super) fn execute(self: &Arc<Self>, tenant: usize, job: Job, patient: bool) -> Result<(), Refused> {
        let nested = match origin::handed_on() {
            Some(pool) => pool == Arc::as_ptr(self).addr(),
            None => is_own_thread(self),
        };
        let job = if tenant == OWN && !nested {
            match self.outbox.push(job, || self.now()) {
                Ok(()) => {
                    // ORDERING: Relaxed: a hint; who acts on it takes the lock.
                    self.pushed.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                Err(job) => job,
            }
        } else {
            job
        };
        let mut state = self.lock();
        self.recall(&mut state);
        if state.closed {
            if let Some(tenant) = state.queues.tenant_mut(tenant) {
                tenant.counts.refused += 1;
            }
            // The job's closure is foreign: it must not be dropped under the lock.
            drop(state);
            drop(job);
            let refusal = self.settings.refusal.clone();
            return Err(refusal.map_or(Refused::Shutdown, Refused::NoPool));
        }
        let has_work = self.has_work(&state);
        if state.growth.is_expected_soon(has_work) {
            job.expect_soon();
        }
        let mut spent = Vec::new();
        let nested = nested && state.queues.may_be_awaited(tenant, employment::tenant());
        let manner = Manner { patient, nested, urgent: state.looks_for(&job, nested) };
        let pushed = state.queues.push(tenant, job, manner, || self.now(), &mut spent);
        if let Pushed::Full(job) = pushed {
            if let Some(tenant) = state.queues.tenant_mut(tenant) {
                tenant.counts.refused += 1;
            }
            drop(state);
            drop(job);
            drop(spent);
            return Err(Refused::Full);
        }
        let recruit = self.ensure_progress(&mut state);
        let holds_back = self.begins_to_hold_back(&mut state, tenant);
        drop(state);
        // ORDERING: Relaxed: a hint; who acts on it takes the lock.
        self.pushed.store(true, Ordering::Relaxed);
        drop(spent);
        if let Some(recruit) = recruit {
            self.call_in(recruit);
        }
        if holds_back {
            self.call_in(Recruit::Monitor);
        }
        Ok(())
    }

    /// The next job that may be started, under the lock.
    pub(super) fn pop(&self, state: &mut State) -> Option<Taken> {
        self.recall_for_others(state);
        if state.open {
            // No call waits.
            return self.outbox.take().map(Taken::own);
        }
        // More than may work are at it when calls have taken their places back (C17).
        let has_place = state.busy() <= self.settings.max_threads.get();
        // A place that a call has lent is there for what it waits for. If that went to others by turns, they would come to wait as
        // well, until no place were left to lend. And what all others wait for needs no place.
        let taken = if has_place {
            let is_for_calls = state.awaited < state.lent();
            let awaited = if is_for_calls { state.queues.pop_awaited() } else { None };
            awaited.or_else(|| state.queues.pop())
        } else if state.lacks_places(1) {
            state.search_for_calls();
            state.queues.pop_urgent()
        } else {
            None
        }?;
        state.awaited += usize::from(taken.is_awaited);
        state.growth.taken += 1;
        Some(taken)
    }

    /// Jobs that were taken so far.
    pub(super) fn taken(&self, state: &State) -> u64 {
        state.growth.taken + self.outbox.taken()
    }

    /// After something has changed that lets a job start.
    pub(super) fn go_on(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let recruit = self.keep_going(&mut state);
        drop(state);
        if let Some(recruit) = recruit {
            self.call_in(recruit);
        }
    }

    /// The same, while the lock is kept.
    pub(super) fn keep_going(&self, state: &mut State) -> Option<Recruit> {
        if state.growth.lingering && self.has_work(state) {
            // ORDERING: Relaxed: a hint, as in `execute`.
            self.pushed.store(true, Ordering::Relaxed);
        }
        self.ensure_progress(state)
    }

    /// Takes no more; what is queued still runs.
    pub(super) fn close(&self) {
        let idle = {
            let mut state = self.lock();
            self.recall(&mut state);
            state.closed = true;
            let idle = std::mem::take(&mut state.idle);
            state.dismissed += idle.len();
            for sleeper in &idle {
                sleeper.stand(Standing::Off);
            }
            idle
        };
        for sleeper in idle {
            sleeper.wake();
        }
    }

    /// Cancels what is left after a close: what is queued ends in `Shutdown`, what runs is told. Returns how many were
    /// queued, and how many ran.
    pub(super) fn cancel_rest(&self) -> (usize, usize) {
        let (queued, running, busy) = {
            let mut state = self.lock();
            let queued = state.queues.drain(|counts| counts.cancelled += 1);
            let running: Vec<_> = state.staff.iter().map(|(_, member)| member.employee.clone()).collect();
            (queued, running, state.running())
        };
        let told: Vec<_> = running.into_iter().filter(|employee| employee.stop()).collect();
        if busy > 0 && !told.is_empty() {
            stopped::look_after(told);
        }
        let mut cancelled = 0;
        for Entry { job, .. } in queued {
            cancelled += usize::from(!job.is_cancelled());
            job.refuse(Refused::Shutdown);
        }
        (cancelled, busy)
    }
}

pub(super) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        quietly(|| waker.wake());
    }
}
