//! The experiments: each gathers a few functions that sleep, with a fresh pool for those that block.

use std::fmt;
use std::thread;
use std::time::Instant;

use anyloop::{AnyRuntime, BlockOn, Runtime, ThreadPool, async_wrap, gather, sleep};

use crate::claim::{Claim, NAP, Place, Seen, Verdict};

/// How often an experiment is made before "the machine was busy" is no excuse any more.
const ATTEMPTS: usize = 3;

/// Blocks its thread, as a database or a C library would.
#[async_wrap]
fn blocking() -> Place {
    thread::sleep(NAP);
    Place::here()
}

/// Sleeps without blocking its thread.
async fn non_blocking() -> Place {
    sleep(NAP).await;
    Place::here()
}

/// What is gathered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Experiment {
    BlockingAndAsync,
    TwoAsync,
    Blocking(usize),
    Async(usize),
    /// Blocking ones on a pool of two threads.
    OnTwo(usize),
    /// Three blocking ones on a pool of two threads, but the second of them on another pool.
    OneElsewhere,
}

impl Experiment {
    pub(crate) fn claim(self) -> Claim {
        match self {
            Self::BlockingAndAsync => Claim::new(2, 1),
            Self::TwoAsync | Self::Async(_) => Claim::new(1, 1),
            Self::Blocking(n) => Claim::new(n, 1),
            Self::OnTwo(n) => Claim::new(n.min(2), n.div_ceil(2)),
            Self::OneElsewhere => Claim { pools: Some(&["two", "other", "two"]), ..Claim::new(3, 1) },
        }
    }

    /// The first attempt that bears the claim out or breaks it, else the last one.
    pub(crate) fn check(self, runtime: &AnyRuntime) -> (Seen, Verdict) {
        let claim = self.claim();
        let mut attempt = 1;
        loop {
            let seen = self.run(runtime);
            let verdict = claim.judge(&seen);
            if verdict != Verdict::Delayed || attempt == ATTEMPTS {
                return (seen, verdict);
            }
            attempt += 1;
        }
    }

    fn run(self, runtime: &AnyRuntime) -> Seen {
        let wide_or_two = match self {
            Self::OnTwo(_) | Self::OneElsewhere => pool("two", 2),
            _ => pool("wide", 100),
        };
        let other = pool("other", 1);
        let pools = [wide_or_two.clone(), other.clone()];
        let started = Instant::now();
        let places = runtime.with_pool(&wide_or_two).block_on(async move {
            match self {
                Self::BlockingAndAsync => {
                    let (first, second) = gather((blocking(), non_blocking())).await;
                    vec![first, second]
                }
                Self::TwoAsync => gather([non_blocking(), non_blocking()]).await,
                Self::Blocking(n) | Self::OnTwo(n) => gather((0..n).map(|_| blocking())).await,
                Self::Async(n) => gather((0..n).map(|_| non_blocking())).await,
                Self::OneElsewhere => gather([blocking(), blocking().on(&other), blocking()]).await,
            }
        });
        let seen = Seen { places, elapsed: started.elapsed() };
        // Their threads end before the next experiment counts its own.
        for pool in pools {
            runtime.block_on(pool.shutdown()).expect("no call of its own shuts it down");
        }
        seen
    }
}

fn pool(name: &str, max_threads: usize) -> ThreadPool {
    let pool = ThreadPool::builder().name(name).max_threads(max_threads).build();
    pool.expect("a name and room for at least one thread are all it takes")
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockingAndAsync => f.write_str("a wrapped blocking function and an async one"),
            Self::TwoAsync => f.write_str("two async functions"),
            Self::Blocking(n) => write!(f, "{n} wrapped"),
            Self::Async(n) => write!(f, "{n} async"),
            Self::OnTwo(n) => write!(f, "{n} wrapped, on a pool of two"),
            Self::OneElsewhere => f.write_str("3 wrapped, on a pool of two, the second `.on(&other)`"),
        }
    }
}
