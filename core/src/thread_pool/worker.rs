//! What a thread of the pool does.

use std::cell::Cell;
use std::sync::Arc;

use super::shared::Shared;
use super::sleeper::Sleeper;
use crate::catch::quietly;
use crate::pool::Job;

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

pub(super) fn work(shared: &Arc<Shared>, key: usize) {
    EMPLOYER.set(address(shared));
    let sleeper = Arc::new(Sleeper::here());
    while let Some(job) = next(shared, &sleeper, key) {
        // A job catches what its closure does; this is for a limiter's foreign pool behind it.
        quietly(|| job.run());
    }
}

/// The next job; `None` when this thread is to end, which is then booked already.
fn next(shared: &Arc<Shared>, sleeper: &Arc<Sleeper>, key: usize) -> Option<Job> {
    let mut state = shared.lock();
    let mut slept_out = false;
    loop {
        if let Some(job) = state.queue.pop_front() {
            return Some(job);
        }
        if state.closed || slept_out {
            shared.thread_ended(state, key);
            return None;
        }
        sleeper.set_listed(true);
        state.idle.push(sleeper.clone());
        drop(state);
        let timed_out = sleeper.sleep(shared.settings.keep_alive);
        state = shared.lock();
        // Not listed any more: somebody took this worker off for a job. Still listed and not timed
        // out: a wake that was meant for a job which this worker has run already.
        if sleeper.is_listed() {
            sleeper.set_listed(false);
            state.idle.retain(|idle| !Arc::ptr_eq(idle, sleeper));
            slept_out = timed_out;
        }
    }
}
