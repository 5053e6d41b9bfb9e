//! The watcher, whose tick may be over at any moment.

use std::sync::Arc;

use super::{FOR_EVER, Probe, a_job_behind_jobs_that_block, model_of, pool, shut_down};
use crate::thread_pool::shared::Shared;

/// A pool in which a watcher has to judge whether there is more than one worker.
fn watched_pool(max_threads: usize) -> Arc<Shared> {
    let pool = pool(max_threads, FOR_EVER, false);
    let mut state = pool.lock();
    (state.growth.cores, state.growth.at_once) = (1, 1);
    drop(state);
    pool
}

/// Behind a job that blocks stands another, which the watcher brings a worker for.
///
/// Fails with: a `recruit_for_work` that calls no watcher (deadlock); a `Worker::next` that does not call `ensure_progress` when it has taken
/// a job (deadlock).
#[test]
fn a_push_behind_a_job_that_blocks_and_a_watcher() {
    model_of(2, || {
        a_job_behind_jobs_that_block::<1>(&watched_pool(2));
    });
}

/// A watcher that becomes a worker is followed by another.
///
/// Fails with: the same two (deadlock).
#[test]
fn pushes_behind_jobs_that_block_and_watchers() {
    // Four threads: with one preemption, it takes minutes.
    model_of(0, || {
        a_job_behind_jobs_that_block::<2>(&watched_pool(3));
    });
}

/// A watcher leaves when there is nothing to watch, whether or not something is pushed at that moment.
///
/// Fails with: a `Shared::has_come` that leaves the outbox open (deadlock: the watcher was there for what is in it).
#[test]
fn a_push_against_a_watcher_that_leaves() {
    model_of(1, || {
        let pool = watched_pool(2);
        let probes = [(); 3].map(|()| Probe::submitted(&pool));
        for probe in probes {
            probe.end.wait();
        }
        shut_down(&pool);
    });
}
