//! What the way back into async costs, from inside a blocking call: `from_thread::block_on` under each adapter beside
//! what its runtime has for that.

mod hosts;
mod support;

use std::{future::Future, process::ExitCode};

use crate::{
    hosts::{Adapted, AsyncStd, Futures, Host, Smol, Tokio, Value, YieldOnce, on_each_runtime},
    support::{Meter, RoundTrip, Sample, Suite, Unit, Workload, pin_to_one_cpu},
};

const MANY: usize = 20_000;
const TRIPS: usize = 2_000;

/// By how much `from_thread::block_on` may exceed tokio's `Handle::block_on`.
const BACK: f64 = 1.2;

fn main() -> ExitCode {
    Suite::new("from_thread").with_all(on_each_runtime!(comparisons)).run()
}

/// What a blocking call does.
#[derive(Clone, Copy)]
enum Load {
    /// Goes back for a future that is ready.
    Ready,
    /// For one that yields once.
    Yield,
    /// For a task of the runtime, which another thread polls.
    Task,
}

/// How code in a blocking call waits for a future.
trait Back: Host {
    fn back(future: impl Future<Output = usize>) -> usize;
}

impl Back for Tokio {
    fn back(future: impl Future<Output = usize>) -> usize {
        tokio::runtime::Handle::current().block_on(future)
    }
}

impl Back for Smol {
    fn back(future: impl Future<Output = usize>) -> usize {
        smol::block_on(future)
    }
}

impl Back for AsyncStd {
    fn back(future: impl Future<Output = usize>) -> usize {
        async_std::task::block_on(future)
    }
}

impl Back for Futures {
    fn back(future: impl Future<Output = usize>) -> usize {
        futures::executor::block_on(future)
    }
}

impl<R> Back for Adapted<R>
where
    Self: Host,
{
    fn back(future: impl Future<Output = usize>) -> usize {
        anyloop::from_thread::block_on(future)
    }
}

/// Everything that is measured of one runtime: `ours` is the adapter, `theirs` the runtime itself.
fn comparisons<O: Back, T: Back>(runtime: &str, ours: fn() -> O, theirs: fn() -> T) -> Vec<Workload> {
    let compare = |what: &str, unit, size, load, pinned| {
        let workload = Workload::new(format!("{runtime}: {what}"), unit, size)
            .case("anyloop", move |meter| run(load, pinned, ours, meter))
            .case(runtime, move |meter| run(load, pinned, theirs, meter))
            // The same thing twice shows how much of a ratio is chance.
            .case(format!("{runtime}, again"), move |meter| run(load, pinned, theirs, meter));
        // Of both flavours; the others are there to be seen.
        if runtime.starts_with("tokio") { workload.at_most(BACK, runtime) } else { workload }
    };
    vec![
        compare("a future that is ready", Unit::NsPer("trip"), MANY, Load::Ready, false),
        compare("a future that yields once", Unit::NsPer("trip"), MANY, Load::Yield, false),
        compare("a task of the runtime", Unit::UsPer("trip"), TRIPS, Load::Task, false)
            .round_trip(RoundTrip::Unpinned),
        compare("a task of the runtime, pinned", Unit::UsPer("trip"), TRIPS, Load::Task, true)
            .round_trip(RoundTrip::Pinned),
    ]
}

fn run<H: Back>(load: Load, pinned: bool, host: fn() -> H, meter: &Meter) -> Sample {
    if pinned {
        pin_to_one_cpu();
    }
    let host = host();
    let size = meter.size;
    meter.measure(|| {
        let inside = host.clone();
        let work = move || (0..size).map(|number| go_back(&inside, load, number)).sum();
        // tokio's `spawn_blocking` looks for its runtime.
        let sum = host.block_on(async { host.offload(work).await.value() });
        assert_eq!(sum, size * (size - 1) / 2, "a value was lost");
    })
}

fn go_back<H: Back>(host: &H, load: Load, number: usize) -> usize {
    H::back(async {
        match load {
            Load::Ready => number,
            Load::Yield => {
                YieldOnce::default().await;
                number
            }
            Load::Task => host.spawn(async move { number }).await.value(),
        }
    })
}
