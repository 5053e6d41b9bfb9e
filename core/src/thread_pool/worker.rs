//! What a thread of the pool does.

use std::sync::Arc;
use std::time::Duration;

use super::employment::{Employee, Post, set_post, set_tenant};
use super::growth::{Pace, Role};
use super::progress::Recruit;
use super::queue::{OWN, Taken};
use super::samples::Entry;
use super::shared::{Shared, State};
use super::sleeper::{Sleeper, Standing};
use super::sync::atomic::Ordering;
use super::sync::{Instant, MutexGuard, spin};
use crate::catch::quietly;
use crate::task::Ran;

/// So many short calls in the queue are more than one worker gets through in a moment.
const BACKLOG: usize = 64;

pub(super) fn work(shared: &Arc<Shared>, key: usize, role: Role) {
    let employee = {
        let mut state = shared.lock();
        // Before the hook, which may take a while: it runs, and others have cores as well.
        state.growth.arrive();
        state.staff.get(key).map(|member| member.employee.clone()).unwrap_or_default()
    };
    // The thread may belong to somebody who uses it again: see `Builder::spawn_handler`.
    let before = set_post(Some(Post { shared: shared.clone(), employee: employee.clone() }));
    if let Some(hook) = &shared.settings.on_thread_start {
        quietly(|| hook());
    }
    let sleeper = Arc::new(Sleeper::here());
    let mut worker =
        Worker { shared, employee, sleeper, role: Some(role), worked: false, was_awaited: false };
    while let Some(taken) = worker.next(key) {
        worker.run(taken);
        worker.worked = true;
    }
    if let Some(hook) = &shared.settings.on_thread_stop {
        quietly(|| hook());
    }
    drop(set_post(before));
}

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    employee: Arc<Employee>,
    sleeper: Arc<Sleeper>,
    /// What it was woken or started for, until it has done it.
    role: Option<Role>,
    /// Has run a job, or was called to one, since it last slept.
    worked: bool,
    /// Its last job had a place that another call has lent.
    was_awaited: bool,
}

impl<'a> Worker<'a> {
    /// The next job; `None` when this thread is to end, which is then booked already.
    fn next(&mut self, key: usize) -> Option<Taken> {
        if self.role.is_none()
            && !self.was_awaited
            && let Some(entry) = self.shared.outbox.take()
        {
            return Some(Taken::own(entry));
        }
        let settings = &self.shared.settings;
        let mut state = self.shared.lock();
        state.awaited -= usize::from(std::mem::take(&mut self.was_awaited));
        let mut slept_out = false;
        loop {
            if self.role == Some(Role::Watcher) {
                state = self.watch(state);
            }
            self.play_out(&mut state);
            self.shared.relax(&mut state);
            if let Some(taken) = self.shared.pop(&mut state) {
                let recruit = self.shared.ensure_progress(&mut state);
                let holds_back = self.shared.begins_to_hold_back(&mut state, taken.tenant);
                drop(state);
                if let Some(recruit) = recruit {
                    self.shared.call_in(recruit);
                }
                if holds_back {
                    self.shared.call_in(Recruit::Monitor);
                }
                return Some(taken);
            }
            let ends = state.closed || (slept_out && state.threads > settings.min_threads);
            // There may be work for which no place is free: C17.
            if !ends
                && std::mem::take(&mut self.worked)
                && !self.shared.has_work(&state)
                && let Some(limit) = self.shared.begin_linger(&mut state)
            {
                state = self.linger(state, limit);
                continue;
            }
            if self.shared.has_come(&mut state) {
                continue;
            }
            if ends {
                self.shared.thread_ended(state, key);
                return None;
            }
            (state, slept_out) = self.sleep(state);
        }
    }

    /// Runs a job, and the short ones behind it that belong to the same runtime.
    fn run(&mut self, Taken { entry, tenant, spent, is_awaited }: Taken) {
        self.was_awaited = is_awaited;
        if !spent.is_empty() {
            quietly(|| drop(spent));
        }
        if tenant == OWN {
            let driver = entry.driver;
            // With none, there is nothing to be left and entered again between two jobs.
            let mut more = || {
                while driver != 0
                    && let Some(entry) = self.shared.outbox.take_if(|entry| entry.driver == driver)
                {
                    self.run_timed(entry, OWN, &mut || {}, |queued, ran| {
                        self.shared.timings.record(queued, ran)
                    });
                }
            };
            self.run_timed(entry, OWN, &mut more, |queued, ran| self.shared.timings.record(queued, ran));
            return;
        }
        let mut times = None;
        let ran = self.run_timed(entry, tenant, &mut || {}, |queued, ran| times = Some((queued, ran)));
        let mut state = self.shared.lock();
        let mut timings = None;
        if let Some(tenant) = state.queues.tenant_mut(tenant) {
            tenant.counts.note(ran);
            timings = Some(tenant.timings.clone());
        }
        state.queues.give_back(tenant);
        self.shared.go_on(state);
        if let (Some((queued, ran)), Some(timings)) = (times, timings) {
            timings.record(queued, ran);
            // The pool's figures include its views'.
            self.shared.timings.record(queued, ran);
        }
    }

