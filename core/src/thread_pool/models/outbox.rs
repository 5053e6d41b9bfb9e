//! Jobs in the outbox: nobody is called for them, so somebody has to be there.

use loom::thread;

use super::{A_WHILE, FOR_EVER, Probe, a_job_behind_jobs_that_block, model_of, pool, pool_with, shut_down};

/// What is in the outbox is taken by the short cut, or under the lock.
///
/// Fails with: a `Shared::has_come` that leaves the outbox open (deadlock). That makes good a `Shared::pop` that does not look there.
#[test]
fn a_push_against_a_full_outbox() {
    model_of(2, || {
        let pool = pool(2, FOR_EVER, false);
        let second = Probe::gated();
        let first = Probe::submitted(&pool);
        assert!(second.submit(&pool).is_ok());
        Probe::submitted(&pool).end.wait();
        second.open();
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}

/// A job in the outbox counts as work when the baton is passed on.
///
/// Fails with: an `ensure_progress` that leaves the outbox open when the searcher has become a worker (deadlock: what comes
/// then calls nobody). That makes good a `has_work` that looks at the queues alone.
#[test]
fn a_job_in_the_outbox_behind_jobs_that_block() {
    model_of(1, || {
        a_job_behind_jobs_that_block::<2>(&pool(3, FOR_EVER, false));
    });
}

/// The outbox is open because a thread is expected that does not come; the one that is there may have gone to sleep meanwhile.
///
/// Fails with: a `thread_refused` that does not discharge the role (a searcher is counted after the end).
#[test]
fn a_thread_that_does_not_come_beside_the_outbox() {
    model_of(2, || {
        let pool = pool_with(2, FOR_EVER, false, |number| number == 0);
        let probes = [(); 3].map(|()| Probe::submitted(&pool));
        for probe in probes {
            probe.end.wait();
        }
        shut_down(&pool);
    });
}

/// The same, while another push leaves its job to the thread that is expected.
///
/// Fails with: a `thread_refused` that calls no idle worker (deadlock), or that leaves the outbox open (deadlock).
#[test]
fn two_pushes_and_a_thread_that_does_not_come() {
    model_of(2, || {
        let pool = pool_with(2, FOR_EVER, false, |number| number == 0);
        let first = Probe::gated_and_announced();
        assert!(first.submit(&pool).is_ok());
        first.wait_for_begin();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || Probe::submitted(&pool).end.wait())
        };
        first.open();
        Probe::submitted(&pool).end.wait();
        other.join().unwrap();
        first.end.wait();
        shut_down(&pool);
    });
}

/// With the one thread gone that there was, nobody is left who could run the job: it is refused.
///
/// Fails with: a `thread_refused` that leaves the outbox open, or does not drain the queue when no thread is left (a job is
/// left there).
#[test]
fn the_only_thread_ends_while_another_does_not_come() {
    model_of(2, || {
        let pool = pool_with(2, A_WHILE, false, |number| number == 0);
        let probes = [(); 2].map(|()| Probe::submitted(&pool));
        shut_down(&pool);
        for probe in probes {
            let (ran, refused) = probe.counts();
            assert_eq!(ran + refused, 1);
        }
    });
}
