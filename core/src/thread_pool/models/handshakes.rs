//! A push, or a close, against a worker: whoever of the two is second sees what the first did.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::thread;

use super::{A_WHILE, FOR_EVER, Probe, a_job_behind_jobs_that_block, model_of, pool, shut_down};

/// A push finds the worker in the list, and then wakes it, or finds it at work, and calls another. So does a close.
///
/// Fails with: a `Sleeper::sleep` that clears `notified` first (deadlock: the wake is lost); a `close` that wakes nobody
/// (deadlock); an `execute` that calls `ensure_progress` before it pushes (deadlock); a `play_out` that does not discharge
/// who finds no job (a searcher is counted after the end).
#[test]
fn a_push_against_a_worker_that_goes_to_sleep() {
    loom::model(|| {
        let pool = pool(2, FOR_EVER, false);
        Probe::submitted(&pool).end.wait();
        Probe::submitted(&pool).end.wait();
        shut_down(&pool);
    });
}

/// With nobody else to be had, the one worker looks at the queue under the same lock under which it goes on the list.
///
/// Fails with: a `Worker::next` that lets go of the lock and takes it again before `self.sleep` (deadlock: the push saw a
/// busy worker, which sleeps); a `Shared::has_come` that leaves the outbox open (deadlock: the same without the lock).
#[test]
fn a_push_at_the_cap() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, false);
        let first = Probe::submitted(&pool);
        let second = Probe::submitted(&pool);
        first.end.wait();
        second.end.wait();
        shut_down(&pool);
    });
}

/// Who takes a job passes the baton on: a push that left its job to that searcher is not left alone.
///
/// Fails with: a `Worker::next` that does not call `ensure_progress` when it has taken a job (deadlock).
#[test]
fn a_push_behind_a_job_that_blocks() {
    model_of(2, || {
        a_job_behind_jobs_that_block::<1>(&pool(2, FOR_EVER, false));
    });
}

/// A job runs before the shutdown is ready, or is refused; and the shutdown hears of the end.
///
/// Fails with: an `execute` that lets go of the lock and takes it again when it has looked at `closed` (a job that was taken
/// on has not run); a `Worker::next` that looks at `closed` before it pops (a job is left); a `start_thread` that wakes nobody when
/// it answers after its thread has ended (deadlock).
#[test]
fn a_push_against_a_close() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, false);
        let probe = Arc::new(Probe::default());
        let submitter = {
            let (pool, probe) = (pool.clone(), probe.clone());
            thread::spawn(move || probe.submit(&pool).is_ok())
        };
        shut_down(&pool);
        let ran = probe.counts().0;
        let accepted = submitter.join().unwrap();
        if ran == 1 {
            probe.end.wait();
        }
        assert_eq!(ran, usize::from(accepted));
        assert_eq!(probe.counts(), (ran, 1 - ran));
    });
}

/// A worker that has slept out its time ends, unless a push has taken it off the list meanwhile.
///
/// Fails with: a `Worker::sleep` that takes `Standing::Recruited` for the end of the time (a searcher is counted after the end), or
/// that leaves a worker whose time was up in the list (deadlock: a thread that has ended is called).
#[test]
fn a_push_against_a_worker_that_ends() {
    loom::model(|| {
        let pool = pool(1, A_WHILE, false);
        for _ in 0..3 {
            Probe::submitted(&pool).end.wait();
        }
        shut_down(&pool);
    });
}

/// A push calls nobody while a worker lingers, and marks itself; the worker looks again under the lock, whether it has seen the
/// mark or not.
///
/// Fails with: a `linger` that clears `pushed` after it has let go of the lock (the mark is lost); a `Worker::next` that
/// sleeps after it has lingered, in place of `continue` (deadlock).
#[test]
fn a_push_against_a_worker_that_lingers() {
    loom::model(|| {
        let pool = pool(1, FOR_EVER, true);
        Probe::submitted(&pool).end.wait();
        let second = Probe::gated();
        // It has then cleared the mark already, and does not linger again before the gate is opened.
        let lingering = pool.lock().growth.lingering;
        assert!(second.submit(&pool).is_ok());
        assert!(!lingering || pool.pushed.load(Ordering::Relaxed));
        second.open();
        second.end.wait();
        shut_down(&pool);
    });
}

/// While one push is served, another one comes, which finds the worker at work, lingering, asleep, or ended.
///
/// Fails with: a `Shared::has_come` that leaves the outbox open (deadlock); an `end_linger` that does not discharge the one who lingered
/// (a searcher is counted after the end).
#[test]
fn two_pushes_against_a_worker_that_lingers_and_ends() {
    model_of(2, || {
        let pool = pool(1, A_WHILE, true);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || Probe::submitted(&pool).end.wait())
        };
        Probe::submitted(&pool).end.wait();
        other.join().unwrap();
        shut_down(&pool);
    });
}
