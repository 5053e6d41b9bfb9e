//! The calls that wait for an actor, and who takes them out.
//!
//! One lock over a queue and a mark that says whether somebody is at it (`Staff`). Nobody who is at it leaves
//! before it has found the queue empty under that lock; and a push that finds nobody calls somebody in. So no call
//! is stranded, and no two run at the same time. All foreign code (jobs, pools, hooks) is called and dropped
//! without the lock.
//!
//! Who is at the queue takes all of it at once, and then call after call from what it has taken, which is behind a lock of
//! its own: the two locks are touched by two threads, each of which would otherwise wait for the other at every call.
//! Who needs both takes that of the queue first.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pump::Rented;
use super::thread::OwnThread;
use crate::catch::quietly;
use crate::error::TaskError;
use crate::pool::{Job, Refused, SWEEP, sweep};
use crate::spin::{Found, look};
use crate::task::Urgency;
use crate::thread_pool::{Growth, same_error};

pub(super) struct Mailbox {
    state: Mutex<State>,
    /// What was taken out of the queue and has not begun: it comes before what is queued.
    taken: Apart<Mutex<VecDeque<Job>>>,
    /// Rung for the actor's thread when it sleeps.
    bell: Condvar,
    /// Raised by a push, for a thread that lingers without the lock.
    pushed: AtomicBool,
    /// The most calls that wait, but for those that are patient.
    limit: usize,
    pub(super) engine: Engine,
    /// Where the actor was made.
    pub(super) place: &'static Location<'static>,
}

/// On cache lines of its own.
#[repr(align(128))]
struct Apart<T>(T);

/// Who runs the calls.
pub(super) enum Engine {
    Thread(OwnThread),
    Pool(Rented),
}

struct State {
    /// What makes the value: before everything else, and whatever the limit.
    first: Option<Job>,
    queue: VecDeque<Job>,
    closed: Option<Closed>,
    staff: Staff,
    /// How long its thread lingers before it sleeps.
    growth: Growth,
    /// The length at which the queue is cleared of cancelled calls.
    sweep_at: usize,
}

/// Why it takes no more.
#[derive(Clone)]
pub(super) enum Closed {
    Shutdown,
    Poisoned(Arc<str>),
}

impl Closed {
    fn reason(&self) -> Refused {
        match self {
            Self::Shutdown => Refused::Shutdown,
            Self::Poisoned(why) => Refused::Poisoned(why.clone()),
        }
    }
}

/// Who is at the queue.
#[derive(Clone, Copy, PartialEq)]
enum Staff {
    /// Nobody. Nothing is queued then.
    Absent,
    /// Somebody runs calls, or is on the way.
    AtWork,
    /// The actor's thread waits for the bell.
    Asleep,
}

/// How a call is queued.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Manner {
    /// Refused if the queue is full.
    Now,
    /// Waits for room. The queue is as long as the limit; behind it the patient ones stand in line, in the same order.
    Patient,
    /// Makes the value.
    First,
    /// Nothing comes after it.
    Last,
}

impl State {
    fn has_work(&self) -> bool {
        self.first.is_some() || !self.queue.is_empty()
    }

    /// Takes cancelled calls out, to be dropped without the lock.
    fn sweep(&mut self) -> Vec<Job> {
        sweep(&mut self.queue, &mut self.sweep_at, Job::is_cancelled)
    }
}

