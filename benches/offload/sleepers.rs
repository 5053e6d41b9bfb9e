//! Calls that block: the pool must grow to as many threads.

use std::{thread, time::Duration};

use super::{
    contestants::{
        Contestant::{Anyloop, AsyncStd, Smol, ThreadEach},
        Load, POOL_THREADS, TOKIO, contest,
    },
    pools::{Pool, Value},
    runtimes::Runtime,
};
use crate::support::{Meter, Metric, Sample, Unit, Workload};

const SLEEPERS: usize = 400;
const SLEEP: Duration = Duration::from_millis(100);

pub(crate) fn workloads() -> [Workload; 2] {
    let new = |name| Workload::new(name, Unit::Ms, SLEEPERS);
    [
        contest(
            new("400 calls that sleep 100 ms, from no thread: time beyond it"),
            &Sleepers { is_warm: false },
            // The last one shows what the threads alone take.
            [Anyloop, TOKIO, Smol, AsyncStd, ThreadEach],
        )
        .at_most(0.85, "tokio")
        .at_most_of(Metric::Cpu, 1.0, "tokio")
        .below(Metric::Figure(POOL_THREADS), SLEEPERS as f64),
        contest(
            new("400 calls that sleep 100 ms, again: time beyond it").repeats(2),
            &Sleepers { is_warm: true },
            [Anyloop, TOKIO, Smol, AsyncStd],
        ),
    ]
}

#[derive(Clone)]
struct Sleepers {
    /// Whether the threads are there from an earlier run.
    is_warm: bool,
}

impl Load for Sleepers {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        let meter = if self.is_warm { *meter } else { meter.cold() };
        let sample = meter.measure(|| {
            runtime.block_on(sleepers(pool, meter.size));
        });
        sample.beyond_waiting(SLEEP)
    }
}

async fn sleepers(pool: &impl Pool, size: usize) {
    let sleep = || {
        thread::sleep(SLEEP);
        1
    };
    let started: Vec<_> = (0..size).map(|_| pool.offload(sleep)).collect();
    for one in started {
        assert_eq!(one.await.value(), 1);
    }
}
