//! A lone call that does nothing, beside somebody's long queue.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use anyloop::{AnyPool, Pool as _, PoolExt as _, ThreadPool};

use super::{
    busy::CpuWork,
    contestants::anyloop_on_tokio,
    pools::{self, Chosen, Pool, Value},
    runtimes::{self, Adapted, Runtime},
};
use crate::support::{Meter, Metric, Sample, Unit, Workload};

const QUEUED: usize = 5_000;
const WORK: Duration = Duration::from_micros(100);

/// How many calls the view with the long queue runs at a time.
const VIEW: usize = 8;

pub(crate) fn workload() -> Workload {
    Workload::new("a lone call beside 5,000 calls of 100 µs", Unit::Ms, QUEUED)
        .repeats(1)
        .case("anyloop, each its view", |meter| {
            let pool = ThreadPool::global();
            views(meter, pool.limit(VIEW).to_any(), pool.limit(1).to_any())
        })
        .case("anyloop, views of a pool of 2", |meter| {
            let pool = ThreadPool::new(2).expect("a pool");
            views(meter, pool.limit(VIEW).to_any(), pool.limit(1).to_any())
        })
        .case("anyloop, one queue", |meter| {
            let pool = ThreadPool::global();
            views(meter, pool.to_any(), pool.to_any())
        })
        .case("tokio", on_tokio(runtimes::Tokio::DEFAULT))
        .case("tokio(2)", on_tokio(2))
        .case("smol", |meter| measure(meter, &runtimes::Smol, &pools::Blocking, &pools::Blocking))
        .case("smol(2)", |meter| {
            blocking::set_max_blocking_threads(NonZeroUsize::MIN.saturating_add(1));
            measure(meter, &runtimes::Smol, &pools::Blocking, &pools::Blocking)
        })
        .case("rayon, the lone call in a pool of its own", |meter| {
            let tokio = runtimes::Tokio::new(runtimes::Tokio::DEFAULT);
            measure(meter, &tokio, &pools::Rayon, &pools::Fixed::new(1))
        })
        .below(Metric::Wall, 2.0)
}

fn views(meter: &Meter, bulk: AnyPool, lone: AnyPool) -> Sample {
    measure(meter, &Adapted(anyloop_on_tokio()), &Chosen(bulk), &Chosen(lone))
}

fn on_tokio(max_blocking_threads: usize) -> impl Fn(&Meter) -> Sample {
    move |meter| measure(meter, &runtimes::Tokio::new(max_blocking_threads), &pools::Tokio, &pools::Tokio)
}

fn measure(meter: &Meter, runtime: &impl Runtime, bulk: &impl Pool, lone: &impl Pool) -> Sample {
    let work = CpuWork::lasting(WORK);
    meter.measure_part(|| runtime.block_on(lone_call(bulk, lone, meter.size, work)))
}

/// How long the lone call took.
async fn lone_call(bulk: &impl Pool, lone: &impl Pool, size: usize, work: CpuWork) -> Duration {
    let queued: Vec<_> = (0..size)
        .map(|i| {
            bulk.offload(move || {
                work.run();
                i
            })
        })
        .collect();
    let asked = Instant::now();
    assert_eq!(lone.offload(|| 1).await.value(), 1);
    let took = asked.elapsed();
    for one in queued {
        one.await.value();
    }
    took
}
