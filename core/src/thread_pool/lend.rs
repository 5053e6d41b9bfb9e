//! A call that waits for another one lends its place meanwhile (C17).
//!
//! Without that, a pool whose threads all wait for calls in its own queue would wait for ever. While a call
//! waits, its thread does not count as busy, so that another may be started in its stead; when it goes on, it
//! counts again, at once, and until the pool is back at `max_threads` no further job is started. At most
//! `max_threads` places are lent. When those have come to wait as well, one more thread serves all of them, and another one where that
//! comes to wait: see `serving`. So the pool has no more than twice as many threads, and those.

use std::sync::Arc;
use std::time::Duration;

use super::employment::{employer, tenant};
use super::progress::Recruit;
use super::serving::{SERVING, STUCK, Standstill};
use super::shared::{Shared, State};
use crate::origin::this_thread;
use crate::park::LOOK;

/// A call that waits.
pub(crate) struct Lender {
    shared: Arc<Shared>,
    tenant: usize,
}

/// The place of a call that waits; taken back on whatever thread: by who wakes the call.
#[must_use]
pub(crate) struct Lent {
    shared: Arc<Shared>,
    tenant: usize,
    /// Of the call that waits.
    thread: usize,
    /// It waits for a job of a pool.
    awaits_job: bool,
}

/// Who has to be called after a place was lent or taken back, without any lock. Nobody, by default.
#[derive(Default)]
#[must_use]
pub(crate) struct Next {
    shared: Option<Arc<Shared>>,
    recruit: Option<Recruit>,
    holds_back: bool,
}

impl Next {
    pub(crate) fn call(self) {
        let Self { shared: Some(shared), recruit, holds_back } = self else { return };
        let monitor = holds_back.then_some(Recruit::Monitor);
        for recruit in recruit.into_iter().chain(monitor) {
            shared.call_in(recruit);
        }
    }
}

impl Lender {
    /// Whether this thread runs a call of a pool of ours.
    pub(crate) fn is_here() -> bool {
        tenant().is_some()
    }

    /// The call that this thread runs; `None` on a thread that belongs to no pool of ours.
    pub(crate) fn here() -> Option<Self> {
        Some(Self { shared: employer()?, tenant: tenant()? })
    }

    /// Lends its place, and says whether the call waits for a job of a pool. Somebody may have to be [called](Next::call) for it then,
    /// without any lock.
    pub(crate) fn lend(&self, awaits_job: bool) -> (Lent, Next) {
        let (shared, tenant) = (self.shared.clone(), self.tenant);
        let mut state = shared.lock();
        state.waits += 1;
        state.waits_for_others += usize::from(!awaits_job);
        let thread = this_thread();
        state.last_to_wait = thread;
        state.queues.begin_wait(tenant);
        state.strict = true;
        shared.recall(&mut state);
        state.search_for_calls();
        let recruit = shared.keep_going(&mut state);
        drop(state);
        let next = Next { shared: Some(shared.clone()), recruit, holds_back: false };
        (Lent { shared, tenant, thread, awaits_job }, next)
    }

    /// Whether somebody has to look, now and then, if the pool [is stuck](Self::is_stuck): more wait than can lend
    /// their places.
    pub(crate) fn needs_watching(&self) -> bool {
        let state = self.shared.lock();
        state.waits >= state.lendable
    }

    /// Whether every thread of the pool has waited for jobs for a while, with some of them in the queue, and none can take them: for one
    /// that waits for a job itself. What all wait for may be another job, whose part in it cannot be seen: after a while in which nothing
    /// moved the next one is run as if it was waited for, as long as there is a thread left. If nobody is left, and some wait for
    /// something else than jobs, that will end; or so it is taken to be.
    pub(crate) fn is_stuck(&self, awaits_job: bool) -> bool {
        let mut state = self.shared.lock();
        // More wait than can lend their places: also where no other thread was to be had.
        let nobody_runs = state.waits > state.lent() && state.running() == state.waits;
        if !self.shared.has_work(&state) {
            state.standstill = None;
            return false;
        }
        let taken = self.shared.taken(&state);
        let mut standstill = state.standstill.take().unwrap_or_else(|| Standstill::new(taken));
        standstill.look(nobody_runs, taken);
        // Who is at work may be so for long: none has come back since a look.
        let serves_beside = !nobody_runs && standstill.lasts >= LOOK && state.lacks_places(0);
        if serves_beside {
            standstill.lasts = Duration::ZERO;
        }
        let all_wait = standstill.all_wait;
        state.standstill = Some(standstill);
        let mut is_stuck = false;
        if serves_beside {
            state.serve_beside_others();
        } else if nobody_runs {
            state.search_for_calls();
            // Nobody is on the way either.
            if all_wait >= STUCK && state.growth.searching == 0 {
                is_stuck = state.end_standstill(all_wait, awaits_job);
            }
        }
        self.shared.go_on(state);
        is_stuck
    }

    /// What to say then.
    pub(crate) fn stuck_text(&self) -> String {
        let max_threads = self.shared.settings.max_threads;
        format!(
            "a call would wait for ever: all threads of the pool {:?}, twice its max_threads of {max_threads} and {SERVING} more \
             if the system gives so many, run calls that wait for others in its queue. Raise max_threads, nest calls less deeply, or \
             run the inner ones on another pool",
            self.shared.settings.name
        )
    }
}

impl Lent {
    pub(crate) fn take_back(self) -> Next {
        let Self { shared, tenant, thread, awaits_job } = self;
        let mut state = shared.lock();
        state.waits -= 1;
        state.waits_for_others -= usize::from(!awaits_job);
        if state.last_to_wait == thread {
            state.last_to_wait = 0;
        }
        state.queues.end_wait(tenant);
        shared.relax(&mut state);
        // Another's turn may have been its place.
        let holds_back = shared.begins_to_hold_back(&mut state, tenant);
        // Another call that waits may lend its place now.
        let recruit = if state.waits >= state.lendable { shared.keep_going(&mut state) } else { None };
        drop(state);
        Next { shared: Some(shared), recruit, holds_back }
    }
}

impl Shared {
    /// Lets workers take jobs without a look at the counts again, when these are back in order.
    pub(super) fn relax(&self, state: &mut State) {
        if state.strict && state.waits == 0 && state.busy() <= self.settings.max_threads.get() {
            state.strict = false;
        }
    }
}
