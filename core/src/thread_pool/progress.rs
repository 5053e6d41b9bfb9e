//! Who is called when there is work, and when the outbox is open: so that no job is stranded, as `README.md` beside this file
//! argues.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::growth::Role;
use super::queue::OWN;
use super::shared::{Member, Shared, State};
use super::sleeper::{Sleeper, Standing};
use super::sync::Instant;
use super::sync::atomic::Ordering;
use super::tenant::Tenant;
use crate::spin::Found;

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

    /// Takes an idle worker off the list, or reserves a thread, for `role`; if one more may work.
    pub(super) fn recruit(&mut self, max_threads: NonZeroUsize, role: Role) -> Option<Recruit> {
        if self.busy() + self.growth.searching >= max_threads.get() {
            return None;
        }
        self.call(max_threads.get().saturating_add(self.lent()), role)
    }

    /// Calls an idle worker, or a new one unless there are so many threads.
    pub(super) fn call(&mut self, most: usize, role: Role) -> Option<Recruit> {
        if let Some(sleeper) = self.recruit_idle(role) {
            return Some(Recruit::Wake(sleeper));
        }
        if self.threads >= most {
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
}

impl Shared {
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
        if let Some(recruit) = state.recruit_for_calls() {
            return Some(recruit);
        }
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

    /// Whether the monitor has to be called in, since this tenant is a view with calls that its limit keeps from being
    /// started: nobody would be called for those, whatever becomes of the ones that run. Asked where that may begin.
    pub(super) fn begins_to_hold_back(&self, state: &mut State, tenant: usize) -> bool {
        if tenant == OWN || state.monitored || !state.queues.tenant(tenant).is_some_and(Tenant::is_held_back)
        {
            return false;
        }
        state.monitored = true;
        true
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
    pub(super) fn recall_for_others(&self, state: &mut State) {
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
}
