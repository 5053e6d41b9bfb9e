//! What a thread of the pool does.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::growth::{LINGER, Pace, Role};
use super::shared::{Shared, State};
use super::sleeper::{Sleeper, Standing};
use crate::catch::quietly;
use crate::pool::Job;
use crate::spin::spin;

thread_local! {
    /// The pool that this thread works for, by its address.
    static EMPLOYER: Cell<usize> = const { Cell::new(0) };
}

fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}

/// Whether this code runs on one of the pool's own threads.
pub(super) fn is_own_thread(shared: &Arc<Shared>) -> bool {
    EMPLOYER.try_with(Cell::get).is_ok_and(|employer| employer == address(shared))
}

pub(super) fn work(shared: &Arc<Shared>, key: usize, role: Role) {
    EMPLOYER.set(address(shared));
    if let Some(hook) = &shared.settings.on_thread_start {
        quietly(|| hook());
    }
    let mut worker = Worker { shared, sleeper: Arc::new(Sleeper::here()), role: Some(role), worked: false };
    while let Some(job) = worker.next(key) {
        // A job catches what its closure does; this is for a limiter's foreign pool behind it.
        quietly(|| job.run());
        worker.worked = true;
    }
    if let Some(hook) = &shared.settings.on_thread_stop {
        quietly(|| hook());
    }
    // The thread may belong to somebody who uses it again: see `Builder::spawn_handler`.
    EMPLOYER.set(0);
}

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    sleeper: Arc<Sleeper>,
    /// What it was woken or started for, until it has done it.
    role: Option<Role>,
    /// Has run a job since it last slept.
    worked: bool,
}

impl<'a> Worker<'a> {
    /// The next job; `None` when this thread is to end, which is then booked already.
    fn next(&mut self, key: usize) -> Option<Job> {
        let mut state = self.shared.lock();
        let mut slept_out = false;
        loop {
            if self.role == Some(Role::Watcher) {
                state = self.watch(state);
            }
            if let Some(job) = state.queue.pop_front() {
                self.play_out(&mut state);
                state.growth.taken += 1;
                let recruit = state.ensure_progress(self.shared.settings.max_threads);
                drop(state);
                if let Some(recruit) = recruit {
                    self.shared.call_in(recruit);
                }
                return Some(job);
            }
            self.play_out(&mut state);
            if state.closed || (slept_out && state.threads > self.shared.settings.min_threads) {
                self.shared.thread_ended(state, key);
                return None;
            }
            if std::mem::take(&mut self.worked) && state.growth.begin_linger() {
                state = self.linger(state);
                continue;
            }
            (state, slept_out) = self.sleep(state);
        }
    }

    fn play_out(&mut self, state: &mut State) {
        if let Some(role) = self.role.take() {
            state.growth.discharge(role);
        }
    }

    /// Looks for another job for a moment, without the lock: a wake-up would cost the submitter more.
    fn linger(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let pushed = &self.shared.pushed;
        // ORDERING: Relaxed: a hint, reset under the lock while the queue is empty. A push that it
        // does not show yet is found when the time is up, under the lock.
        pushed.store(false, Ordering::Relaxed);
        drop(state);
        // ORDERING: Relaxed, as above.
        spin(LINGER, || pushed.load(Ordering::Relaxed));
        let mut state = self.shared.lock();
        let hit = !state.queue.is_empty();
        state.growth.end_linger(hit);
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
                self.role = Some(role);
                (state, false)
            }
            // Not timed out: a wake that was meant for a job which this worker has run already.
            Standing::Listed => {
                state.idle.retain(|idle| !Arc::ptr_eq(idle, &self.sleeper));
                (state, timed_out)
            }
            Standing::Off => (state, false),
        }
    }

    /// Takes workers on while calls are slow; see `growth`. Comes back when there is nothing to watch any
    /// more, or when it is needed as a worker itself.
    fn watch(&mut self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut pace = Pace::new();
        while !state.queue.is_empty() {
            let (busy, taken, start) = (state.busy(), state.growth.taken, Instant::now());
            drop(state);
            self.sleeper.sleep(pace.tick);
            state = self.shared.lock();
            let step = pace.judge(busy, start.elapsed(), state.growth.taken - taken);
            if step == 0 {
                continue;
            }
            let waiting = state.queue.len().saturating_sub(state.growth.searching);
            let recruits: Vec<_> = (0..step.min(waiting))
                .map_while(|_| state.recruit(self.shared.settings.max_threads, Role::Searcher))
                .collect();
            if recruits.is_empty() && waiting > 0 {
                break;
            }
            drop(state);
            let mut refused = false;
            for recruit in recruits {
                refused |= !self.shared.call_in(recruit);
            }
            state = self.shared.lock();
            if refused {
                break;
            }
        }
        self.play_out(&mut state);
        state
    }
}
