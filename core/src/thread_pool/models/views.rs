//! A view's jobs beside the pool's own, which are in the outbox while the view is at its limit.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{FOR_EVER, Probe, model_of, pool, shut_down};
use crate::thread_pool::shared::Shared;

pub(super) fn view_of_one(pool: &Arc<Shared>) -> usize {
    pool.lock().queues.add_view(NonZeroUsize::MIN, None)
}

fn submitted_to(pool: &Arc<Shared>, tenant: usize) -> Arc<Probe> {
    let probe = Arc::new(Probe::default());
    assert!(probe.submit_to(pool, tenant).is_ok());
    probe
}

/// The view's turn comes when its first job has ended, whatever is in the outbox by then.
///
/// Fails with: an `ensure_progress` without `recall_for_others`, or a `Worker::run` that lets go of the lock in place of `go_on` (the view's
/// job comes last); a `Queues::hand_over` that does not ask whether the own queue is alone (the view's turn is lost).
#[test]
fn a_view_that_was_at_its_limit_beside_the_outbox() {
    model_of(2, || {
        let pool = pool(1, FOR_EVER, false);
        let view = view_of_one(&pool);
        let first = Probe::gated();
        assert!(first.submit_to(&pool, view).is_ok());
        let second = submitted_to(&pool, view);
        let own = [(); 2].map(|()| Probe::submitted(&pool));
        first.open();
        own[1].end.wait();
        // One of the pool's own may go first, but not all of them.
        assert_eq!(second.counts(), (1, 0));
        own[0].end.wait();
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}

/// With a thread to spare, the view keeps to its limit, and hears of it when it may go on.
///
/// Fails with: a `Tenant::may_run` that allows one more (both run); a `Queues::give_back` that does not list the view (deadlock); a
/// `Queues::hand_over` that does not ask whether the own queue is alone (deadlock).
#[test]
fn a_view_at_its_limit_beside_a_worker_without_work() {
    model_of(2, || {
        let pool = pool(2, FOR_EVER, false);
        let view = view_of_one(&pool);
        let first = Probe::gated();
        assert!(first.submit_to(&pool, view).is_ok());
        let second = submitted_to(&pool, view);
        Probe::submitted(&pool).end.wait();
        assert_eq!(second.counts(), (0, 0));
        first.open();
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}
