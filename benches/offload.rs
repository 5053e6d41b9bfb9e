//! What it costs to run a blocking call: our pool beside those that the runtimes bring, and others.
//!
//! Everything that ships is on: context, cancellation, panics caught, metrics.

mod support;

mod offload {
    pub(crate) mod allocations;
    pub(crate) mod busy;
    pub(crate) mod contestants;
    pub(crate) mod counting;
    pub(crate) mod fairness;
    pub(crate) mod gathers;
    pub(crate) mod growing;
    pub(crate) mod idle;
    pub(crate) mod lateness;
    pub(crate) mod many;
    pub(crate) mod pools;
    pub(crate) mod runtimes;
    pub(crate) mod sleepers;
    pub(crate) mod trips;
}

use std::process::ExitCode;

use crate::{
    offload::{
        allocations, counting::Counting, fairness, gathers, growing, idle, lateness, many, sleepers, trips,
    },
    support::Suite,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    Suite::new("offload")
        .with(gathers::workload())
        .with_all(many::workloads())
        .with_all(growing::workloads())
        .with_all(trips::workloads())
        .with_all(sleepers::workloads())
        .with(fairness::workload())
        .with(lateness::workload())
        .with(allocations::workload())
        .with(idle::workload())
        .run()
}
