//! What a call allocates.

use super::{
    contestants::{
        Contestant::{Anyloop, AnyloopBare, AsyncStd, Smol, SmolCapped, Tokio},
        FIXED, Load, TOKIO, contest,
    },
    counting,
    pools::{Pool, Value},
    runtimes::Runtime,
};
use crate::support::{Meter, Metric, Sample, Unit, Workload};

const CALLS: usize = 20_000;
const ALLOCATIONS: &str = "allocations";
const BYTES: &str = "bytes";

/// One, and what a queue allocates now and then for a hundred calls or more.
const ONE: f64 = 1.01;

pub(crate) fn workload() -> Workload {
    // The times are those of a process that counts. What is counted is the last of some runs: a queue is as long then as it was before,
    // most likely, and allocates nothing more.
    let workload = Workload::new("allocations per call", Unit::NsPer("call"), CALLS).repeats(5);
    let others = [TOKIO, Tokio(2), Smol, SmolCapped(2), AsyncStd];
    contest(workload, &Counted, [Anyloop, AnyloopBare].into_iter().chain(others).chain(FIXED))
        .below(Metric::Figure(ALLOCATIONS), ONE)
        .below(Metric::Figure(BYTES), 128.0)
}

#[derive(Clone)]
struct Counted;

impl Load for Counted {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        let mut last = None;
        let sample = meter.measure(|| {
            let allocated = runtime.block_on(async {
                // The list of handles is the caller's own affair.
                let mut started = Vec::with_capacity(meter.size);
                counting::start();
                started.extend((0..meter.size).map(|i| pool.offload(move || i)));
                for (i, one) in started.into_iter().enumerate() {
                    assert_eq!(one.await.value(), i, "a value was lost");
                }
                counting::stop()
            });
            last = Some(allocated);
        });
        let last = last.expect("there is at least one run");
        let per_call = |count: u64| count as f64 / meter.size as f64;
        sample.with(ALLOCATIONS, per_call(last.allocations)).with(BYTES, per_call(last.bytes))
    }
}
