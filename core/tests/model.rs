//! A thread pool under random submits, cancels, panics, drops and ends, held against a model of it in plain data.
//!
//! A scenario is a sequence of steps, after each of which the pool comes to rest. Closures tell when they start, end and are dropped;
//! `model/reference.rs` says whether that was allowed (C03, C06, C11, C18), what has yet to happen (C10), and what each task ends in
//! (C02, C04, C05, C14, C15). The pool's figures must be the model's. `ANYLOOP_TEST_SEED` repeats a failure, `ANYLOOP_TEST_CASES` sets how
//! many scenarios there are.
//!
//! Fails with: queues or an outbox that give the last job first; a view's limit, the room in a queue, the number of threads or that of
//! running calls off by one; a rotation in which the one that was served stays the first, or in which cancelled calls use up turns; a full
//! queue that is not cleared of cancelled calls; who waits for room let in at the front of the queue; a view that is not listed when a call of
//! it ends; a refusal, or a call that was cleared away, that is not counted; a panic that counts as a value; a report that counts
//! cancelled calls, or threads that were sent home; threads that are not told when a shutdown's time is up; a close that
//! leaves jobs in the outbox, or that does not come with the last handle; a cancel that leaves the closure.

mod support;

mod model {
    pub(crate) mod closures;
    pub(crate) mod ending;
    pub(crate) mod reference;
    pub(crate) mod scenario;
    pub(crate) mod trial;
    pub(crate) mod words;
}

use std::env;
use std::sync::atomic::Ordering;

use model::closures::PATIENCE;
use model::scenario::scenario;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use support::choices::seed;

#[test]
fn the_pool_does_what_the_model_does() {
    let seed = seed();
    let cases = env::var("ANYLOOP_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        // The seed repeats it.
        failure_persistence: None,
        // Milliseconds: a scenario that hangs is not to be tried for hours.
        max_shrink_time: 60_000,
        ..Config::default()
    });
    let tried = runner.run(&scenario(), |scenario| {
        scenario.try_out().map_err(|error| {
            // The smaller ones that are tried then fail sooner.
            PATIENCE.store(1_000, Ordering::Relaxed);
            TestCaseError::fail(error)
        })
    });
    if let Err(error) = tried {
        panic!("ANYLOOP_TEST_SEED={seed} repeats it:\n{error}");
    }
}
