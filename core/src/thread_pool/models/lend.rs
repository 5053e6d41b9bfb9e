//! Calls that lend their places, against what they wait for (C17).

use std::sync::Arc;

use super::{FOR_EVER, Probe, model_of, pool, shut_down};

/// All calls of a pool of one thread wait, the second in the place that the first has lent, for a job that comes from outside. Either
/// the push sees that all wait, or who comes to wait last sees the job; and somebody is called for it.
///
/// Fails with: a `recruit_for_work` that does not call `recruit_for_calls` (deadlock: nobody is left to run it); a `Lender::lend` that does
/// not call `keep_going` (deadlock: the push came before the last wait); a `lend` that does not search (deadlock: the
/// same); a `pop` that takes nothing without a place (deadlock: who was called goes to sleep). With two preemptions, which takes
/// minutes: an `execute` that does not ask `looks_for` (deadlock: the push came after the last wait).
#[test]
fn what_all_calls_wait_for_comes_while_the_last_begins_to_wait() {
    model_of(1, || {
        let pool = pool(1, FOR_EVER, false);
        let waiting = [(); 2].map(|()| Probe::lending());
        for probe in &waiting {
            assert!(probe.submit(&pool).is_ok());
        }
        let awaited = Arc::new(Probe { urgent: true, ..Probe::default() });
        assert!(awaited.submit(&pool).is_ok());
        awaited.end.wait();
        for probe in waiting {
            probe.open();
            probe.end.wait();
        }
        shut_down(&pool);
    });
}
