//! Round trips: one call after the other, with or without work in between.

use std::time::Duration;

use super::{
    busy::spin,
    contestants::{
        Contestant::{Anyloop, AsyncStd, Smol},
        FIXED, Load, POOL_THREADS, TOKIO, contest,
    },
    pools::{Pool, Value},
    runtimes::Runtime,
};
use crate::support::{Meter, Metric, RoundTrip, Sample, Unit, Workload};

const TRIPS: usize = 1_000;

pub(crate) fn workloads() -> impl Iterator<Item = Workload> {
    let placements = [
        Trips { from: Place::Root, pinned: false, between: Duration::ZERO },
        Trips { from: Place::Task, pinned: false, between: Duration::ZERO },
        Trips { from: Place::Root, pinned: true, between: Duration::ZERO },
        Trips { from: Place::Task, pinned: true, between: Duration::ZERO },
    ];
    placements.into_iter().flat_map(|trips| {
        let busy = |us| Trips { between: Duration::from_micros(us), ..trips };
        [plain(trips), with_work(busy(5)), with_work(busy(20)), with_work(busy(50))]
    })
}

fn plain(trips: Trips) -> Workload {
    let workload = Workload::new(trips.name(), Unit::UsPer("call"), TRIPS);
    let others = [Smol, AsyncStd].into_iter().chain(FIXED);
    let workload = contest(workload, &trips, [Anyloop, TOKIO].into_iter().chain(others));
    bounded(workload.at_most(1.0, "tokio"), trips)
}

/// The figures are what comes on top of the work.
fn with_work(trips: Trips) -> Workload {
    let workload = Workload::new(trips.name(), Unit::UsPer("call"), TRIPS / 2).repeats(3);
    bounded(contest(workload, &trips, [Anyloop, TOKIO]).at_most(0.95, "tokio"), trips)
}

fn bounded(workload: Workload, trips: Trips) -> Workload {
    let workload = workload
        .at_most_of(Metric::Cpu, 1.0, "tokio")
        .below(Metric::Figure(POOL_THREADS), 2.0)
        .round_trip(if trips.pinned { RoundTrip::Pinned } else { RoundTrip::Unpinned });
    match trips {
        Trips { from: Place::Root, pinned: false, between: Duration::ZERO } => {
            workload.at_most_where_spread(0.5, "tokio")
        }
        _ => workload,
    }
}

/// Where the loop runs.
#[derive(Clone, Copy)]
enum Place {
    /// In `block_on` itself.
    Root,
    /// In a task.
    Task,
}

#[derive(Clone, Copy)]
struct Trips {
    from: Place,
    pinned: bool,
    /// The caller works so long before each call.
    between: Duration,
}

impl Trips {
    fn name(self) -> String {
        let from = match self.from {
            Place::Root => "from the root",
            Place::Task => "from a task",
        };
        let pinned = if self.pinned { ", pinned" } else { "" };
        let between = match self.between.as_micros() {
            0 => String::new(),
            us => format!(", {us} µs apart"),
        };
        format!("round trip {from}{pinned}{between}")
    }
}

impl Load for Trips {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        let Self { from, between, .. } = *self;
        let size = meter.size;
        let sample = meter.measure(|| {
            let trips = one_by_one(pool.clone(), size, between);
            let sum = match from {
                Place::Root => runtime.block_on(trips),
                Place::Task => runtime.block_on(async { runtime.spawn(trips).await.value() }),
            };
            assert_eq!(sum, size * (size - 1) / 2, "a value was lost");
        });
        sample.beyond_work(between)
    }

    fn is_pinned(&self) -> bool {
        self.pinned
    }
}

async fn one_by_one(pool: impl Pool, size: usize, between: Duration) -> usize {
    let mut sum = 0;
    for i in 0..size {
        if !between.is_zero() {
            spin(between);
        }
        sum += pool.offload(move || i).await.value();
    }
    sum
}
