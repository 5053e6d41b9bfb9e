//! A pool that can do no more registers with the monitor, which lets go of it when nothing is queued.
//!
//! The monitor has no thread here: each model looks when it likes, or has it that there is none to be had.

use std::sync::Arc;

use loom::thread;

use super::{FOR_EVER, Probe, model_of, pool, shut_down};
use crate::thread_pool::monitor::{has_pools_to_look_at, look_at_pools};
use crate::thread_pool::shared::Shared;
use crate::thread_pool::sync::refuse_monitor;

fn unmonitored_pool() -> Arc<Shared> {
    let pool = pool(1, FOR_EVER, false);
    pool.lock().monitored = false;
    pool
}

/// The monitor lets go of the pool, or sees the job that has just come, which nobody else looks after.
///
/// Fails with: a `look_at_pools` that lets go of the lock in place of `go_on` (the job has come into the outbox, and nobody looks after it).
#[test]
fn a_push_against_the_monitor_that_lets_go() {
    model_of(2, || {
        let pool = unmonitored_pool();
        let [first, second] = [Probe::gated(), Probe::gated()];
        assert!(first.submit(&pool).is_ok());
        assert!(second.submit(&pool).is_ok());
        first.open();
        first.end.wait();
        let monitor = thread::spawn(look_at_pools);
        let third = Probe::submitted(&pool);
        monitor.join().unwrap();
        assert!(pool.lock().monitored);
        assert!(has_pools_to_look_at());
        second.open();
        second.end.wait();
        third.end.wait();
        look_at_pools();
        assert!(!pool.lock().monitored);
        assert!(!has_pools_to_look_at());
        shut_down(&pool);
    });
}

/// Without a monitor to be had, the next push asks again.
///
/// Fails with: a `look_after` that leaves the outbox open when it gets no monitor, or the pool marked as monitored (the next push does not
/// ask).
#[test]
fn a_push_after_the_monitor_did_not_come() {
    model_of(2, || {
        let pool = unmonitored_pool();
        refuse_monitor(true);
        let first = Probe::gated_and_announced();
        assert!(first.submit(&pool).is_ok());
        let second = Probe::submitted(&pool);
        first.wait_for_begin();
        refuse_monitor(false);
        let third = Probe::submitted(&pool);
        assert!(pool.lock().monitored);
        assert!(has_pools_to_look_at());
        first.open();
        for probe in [first, second, third] {
            probe.end.wait();
        }
        shut_down(&pool);
    });
}
