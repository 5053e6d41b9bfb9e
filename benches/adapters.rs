//! What an adapter costs: each runtime through anyloop beside the same runtime used directly.

mod hosts;
mod support;

use std::{future::Future, process::ExitCode};

use crate::{
    hosts::{Host, Value, YieldOnce, on_each_runtime},
    support::{Meter, RoundTrip, Sample, Suite, Unit, Workload, pin_to_one_cpu},
};

const MANY: usize = 20_000;
const TRIPS: usize = 1_000;
const BURST: usize = 10;

/// By how much an adapter may exceed the runtime that it stands for.
const ADAPTER: f64 = 1.1;

fn main() -> ExitCode {
    Suite::new("adapters").with_all(on_each_runtime!(comparisons)).run()
}

/// Everything that is measured of one runtime: `ours` is the adapter, `theirs` the runtime itself.
fn comparisons<O: Host, T: Host>(runtime: &str, ours: fn() -> O, theirs: fn() -> T) -> Vec<Workload> {
    let compare = |what: &str, unit, size, how: How| {
        Workload::new(format!("{runtime}: {what}"), unit, size)
            .case("anyloop", move |meter| run(how, ours, meter))
            .case(runtime, move |meter| run(how, theirs, meter))
    };
    let bounded = |what, unit, how| {
        compare(what, unit, MANY, how)
            // The same thing twice shows how much of a ratio is chance.
            .case(format!("{runtime}, again"), move |meter| run(how, theirs, meter))
            .at_most(ADAPTER, runtime)
    };
    let (call, task) = (Unit::NsPer("call"), Unit::NsPer("task"));
    let mut workloads = vec![
        bounded("spawn, from the root", task, How::new(Load::Spawns, Place::Root)),
        bounded("spawn, from a task", task, How::new(Load::Spawns, Place::Task)),
        bounded("native fan-out", call, How::new(Load::FanOut, Place::Root)),
        compare("native bursts", call, 100 * BURST, How::new(Load::Bursts, Place::Root)),
    ];
    for (name, place) in [("from the root", Place::Root), ("from a task", Place::Task)] {
        let how = How::new(Load::Trips, place);
        let trips = |what: &str, how| compare(what, Unit::UsPer("call"), TRIPS, how);
        workloads.push(trips(&format!("native round trip, {name}"), how).round_trip(RoundTrip::Unpinned));
        workloads.push(
            trips(&format!("native round trip, {name}, pinned"), how.pinned()).round_trip(RoundTrip::Pinned),
        );
    }
    workloads
}

/// How one workload is run.
#[derive(Clone, Copy)]
struct How {
    load: Load,
    place: Place,
    pinned: bool,
}

impl How {
    fn new(load: Load, place: Place) -> Self {
        Self { load, place, pinned: false }
    }

    fn pinned(self) -> Self {
        Self { pinned: true, ..self }
    }
}

/// Where the measuring loop runs.
#[derive(Clone, Copy)]
enum Place {
    /// In `block_on` itself.
    Root,
    /// In a task of the runtime.
    Task,
}

/// What the measuring loop does.
#[derive(Clone, Copy)]
enum Load {
    /// Offloads all, then awaits all.
    FanOut,
    /// Offloads a few and awaits them, again and again.
    Bursts,
    /// Offloads one and awaits it, again and again.
    Trips,
    /// Spawns all, then awaits all.
    Spawns,
}

fn run<H: Host>(how: How, host: fn() -> H, meter: &Meter) -> Sample {
    if how.pinned {
        pin_to_one_cpu();
    }
    let host = host();
    let size = meter.size;
    meter.measure(|| {
        let inner = host.clone();
        let work = async move { exercise(&inner, how.load, size).await };
        let sum = match how.place {
            Place::Root => host.block_on(work),
            Place::Task => host.block_on(async { host.spawn(work).await.value() }),
        };
        assert_eq!(sum, expected(how.load, size), "a value was lost");
    })
}

async fn exercise<H: Host>(host: &H, load: Load, size: usize) -> usize {
    let offload = |number| host.offload(move || number);
    match load {
        Load::FanOut => all(size, offload).await,
        Load::Bursts => {
            let mut sum = 0;
            for _ in 0..size / BURST {
                sum += all(BURST, offload).await;
            }
            sum
        }
        Load::Trips => {
            let mut sum = 0;
            for number in 0..size {
                sum += offload(number).await.value();
            }
            sum
        }
        Load::Spawns => {
            let spawn = |number| {
                host.spawn(async move {
                    YieldOnce::default().await;
                    number
                })
            };
            all(size, spawn).await
        }
    }
}

/// Starts all, then awaits all, in the order started.
async fn all<T: Future<Output: Value>>(count: usize, start: impl Fn(usize) -> T) -> usize {
    let started: Vec<T> = (0..count).map(start).collect();
    let mut sum = 0;
    for one in started {
        sum += one.await.value();
    }
    sum
}

/// What the numbers that a load passes through add up to.
fn expected(load: Load, size: usize) -> usize {
    let sum_below = |count: usize| count * (count - 1) / 2;
    match load {
        Load::Bursts => size / BURST * sum_below(BURST),
        Load::FanOut | Load::Trips | Load::Spawns => sum_below(size),
    }
}
