//! Looks after pools that have work and nobody to take it, and reports those in which nothing moves.
//!
//! A pool registers when somebody finds that there is work and nobody who could come, or that a view has calls which its limit
//! keeps from being started, and stays until nothing is queued in it. The process's [`monitor`] looks at those that are registered.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::metrics::Timings;
use super::shared::{Shared, State};
use super::sync::{Instant, call_monitor_in};
use super::tenant::Tenant;
use crate::catch::quietly;
use crate::monitor;
use crate::warning::{self, RunningCall, StallCause, StallReport};

/// How long nothing has to move in a pool with work for a report.
const STALL: Duration = monitor::TICK;

struct Watched {
    pool: Weak<Shared>,
    /// Of the jobs that may be started, if there were any at the last look.
    standstill: Option<Standstill>,
    /// Of the views that are at their limit, by key. A view is known again by its times, for keys are used again.
    views: HashMap<usize, (Arc<Timings>, Standstill)>,
    /// How many calls each thread had seen, and since when.
    calls: HashMap<usize, (u64, Instant)>,
}

/// For how long nothing has moved.
struct Standstill {
    /// Jobs that had moved when it was looked at last, and since when it has been so many.
    moved: u64,
    since: Instant,
    reported: bool,
}

impl Standstill {
    fn new(moved: u64, now: Instant) -> Self {
        Self { moved, since: now, reported: false }
    }

    /// For how long, if that is to be told of: once, until something moves. What nobody waits for stands for no time;
    /// `is_awaited` takes a look at the jobs, and is asked only where it matters.
    fn judge(&mut self, moved: u64, now: Instant, is_awaited: impl FnOnce() -> bool) -> Option<Duration> {
        if moved != self.moved {
            *self = Self::new(moved, now);
        }
        let stalled_for = now.duration_since(self.since);
        if self.reported || stalled_for < STALL {
            return None;
        }
        if !is_awaited() {
            self.since = now;
            return None;
        }
        self.reported = true;
        Some(stalled_for)
    }
}

/// A thread's call, as it is found in a look, and whose it is.
struct Found {
    tenant: usize,
    call: RunningCall,
}

#[cfg(not(all(test, loom)))]
static POOLS: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
// Of each run of a model, its own.
#[cfg(all(test, loom))]
loom::lazy_static! {
    static ref POOLS: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
}

fn lock() -> MutexGuard<'static, Vec<Watched>> {
    // Books alone are kept under it.
    POOLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks after a pool until it has nothing queued. The caller has marked it as monitored.
pub(super) fn look_after(pool: &Arc<Shared>) {
    let mut watched = Watched {
        pool: Arc::downgrade(pool),
        standstill: None,
        views: HashMap::new(),
        calls: HashMap::new(),
    };
    watched.look(pool);
    lock().push(watched);
    if call_monitor_in().is_err() {
        // No thread to be had: the next saturated push tries again.
        let pools = std::mem::take(&mut *lock());
        for pool in pools.iter().filter_map(|watched| watched.pool.upgrade()) {
            let mut state = pool.lock();
            state.monitored = false;
            // Open because of it, perhaps. Who was there to look at the queue still is; to ask for the monitor again
            // would end here again, and never come back.
            pool.recall(&mut state);
        }
    }
}

/// For the monitor: whether it has to come back.
pub(crate) fn has_pools_to_look_at() -> bool {
    !lock().is_empty()
}

/// For the monitor: reports the pools in which nothing moves, and lets go of those that have nothing queued.
pub(crate) fn look_at_pools() {
    let mut pools = std::mem::take(&mut *lock());
    pools.retain_mut(|watched| {
        let Some(pool) = watched.pool.upgrade() else { return false };
        for report in watched.look(&pool) {
            if let Some(hook) = &pool.settings.on_stall {
                quietly(|| hook(&report));
            }
            warning::stalled(&report);
        }
        let mut state = pool.lock();
        state.monitored = pool.queued(&state) > 0;
        let stays = state.monitored;
        // The outbox may have been open because of it.
        pool.go_on(state);
        stays
    });
    lock().append(&mut pools);
}

impl Watched {
    /// What is to be told of: where nothing has moved for long enough, each once, until something moves there.
    fn look(&mut self, pool: &Shared) -> Vec<StallReport> {
        let now = Instant::now();
        let state = pool.lock();
        let found = self.look_at_threads(&state, now);
        let report = |cause, queued, stalled_for, calls: Vec<RunningCall>| StallReport {
            pool: pool.settings.name.clone(),
            cause,
            queued,
            stalled_for,
            calls,
        };
        let mut reports = Vec::new();
        self.views.retain(|key, (timings, _)| {
            state
                .queues
                .tenant(*key)
                .is_some_and(|view| view.is_held_back() && Arc::ptr_eq(timings, &view.timings))
        });
        for (key, view) in state.queues.tenants().filter(|(_, tenant)| tenant.is_held_back()) {
            let (_, standstill) = self
                .views
                .entry(key)
                .or_insert_with(|| (view.timings.clone(), Standstill::new(view.gone(), now)));
            if let Some(limit) = view.limit
                && let Some(stalled_for) = standstill.judge(view.gone(), now, || view.is_awaited())
            {
                let calls = found.iter().filter(|found| found.tenant == key).map(|found| found.call);
                reports.push(report(
                    StallCause::ViewLimit { limit },
                    view.len(),
                    stalled_for,
                    calls.collect(),
                ));
            }
        }
        let ready = || state.queues.tenants().filter(|(_, tenant)| tenant.listed).map(|(_, tenant)| tenant);
        let queued = ready().map(Tenant::len).sum::<usize>() + pool.outbox.len();
        if queued == 0 {
            self.standstill = None;
            return reports;
        }
        let taken = pool.taken(&state);
        let standstill = self.standstill.get_or_insert_with(|| Standstill::new(taken, now));
        let is_awaited = || ready().any(Tenant::is_awaited) || pool.outbox.is_awaited();
        if let Some(stalled_for) = standstill.judge(taken, now, is_awaited) {
            let cause = if state.busy() < pool.settings.max_threads.get() {
                StallCause::NoThread { threads: state.threads }
            } else {
                StallCause::MaxThreads
            };
            let calls = found.iter().map(|found| found.call).collect();
            reports.push(report(cause, queued, stalled_for, calls));
        }
        reports
    }

    /// What the threads run, the longest first.
    fn look_at_threads(&mut self, state: &State, now: Instant) -> Vec<Found> {
        self.calls.retain(|key, _| state.staff.contains(*key));
        let mut found = Vec::new();
        for (key, member) in &state.staff {
            let employee = &member.employee;
            let seen = employee.tally.seen();
            let since = self.calls.entry(key).or_insert((seen, now));
            if since.0 != seen {
                *since = (seen, now);
            }
            if let (Some(place), Some((_, tenant))) = (employee.place(), employee.closure()) {
                let running_for = now.duration_since(since.1);
                found.push(Found { tenant, call: RunningCall { place, running_for } });
            }
        }
        found.sort_by_key(|found| Reverse(found.call.running_for));
        found
    }
}
