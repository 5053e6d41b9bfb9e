//! A thread pool under random submits, cancels, panics, drops and ends, held against a model of it in plain data.
//!
//! The mutations will be listed here.

#[path = "support/choices.rs"]
#[allow(dead_code, reason = "proptest makes the choices; the seed is as everywhere")]
mod choices;
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

use choices::seed;
use model::closures::PATIENCE;
use model::scenario::scenario;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

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
