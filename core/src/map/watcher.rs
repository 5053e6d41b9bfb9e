//! Who sees that items block, and calls more runners.
//!
//! A map begins with as many runners as there are cores. Whether items compute or wait can be told from
//! what comes of them alone, and a runner whose item blocks can tell nobody. So one job of the map runs
//! no items: it looks at what was begun, tick by tick, as a [`ThreadPool`](crate::ThreadPool)'s own watcher does, and
//! becomes a runner itself when there is no other thread to be had.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Shared;
use super::cargo::Cargo;
use super::job::{self, Ticket};
use super::runner::{self, Lane};
use crate::error::TaskError;
use crate::pool::{Pool, TURN};
use crate::thread_pool::Pace;

/// The most runners that wait for a thread.
const MOST_QUEUED: usize = 16;
/// The longest tick while items are short. Each takes the core from a runner for a moment; the next item that blocks is seen so
/// much later. (The pool's own watcher, which looks after everybody's calls, has a shorter one.)
const LONGEST_TICK: Duration = Duration::from_millis(4);

/// What the watcher takes along from one turn to the next.
pub(super) struct Watch {
    pace: Pace,
    /// When it looked last, and how many items nobody had begun then.
    since: Instant,
    left: usize,
}

impl Watch {
    /// Of a map of so many items.
    pub(super) fn new(items: usize) -> Self {
        Self { pace: Pace::up_to(LONGEST_TICK), since: Instant::now(), left: items }
    }
}

/// Queues the watcher. Without one, the map goes on with the runners that it has.
pub(super) fn submit<I, F, T>(shared: &Arc<Shared<I, F, T>>, watch: Watch) -> Result<(), TaskError>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let (ticket, cargo) = (shared.ticket(), Cargo::load(shared));
    // Runs no item most of the time, so that nobody waits for it.
    job::submit(shared, move || begin(ticket, watch, cargo), false)
}

fn begin<I, F, T>(ticket: Ticket<I, F, T>, watch: Watch, cargo: Cargo<I, F, T>)
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    runner::take_leave(cargo.run(|| {
        let (shared, ()) = ticket.begin(|_| ());
        let f = if work(&shared, watch) { shared.lock().enter() } else { None };
        f.map(|f| runner::run(shared, f, Lane::new()))
    }));
}

/// Returns whether to go on as a runner.
fn work<I, F, T>(shared: &Arc<Shared<I, F, T>>, mut watch: Watch) -> bool
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let begun = Instant::now();
    loop {
        let window = watch.since.elapsed();
        let hub = shared.lock();
        let left = hub.supply.left();
        if hub.over || left == 0 {
            return false;
        }
        // Nobody else may ever come.
        if hub.active == 0 && hub.queued == 0 {
            return true;
        }
        // Where it had to wait for its thread, that was the tick: others need the thread more.
        if let Some(rest) = watch.pace.tick.checked_sub(window).filter(|rest| !rest.is_zero()) {
            drop(shared.bell.wait_timeout(hub, rest).unwrap_or_else(PoisonError::into_inner));
            continue;
        }
        let (active, queued) = (hub.active, hub.queued);
        let step = watch.pace.judge(active, window, (watch.left - left) as u64);
        (watch.since, watch.left) = (Instant::now(), left);
        // The watcher's own place is not to be had by others, but by itself.
        let room = shared.most.saturating_sub(active + queued + 1);
        drop(hub);
        if step > 0 && queued == 0 && room == 0 {
            return true;
        }
        let wanted = step.min(room).min(MOST_QUEUED.saturating_sub(queued)).min(left.saturating_sub(queued));
        for _ in 0..wanted {
            // The last one says why to who awaits the map, if nobody is left.
            if let Err(error) = runner::submit(shared, Lane::new()) {
                shared.job_lost(error);
                break;
            }
        }
        let turn_is_over = begun.elapsed() >= TURN && !job::is_in_place();
        // The pool has no thread for what is queued: this one is of more use for items.
        if turn_is_over && queued > 0 && step > 0 && room == 0 {
            return true;
        }
        // Nobody runs any, and this thread may be the one that the queue waits for.
        let in_the_way = active == 0 && queued > 0;
        if turn_is_over && (in_the_way || (wanted == 0 && shared.tenant().has_waiting())) {
            // If it cannot, its thread is of more use for items.
            return submit(shared, watch).is_err();
        }
    }
}