    /// Runs one job; `record` is called for those whose times are measured.
    fn run_timed(
        &self,
        entry: Entry,
        tenant: usize,
        more: &mut dyn FnMut(),
        record: impl FnOnce(u64, u64),
    ) -> Ran {
        let Entry { job, queued_at, .. } = entry;
        let begun = if queued_at == 0 { 0 } else { self.shared.now() };
        self.employee.begin(&job, tenant);
        let mut ended = None;
        // A job catches what its closure does; this is for a limiter's foreign pool behind it.
        let mut ran = Ran::Panicked;
        let mut after = || {
            if queued_at != 0 {
                ended = Some(self.shared.now());
            }
            more();
        };
        let before = set_tenant(Some(tenant));
        quietly(|| ran = job.run_then(&mut after));
        set_tenant(before);
        self.employee.end();
        self.employee.tally.note(ran);
        if let Some(ended) = ended {
            record(begun.saturating_sub(queued_at), ended.saturating_sub(begun));
        }
        ran
    }

    fn play_out(&mut self, state: &mut State) {
        if let Some(role) = self.role.take() {
            state.growth.discharge(role);
        }
    }

    /// Looks for another job for a moment, without the lock: a wake-up would cost the submitter more.
    fn linger(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        drop(state);
        let begun = Instant::now();
        // What came into the outbox before the mark was cleared has left none.
        if self.shared.outbox.is_empty() {
            // ORDERING: Relaxed: a hint, cleared in `begin_linger`. A push that it does not show yet is found when the time
            // is up, under the lock.
            spin(limit, || self.shared.pushed.load(Ordering::Relaxed));
        }
        let ended = Instant::now();
        let mut state = self.shared.lock();
        self.shared.end_linger(&mut state, ended, ended.duration_since(begun));
        state
    }

    /// Sleeps until recruited. Returns whether it slept for the whole of keep_alive.
    fn sleep(&mut self, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        self.sleeper.stand(Standing::Listed);
        state.idle.push(self.sleeper.clone());
        let settings = &self.shared.settings;
        // An idle pool wakes up never (C12): those that stay sleep for ever.
        let limit = if state.threads > settings.min_threads { settings.keep_alive } else { Duration::MAX };
        drop(state);
        let timed_out = self.sleeper.sleep(limit);
        state = self.shared.lock();
        match self.sleeper.stand(Standing::Off) {
            Standing::Recruited(role) => {
                state.growth.arrive();
                self.role = Some(role);
                // Others may do the work before it comes, who leave it to this one to linger.
                self.worked = true;
                (state, false)
            }
            // Not timed out: a wake that was meant for a job which this worker has run already.
            Standing::Listed => {
                state.idle.retain(|idle| !Arc::ptr_eq(idle, &self.sleeper));
                (state, timed_out)
            }
            Standing::Off => {
                state.dismissed -= 1;
                (state, false)
            }
        }
    }

    /// Takes workers on while calls are slow; see `growth`. Comes back when there is nothing to watch any
    /// more, for a whole tick, or when it is needed as a worker itself.
    fn watch(&mut self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut pace = Pace::new();
        let mut moves = false;
        // How things stood when workers were called last: that takes a while, which is a part of the tick.
        let mut seen = None;
        loop {
            let waited = self.shared.has_work(&state);
            if !moves && !waited {
                break;
            }
            let look = || (state.busy(), self.shared.taken(&state), Instant::now());
            let (busy, before, start) = seen.take().unwrap_or_else(look);
            drop(state);
            let left = pace.tick.saturating_sub(start.elapsed());
            if !left.is_zero() {
                self.sleeper.sleep(left);
            }
            state = self.shared.lock();
            let taken = self.shared.taken(&state) - before;
            moves = taken > 0;
            let waits = self.shared.has_work(&state);
            if !waited || !waits {
                // Workers had nothing to do for a part of the tick, so that it says nothing of their calls.
                pace.start_over(waits);
                continue;
            }
            if taken == 0 && state.growth.is_anybody_coming() && pace.holds(start.elapsed()) {
                continue;
            }
            let queued = self.shared.queued(&state);
            let mut step = pace.judge(busy.max(1), start.elapsed(), taken);
            let enough = if state.growth.brevity.is_short() { BACKLOG } else { 0 };
            if step == 0 && state.busy() < state.growth.cores && queued > enough {
                // Not slow, but more than one worker gets through.
                step = 1;
            }
            if step == 0 {
                continue;
            }
            let waiting = queued.saturating_sub(state.growth.searching);
            // When all that wait are to have a worker, it is itself one of them, rather than a thread too many.
            let joins = waiting > 0 && step >= waiting;
            let recruits: Vec<_> = (0..step.min(waiting) - usize::from(joins))
                .map_while(|_| state.recruit(self.shared.settings.max_threads, Role::Searcher))
                .collect();
            if recruits.is_empty() && waiting > 0 {
                break;
            }
            seen = Some((state.busy(), self.shared.taken(&state), Instant::now()));
            drop(state);
            let mut refused = false;
            for recruit in recruits {
                refused |= !self.shared.call_in(recruit);
            }
            state = self.shared.lock();
            if refused || joins {
                break;
            }
        }
        state
    }
}
