//! The pool's state: one lock over queues, idle list and counts. `README.md` beside this file argues why no
//! job is stranded.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Duration;

use slab::Slab;

use super::builder::Settings;
use super::employment::{Employee, is_own_thread};
use super::growth::{Growth, Role};
use super::metrics::Counts;
use super::metrics::Timings;
use super::outbox::Outbox;
use super::queue::{Manner, OWN, Pushed, Queues, Taken};
use super::samples::Entry;
use super::sleeper::{Sleeper, Standing};
use super::stopped;
use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::{Instant, Mutex, MutexGuard};
use crate::catch::quietly;
use crate::pool::{Job, Refused};
use crate::spin::Found;

pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<State>,
    pub(super) outbox: Outbox,
    /// Raised by a push, for a worker that lingers without the lock.
    pub(super) pushed: AtomicBool,
    /// What times are counted from.
    epoch: Instant,
    /// Those of the calls in the pool's own queue.
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
    /// The most places that such calls may lend: `max_threads`.
    pub(super) lendable: usize,
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

/// What somebody has to do after letting go of the lock, so that the queue goes on.
#[must_use]
pub(super) enum Recruit {
    Wake(Arc<Sleeper>),
    /// A thread was reserved; the key is its place among the staff.
    Start(usize, Role),
    /// Nobody can be called. The pool is marked as monitored.
    Monitor,
}

impl State {
    /// Threads that run closures, or have looked for one and not gone idle yet. Those whose call waits
    /// for another one do not count.
    pub(super) fn busy(&self) -> usize {
        let others = self.idle.len() + self.growth.searching + usize::from(self.growth.watching);
        self.threads - others - self.lent()
    }

    /// Up to how many workers are called one after the other, without a watcher's judgement.
    ///
    /// While calls are short, the one that is at it is back before another one could be woken; and to wake it, each time
    /// that a submitter is a little slower than the worker, would cost the submitter more than the call.
    fn at_once(&self) -> usize {
        if self.growth.brevity.is_short() { self.growth.at_once } else { self.growth.cores }
    }

    /// Whether more workers are the watcher's affair, when so many are busy: since there are as many as are called without its
    /// judgement, or since another one would be a new thread.
    fn is_watched(&self, busy: usize, nobody_idle: bool) -> bool {
        self.growth.watching && (busy >= self.at_once() || (busy >= 1 && nobody_idle))
    }

    /// Places that waiting calls have lent to others.
    pub(super) fn lent(&self) -> usize {
        self.waits.min(self.lendable)
    }

    /// Calls that run or wait.
    pub(super) fn running(&self) -> usize {
        self.busy() + self.lent() - self.dismissed
    }

    /// Takes an idle worker off the list, or reserves a thread, for `role`; if one more may work.
    pub(super) fn recruit(&mut self, max_threads: NonZeroUsize, role: Role) -> Option<Recruit> {
        if self.busy() + self.growth.searching >= max_threads.get() {
            return None;
        }
        if let Some(sleeper) = self.recruit_idle(role) {
            return Some(Recruit::Wake(sleeper));
        }
        if self.threads >= max_threads.get() + self.lent() {
            return None;
        }
        self.threads += 1;
        self.started += 1;
        self.answering += 1;
        self.growth.enlist(role);
        Some(Recruit::Start(self.staff.insert(Member::default()), role))
    }

