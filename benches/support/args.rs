//! The command line of a bench target.

use std::time::Duration;

use clap::Parser;

/// Fewer rounds than this give figures, but no verdict.
pub(crate) const ROUNDS_FOR_A_VERDICT: u32 = 7;

/// Measures this target's workloads: ours beside its peers, in the same run.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Rounds of each workload; below 7 there is no verdict.
    #[arg(long, default_value_t = ROUNDS_FOR_A_VERDICT, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// A smoke run: one round, one repeat, no verdict.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Exit with an error when a bound is missed or a case fails.
    #[arg(long)]
    pub(crate) check: bool,

    /// Only the workloads whose names contain this text (any of them, when given more than once).
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,

    /// List the workloads and their cases instead of running them.
    #[arg(long)]
    pub(crate) list: bool,

    /// Seconds after which a case is killed, instead of the workload's own bound.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,

    /// Print every sample as a line of JSON too, on stderr.
    #[arg(long)]
    pub(crate) samples: bool,

    /// Run this one case here and print its sample: how the harness calls itself.
    #[arg(long, hide = true, num_args = 2, value_names = ["WORKLOAD", "LABEL"])]
    pub(crate) case: Option<Vec<String>>,

    /// Accepted because `cargo bench` passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    /// Unoptimised figures mean nothing, so `cargo test --benches` gets a smoke run.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick || cfg!(debug_assertions)
    }

    pub(crate) fn effective_rounds(&self) -> u32 {
        if self.is_quick() { 1 } else { self.rounds }
    }

    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience.map(Duration::from_secs)
    }

    pub(crate) fn selects(&self, workload: &str) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|text| workload.contains(text))
    }
}
