//! Jobs that are cancelled while they stand in a queue, where a worker clears them away before the next live one.

use loom::thread;

use super::views::view_of_one;
use super::{FOR_EVER, Probe, model_of, pool, shut_down};
use crate::thread_pool::queue::OWN;

/// Whether they are cancelled before the worker looks at them, as it does, or when it has taken them along: each has run or was
/// cancelled, and is counted as that, and none is left in the books.
#[test]
fn jobs_that_are_cancelled_against_the_worker_that_takes_them() {
    model_of(2, || {
        let pool = pool(1, FOR_EVER, false);
        let view = view_of_one(&pool);
        let first = Probe::gated();
        let others = [(); 2].map(|()| Probe::cancellable());
        for probe in [&first, &others[0], &others[1]] {
            assert!(probe.submit_to(&pool, view).is_ok());
        }
        let canceller = {
            let others = others.clone();
            thread::spawn(move || others.map(|probe| probe.cancel()))
        };
        first.open();
        let cancelled = canceller.join().unwrap();
        first.end.wait();
        shut_down(&pool);
        for (probe, cancelled) in others.iter().zip(cancelled) {
            assert_eq!(probe.counts(), (usize::from(!cancelled), 0));
        }
        let cancelled = cancelled.into_iter().filter(|cancelled| *cancelled).count() as u64;
        let metrics = pool.metrics(OWN);
        assert_eq!((metrics.completed, metrics.cancelled, metrics.queued), (3 - cancelled, cancelled, 0));
    });
}
