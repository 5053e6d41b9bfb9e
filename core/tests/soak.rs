//! Pools under users and foreign code at their worst, round after round: threads that do not come, and hooks, calls, values,
//! closures and wakers that panic, while the pool is ended at any moment.
//!
//! An hour of it:
//!
//! ```sh
//! ANYLOOP_SOAK_SECONDS=3600 cargo test --release -p anyloop-core --test soak -- --ignored --nocapture
//! ```
//!
//! A failure prints the seed of its round: `ANYLOOP_TEST_SEED` begins with that one. Threads meet by chance, so that it may take many
//! rounds for it to happen again.

mod support;

mod soak {
    pub(crate) mod round;
    pub(crate) mod user;
    pub(crate) mod watchdog;
    pub(crate) mod world;
}

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use soak::round::round;
use soak::watchdog::{Usage, Watchdog};
use support::choices::seed;

/// The process is looked at as a whole: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Above what it was after a warm-up. Allocators keep what they had for a while; a leak in each round comes to more.
const GROWTH_KIB: u64 = 64 * 1024;
const MORE_THREADS: u64 = 4;

/// Prints where a failure was.
struct Failing(u64);

impl Drop for Failing {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("ANYLOOP_TEST_SEED={} begins with the round that failed", self.0);
        }
    }
}

fn soak(time: Duration) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, start, watchdog) = (seed(), Instant::now(), Watchdog::new());
    println!("ANYLOOP_TEST_SEED={first}");
    let (mut rounds, mut calls, mut told, mut warm) = (0, 0, start, None);
    while start.elapsed() < time {
        let failing = Failing(first.wrapping_add(rounds));
        calls += round(failing.0, &watchdog);
        rounds += 1;
        if warm.is_none() && rounds >= 20 && start.elapsed() > time / 10 {
            warm = Some(Usage::now());
        }
        if told.elapsed() >= Duration::from_secs(60) {
            told = Instant::now();
            println!("{} s: {rounds} rounds, {calls} calls, {:?}", start.elapsed().as_secs(), Usage::now());
        }
    }
    let end = Usage::now();
    println!("{} s: {rounds} rounds, {calls} calls, {warm:?} at first, {end:?}", start.elapsed().as_secs());
    if let Some(warm) = warm {
        let grown = end.resident_kib.saturating_sub(warm.resident_kib);
        assert!(grown < GROWTH_KIB, "{warm:?} at first, {end:?} in the end");
        assert!(end.threads <= warm.threads + MORE_THREADS, "{warm:?} at first, {end:?} in the end");
    }
}

/// So that the long one cannot rot.
#[test]
fn a_second_of_it() {
    soak(Duration::from_secs(1));
}

#[test]
#[ignore = "takes as long as ANYLOOP_SOAK_SECONDS says"]
fn as_long_as_the_environment_says() {
    let seconds = std::env::var("ANYLOOP_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    soak(Duration::from_secs(seconds.unwrap_or(10)));
}
