//! Many calls, each submitted alone: all at once, in bursts, and from many tasks.

use super::{
    contestants::{
        Contestant::{
            self, Anyloop, AnyloopBare, AnyloopInTokio, AnyloopOnSmol, AsyncStd, Rayon, Smol, SmolCapped,
            Tokio,
        },
        FIXED, Load, TOKIO, TOKIOS, contest,
    },
    pools::{Pool, Value},
    runtimes::Runtime,
};
use crate::support::{Meter, Metric, Sample, Unit, Workload};

const MANY: usize = 20_000;
const BURST: usize = 10;
const TASKS: usize = 64;
const CALLS: usize = 300;

pub(crate) fn workloads() -> [Workload; 4] {
    [fan_out(), bursts(), tasks("on tokio", Anyloop), tasks("on smol", AnyloopOnSmol)]
}

fn fan_out() -> Workload {
    let workload = Workload::new("fan-out, each call submitted alone", Unit::NsPer("call"), MANY).repeats(3);
    let ours = [Anyloop, AnyloopInTokio, AnyloopBare];
    let others = [Smol, SmolCapped(2), AsyncStd];
    let contestants = ours.into_iter().chain(TOKIOS).chain(others).chain(FIXED);
    let workload = contest(workload, &FanOut, contestants)
        .at_most(0.08, "tokio")
        .at_most(0.40, "tokio(2)")
        .at_most(0.45, "smol(2)")
        .below(Metric::Threads, 8.0);
    // At most 0.9 of the best of them is at most 0.9 of each.
    FIXED.iter().fold(workload, |workload, fixed| workload.at_most(0.9, &fixed.label()))
}

fn bursts() -> Workload {
    let contestants = [Anyloop].into_iter().chain(TOKIOS).chain([Smol, SmolCapped(2), AsyncStd]).chain(FIXED);
    contest(Workload::new("bursts of 10", Unit::NsPer("call"), 100 * BURST), &Bursts, contestants)
        .at_most(0.4, "tokio(2)")
}

fn tasks(place: &str, ours: Contestant) -> Workload {
    let name = format!("64 tasks of 300 calls each, {place}");
    let contestants = [ours].into_iter().chain(TOKIOS).chain([Smol, SmolCapped(2), AsyncStd, Rayon]);
    contest(Workload::new(name, Unit::NsPer("call"), TASKS * CALLS).repeats(2), &Tasks, contestants)
        .at_most(0.2, &TOKIO.label())
        .at_most(0.6, &Tokio(2).label())
}

#[derive(Clone)]
struct FanOut;

impl Load for FanOut {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        meter.measure(|| runtime.block_on(all(pool, meter.size)))
    }
}

#[derive(Clone)]
struct Bursts;

impl Load for Bursts {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        meter.measure(|| {
            runtime.block_on(async {
                for _ in 0..meter.size / BURST {
                    all(pool, BURST).await;
                }
            });
        })
    }
}

/// Starts all, then awaits all, in the order started.
pub(super) async fn all(pool: &impl Pool, size: usize) {
    let started: Vec<_> = (0..size).map(|i| pool.offload(move || i)).collect();
    for (i, one) in started.into_iter().enumerate() {
        assert_eq!(one.await.value(), i, "a value was lost");
    }
}

#[derive(Clone)]
struct Tasks;

impl Load for Tasks {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        let calls = meter.size / TASKS;
        meter.measure(|| {
            runtime.block_on(async {
                let tasks: Vec<_> =
                    (0..TASKS).map(|_| runtime.spawn(one_by_one(pool.clone(), calls))).collect();
                for task in tasks {
                    assert_eq!(task.await.value(), calls * (calls - 1) / 2, "a value was lost");
                }
            });
        })
    }
}

async fn one_by_one(pool: impl Pool, calls: usize) -> usize {
    let mut sum = 0;
    for i in 0..calls {
        sum += pool.offload(move || i).await.value();
    }
    sum
}
