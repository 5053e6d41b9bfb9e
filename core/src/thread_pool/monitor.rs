//! Looks after pools that have work and nobody to take it, and reports those in which nothing moves.
//!
//! A pool registers when somebody finds that there is work and nobody who could come, and stays until nothing is queued in
//! it. The process's [`monitor`] looks at those that are registered.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::shared::Shared;
use super::sync::{Instant, call_monitor_in};
use crate::catch::quietly;
use crate::monitor;
use crate::warning::{self, RunningCall, StallReport};

/// How long nothing has to move in a pool with work for a report.
const STALL: Duration = monitor::TICK;

struct Watched {
    pool: Weak<Shared>,
    /// Jobs taken when it was looked at last, and since when it has been so many.
    taken: u64,
    since: Instant,
    reported: bool,
    /// How many calls each thread had seen, and since when.
    calls: HashMap<usize, (u64, Instant)>,
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
        taken: 0,
        since: Instant::now(),
        reported: false,
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
        let report = watched.look(&pool);
        if let Some(report) = report {
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
    /// A report, if nothing has moved for long enough; once, until something moves.
    fn look(&mut self, pool: &Shared) -> Option<StallReport> {
        let now = Instant::now();
        let (taken, queued, places) = {
            let state = pool.lock();
            let places: Vec<(usize, u64, Option<&'static Location<'static>>)> = state
                .staff
                .iter()
                .map(|(key, member)| (key, member.employee.tally.seen(), member.employee.place()))
                .collect();
            (pool.taken(&state), pool.queued(&state), places)
        };
        self.calls.retain(|key, _| places.iter().any(|(other, ..)| other == key));
        let mut calls = Vec::new();
        for (key, seen, place) in places {
            let since = self.calls.entry(key).or_insert((seen, now));
            if since.0 != seen {
                *since = (seen, now);
            }
            if let Some(place) = place {
                calls.push(RunningCall { place, running_for: now.duration_since(since.1) });
            }
        }
        if taken != self.taken || queued == 0 {
            (self.taken, self.since, self.reported) = (taken, now, false);
            return None;
        }
        let stalled_for = now.duration_since(self.since);
        if self.reported || stalled_for < STALL {
            return None;
        }
        self.reported = true;
        calls.sort_by_key(|call| std::cmp::Reverse(call.running_for));
        Some(StallReport { pool: pool.settings.name.clone(), queued, stalled_for, calls })
    }
}
