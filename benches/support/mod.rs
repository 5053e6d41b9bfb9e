//! The harness that every bench target here shares: `mod support;`, then one [`Suite`].
//!
//! A [`Workload`] is a name, a unit, a size, its cases and its bounds. The suite runs each case in a
//! process of its own, interleaves the cases of a workload round by round, and prints medians.
//! `benches/README.md` has the rules and how to read the report.
#![allow(dead_code, reason = "compiled into each bench target, and none of them uses all of it")]

mod args;
mod child;
mod machine;
mod meter;
mod report;
mod rounds;
mod stats;
mod suite;
mod verdict;
mod workload;

#[allow(unused_imports, reason = "not every bench target pins or calls a case")]
pub(crate) use self::{
    machine::{Usage, pin_to_one_cpu, resident_kib, threads_alive},
    meter::{Meter, Sample},
    suite::Suite,
    workload::{Metric, RoundTrip, Unit, Workload},
};
