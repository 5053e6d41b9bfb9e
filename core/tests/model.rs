//! A thread pool under random submits, cancels, panics, drops and ends, held against a model of it in plain data.
//!
//! The mutations will be listed here.

#[path = "support/choices.rs"]
#[allow(dead_code, reason = "proptest makes the choices; the seed is as everywhere")]
mod choices;
mod model {
    pub(crate) mod reference;
    pub(crate) mod trial;
}

use std::env;
use std::sync::atomic::Ordering;

use choices::seed;
use model::reference::{Kind, Manner};
use model::trial::{Last, PATIENCE, Scenario, Step};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Returns),
        1 => Just(Kind::Panics),
        6 => Just(Kind::HoldsAndReturns),
        2 => Just(Kind::HoldsAndPanics),
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![Just(Manner::Submit), Just(Manner::Try), Just(Manner::Await)]
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || 0..64_usize;
    prop_oneof![
        12 => (0..3_usize, kind(), manner())
            .prop_map(|(queue, kind, manner)| Step::Submit { queue, kind, manner }),
        4 => pick().prop_map(|pick| Step::Release { pick }),
        1 => pick().prop_map(|pick| Step::Abort { pick }),
        1 => pick().prop_map(|pick| Step::Cancel { pick }),
        1 => pick().prop_map(|pick| Step::Drop { pick }),
        1 => pick().prop_map(|pick| Step::Detach { pick }),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let last = prop_oneof![Just(Last::Shutdown), Just(Last::ShutdownTimeout), Just(Last::DropHandles)];
    let views = vec(1..=4_usize, 0..=2);
    let limit = option::weighted(0.3, 1..=6_usize);
    (1..=4_usize, limit, views, vec(step(), 1..60), last).prop_map(
        |(max_threads, queue_limit, views, steps, last)| Scenario {
            max_threads,
            queue_limit,
            views,
            steps,
            last,
        },
    )
}

#[test]
fn the_pool_does_what_the_model_does() {
    let seed = seed();
    let cases = env::var("ANYLOOP_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
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