impl Mailbox {
    pub(super) fn new(limit: Option<usize>, engine: Engine, place: &'static Location<'static>) -> Arc<Self> {
        let state = State {
            first: None,
            queue: VecDeque::new(),
            closed: None,
            staff: Staff::Absent,
            growth: Growth::lingering(),
            sweep_at: SWEEP,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            taken: Apart(Mutex::new(VecDeque::new())),
            bell: Condvar::new(),
            pushed: AtomicBool::new(false),
            limit: limit.unwrap_or(usize::MAX),
            engine,
            place,
        })
    }

    /// Its address, for as long as it lives.
    pub(super) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing foreign runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, VecDeque<Job>> {
        // As above.
        self.taken.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call that is not patient has no room. Only with a limit it looks at what was taken.
    fn is_full(&self, state: &State) -> bool {
        let queued = state.queue.len();
        queued >= self.limit || (self.limit < usize::MAX && queued + self.taken().len() >= self.limit)
    }

    /// Takes all that is queued: the first of it is given, the others wait in `taken`, which is empty.
    fn take(&self, state: &mut State) -> Option<Job> {
        if let Some(first) = state.first.take() {
            return Some(first);
        }
        let job = state.queue.pop_front()?;
        if !state.queue.is_empty() {
            std::mem::swap(&mut state.queue, &mut *self.taken());
        }
        Some(job)
    }

    /// Everything that waits.
    fn drain(&self, state: &mut State) -> Vec<Job> {
        let mut taken = self.taken();
        state.first.take().into_iter().chain(taken.drain(..)).chain(state.queue.drain(..)).collect()
    }

    /// Takes a call.
    pub(super) fn push(self: &Arc<Self>, job: Job, manner: Manner) -> Result<(), Refused> {
        let mut state = self.lock();
        if let Some(closed) = &state.closed {
            let reason = closed.reason();
            drop(state);
            drop(job);
            return Err(reason);
        }
        let is_full = manner == Manner::Now && self.is_full(&state);
        let mut spent =
            if is_full || state.queue.len() >= state.sweep_at { state.sweep() } else { Vec::new() };
        if is_full {
            // Otherwise that only gets less.
            spent.extend(sweep(&mut self.taken(), &mut 0, Job::is_cancelled));
        }
        if is_full && self.is_full(&state) {
            drop(state);
            drop((job, spent));
            return Err(Refused::Full);
        }
        let has_work = state.has_work();
        if state.growth.is_expected_soon(has_work) {
            job.expect_soon();
        }
        match manner {
            Manner::First => state.first = Some(job),
            Manner::Now | Manner::Patient => state.queue.push_back(job),
            Manner::Last => {
                state.closed = Some(Closed::Shutdown);
                state.queue.push_back(job);
            }
        }
        let staff = std::mem::replace(&mut state.staff, Staff::AtWork);
        drop(state);
        drop(spent);
        match staff {
            // ORDERING: Relaxed: a hint; who acts on it takes the lock.
            Staff::AtWork => self.pushed.store(true, Ordering::Relaxed),
            Staff::Asleep => self.bell.notify_one(),
            Staff::Absent => self.call_in(),
        }
        Ok(())
    }

    fn call_in(self: &Arc<Self>) {
        match &self.engine {
            Engine::Thread(thread) => thread.start(self),
            Engine::Pool(rented) => rented.start(self),
        }
    }

    /// The actor's thread takes its next call, for which it may sleep; `None` at the end. It lingers before, unless
    /// whether to was asked just now.
    pub(super) fn next(&self, mut lingered: bool) -> Option<Job> {
        if let Some(job) = self.taken().pop_front() {
            return Some(job);
        }
        let mut state = self.lock();
        loop {
            if let Some(job) = self.take(&mut state) {
                return Some(job);
            }
            if state.closed.is_some() {
                state.staff = Staff::Absent;
                return None;
            }
            if !std::mem::replace(&mut lingered, true)
                && let Some(limit) = state.growth.begin_linger()
            {
                state = self.linger(state, limit);
                continue;
            }
            state.staff = Staff::Asleep;
            while state.staff == Staff::Asleep {
                state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The next call, if it runs under the same runtime. It lingers for it, too, as far as that pays, and notes in
    /// `lingered` that this was asked: to leave the runtime and to enter it again would add to the wait.
    pub(super) fn next_under(&self, driver: usize, lingered: &mut bool) -> Option<Job> {
        *lingered = false;
        {
            let mut taken = self.taken();
            if let Some(next) = taken.front() {
                return if next.driver() == driver { taken.pop_front() } else { None };
            }
        }
        let mut state = self.lock();
        if !state.has_work() && state.closed.is_none() {
            *lingered = true;
            if let Some(limit) = state.growth.begin_linger() {
                state = self.linger(state, limit);
            }
        }
        let next = state.first.as_ref().or_else(|| state.queue.front())?;
        if next.driver() == driver { self.take(&mut state) } else { None }
    }

    /// Looks for another call for a moment, without the lock: a wake-up would cost the submitter more.
    fn linger<'a>(&'a self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        // ORDERING: Relaxed: a hint, reset under the lock while the queue is empty. A push that it does not show yet
        // is found when the time is up, under the lock.
        self.pushed.store(false, Ordering::Relaxed);
        drop(state);
        let found = look(limit, || self.pushed.load(Ordering::Relaxed));
        let mut state = self.lock();
        let found = match found {
            Found::After(_) if !state.has_work() => Found::Nothing,
            found => found,
        };
        state.growth.end_linger(&found);
        state
    }

    /// A pool's thread takes the next call, or leaves; `true` says that nothing will come any more.
    pub(super) fn next_or_leave(&self) -> Result<Job, bool> {
        if let Some(job) = self.taken().pop_front() {
            return Ok(job);
        }
        let mut state = self.lock();
        self.take(&mut state).ok_or_else(|| {
            state.staff = Staff::Absent;
            state.closed.is_some()
        })
    }

    /// Whether a call waits.
    pub(super) fn has_work(&self) -> bool {
        !self.taken().is_empty() || self.lock().has_work()
    }

    /// Whether calls of pools, which lend their places, wait for what waits here.
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.lock();
        let taken = self.taken();
        let mut jobs = state.first.iter().chain(&*taken).chain(&state.queue);
        jobs.any(|job| job.urgency() == Urgency::Awaited)
    }

    /// Whoever was called in does not come: what is queued ends in the reason.
    pub(super) fn staff_failed(&self, reason: &TaskError) {
        let stranded = {
            let mut state = self.lock();
            state.staff = Staff::Absent;
            self.drain(&mut state)
        };
        for job in stranded {
            job.refuse(match reason {
                TaskError::Full => Refused::Full,
                TaskError::NoThread(error) => Refused::NoThread(same_error(error)),
                TaskError::NoPool(why) => Refused::NoPool(why.clone()),
                _ => Refused::Shutdown,
            });
        }
    }

    /// The value is gone: what is queued, and what comes, ends in the reason.
    pub(super) fn poison(&self, why: &Arc<str>) {
        let queued = {
            let mut state = self.lock();
            state.closed = Some(Closed::Poisoned(why.clone()));
            self.drain(&mut state)
        };
        for job in queued {
            quietly(|| job.refuse(Refused::Poisoned(why.clone())));
        }
    }

    /// Takes no more, if there is nothing that a thread would have to do for that: no value, and nothing queued.
    pub(super) fn close_unstaffed(&self) -> bool {
        let mut state = self.lock();
        let nothing = state.staff == Staff::Absent && matches!(self.engine, Engine::Thread(_));
        if nothing && state.closed.is_none() {
            state.closed = Some(Closed::Shutdown);
        }
        nothing || state.closed.is_some()
    }

    /// Whether it takes no more, and how many calls wait.
    pub(super) fn standing(&self) -> (bool, usize) {
        let state = self.lock();
        (state.closed.is_some(), state.queue.len() + self.taken().len())
    }
}