    pub(super) fn recruit_idle(&mut self, role: Role) -> Option<Arc<Sleeper>> {
        let sleeper = self.idle.pop()?;
        sleeper.stand(Standing::Recruited(role));
        self.growth.enlist(role);
        Some(sleeper)
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
            lendable: settings.max_threads.get(),
            strict: false,
            growth: Growth::new(),
            closed: false,
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

    /// Whether others than `tenant` have jobs that may be started.
    pub(super) fn has_waiting(&self, tenant: usize) -> bool {
        let state = self.lock();
        state.queues.others_ready(tenant) || (tenant != OWN && !self.outbox.is_empty())
    }

    /// Called whenever the queue may be left to nobody: after a push, and when a searcher has found
    /// its job. Opens the outbox where that may be, and closes it where it may not.
    pub(super) fn ensure_progress(&self, state: &mut State) -> Option<Recruit> {
        self.recall_for_others(state);
        let mut recruit = self.recruit_for_work(state);
        if state.open && !self.is_attended(state, 0) {
            self.recall(state);
            // What has come into the outbox meanwhile.
            recruit = recruit.or_else(|| self.recruit_for_work(state));
        }
        self.try_open(state);
        recruit
    }

    fn recruit_for_work(&self, state: &mut State) -> Option<Recruit> {
        if state.growth.searching > 0 || !self.has_work(state) {
            return None;
        }
        let max_threads = self.settings.max_threads;
        let recruit = if state.is_watched(state.busy(), state.idle.is_empty()) {
            return None;
        } else if state.busy() < state.at_once() {
            state.recruit(max_threads, Role::Searcher)
        } else {
            state.recruit(max_threads, Role::Watcher)
        };
        // Only a pool that can do no more needs looking after, and it stays monitored for a while.
        if recruit.is_some() || state.monitored || state.busy() < max_threads.get() {
            return recruit;
        }
        state.monitored = true;
        Some(Recruit::Monitor)
    }

    /// Whether a job that comes, whenever that is, needs nobody to be called for it, when `leaving` of the busy workers are
    /// gone.
    fn is_attended(&self, state: &State, leaving: usize) -> bool {
        let busy = state.busy() - leaving;
        let searching = state.growth.searching;
        searching > 0
            || state.is_watched(busy, leaving == 0 && state.idle.is_empty())
            || (state.monitored && busy >= self.settings.max_threads.get())
    }

    /// Opens the outbox, if it may be.
    fn try_open(&self, state: &mut State) {
        let may = !state.open && !state.closed && !state.strict && state.waits == 0;
        if may && self.is_attended(state, 0) {
            state.open = state.queues.hand_over(&self.outbox);
        }
    }

    /// Closes the outbox. What is in it stands in the queue again.
    pub(super) fn recall(&self, state: &mut State) {
        if std::mem::take(&mut state.open) {
            state.queues.take_back(&self.outbox);
        }
    }

    /// A view that was at its limit has its turn again.
    fn recall_for_others(&self, state: &mut State) {
        if state.open && state.queues.is_ready() {
            self.recall(state);
        }
    }

    /// A worker is about to sleep or to end. Whether there is something to do for it after all.
    pub(super) fn has_come(&self, state: &mut State) -> bool {
        if !state.open || self.is_attended(state, 1) {
            return false;
        }
        self.recall(state);
        self.has_work(state)
    }

    /// How long a worker may look for another job before it sleeps.
    pub(super) fn begin_linger(&self, state: &mut State) -> Option<Duration> {
        let limit = state.growth.begin_linger()?;
        let taken = self.taken(state);
        state.growth.brevity.end(taken);
        // ORDERING: Relaxed: a hint. Before the lock of the outbox's back is taken below, so that a push which this wipes out has its job in
        // there when the worker looks.
        self.pushed.store(false, Ordering::Relaxed);
        self.try_open(state);
        if state.open {
            self.outbox.expect_soon(true);
        }
        Some(limit)
    }

    /// It has looked; a job came after `waited`, if one came.
    pub(super) fn end_linger(&self, state: &mut State, ended: Instant, waited: Duration) {
        let hit = self.has_work(state);
        if hit {
            let taken = self.taken(state);
            state.growth.brevity.begin(ended, taken);
        } else if state.open {
            // Whoever comes next finds everybody asleep.
            self.outbox.expect_soon(false);
        }
        state.growth.end_linger(&if hit { Found::After(waited) } else { Found::Nothing });
    }

    /// Takes a job for `tenant`; a patient one waits for room, where the queue has a limit.
    pub(super) fn execute(self: &Arc<Self>, tenant: usize, job: Job, patient: bool) -> Result<(), Refused> {
        let nested = is_own_thread(self);
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
            return Err(Refused::Shutdown);
        }
        let has_work = self.has_work(&state);
        if state.growth.is_expected_soon(has_work) {
            job.expect_soon();
        }
        let mut spent = Vec::new();
        let manner = Manner { patient, nested };
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
        drop(state);
        // ORDERING: Relaxed: a hint; who acts on it takes the lock.
        self.pushed.store(true, Ordering::Relaxed);
        drop(spent);
        if let Some(recruit) = recruit {
            self.call_in(recruit);
        }
        Ok(())
    }

    /// The next job that may be started, under the lock.
    pub(super) fn pop(&self, state: &mut State) -> Option<Taken> {
        self.recall_for_others(state);
        if state.open {
            return self.outbox.take().map(|entry| Taken { entry, tenant: OWN, keeps_turn: false });
        }
        let taken = state.queues.pop_awaited().or_else(|| state.queues.pop())?;
        state.growth.taken += 1;
        Some(taken)
    }

    /// Jobs that were taken so far.
    pub(super) fn taken(&self, state: &State) -> u64 {
        state.growth.taken + self.outbox.taken()
    }

    /// Returns whether the recruit comes.
    pub(super) fn call_in(self: &Arc<Self>, recruit: Recruit) -> bool {
        match recruit {
            Recruit::Wake(sleeper) => {
                sleeper.wake();
                true
            }
            Recruit::Start(key, role) => self.start_thread(key, role),
            Recruit::Monitor => {
                super::monitor::look_after(self);
                true
            }
        }
    }

    /// After something has changed that lets a job start.
    pub(super) fn go_on(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.growth.lingering && self.has_work(&state) {
            // ORDERING: Relaxed: a hint, as in `execute`.
            self.pushed.store(true, Ordering::Relaxed);
        }
        let recruit = self.ensure_progress(&mut state);
        drop(state);
        if let Some(recruit) = recruit {
            self.call_in(recruit);
        }
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
