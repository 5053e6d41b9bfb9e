//! Runs the cases of a workload in turns.

use std::time::{Duration, Instant};

use super::{
    args::Args,
    child,
    machine::Activity,
    meter::Sample,
    stats::{median, range},
    verdict::measured,
    workload::{Metric, Unit, Workload},
};

/// A bound that is missed by no more than this factor may be missed by chance: it gets more rounds.
const NARROWLY: f64 = 1.3;

/// How many times as many rounds a workload makes in all when a bound is missed narrowly.
const EXTENDED: u32 = 3;

/// What the rounds of one workload gave.
pub(crate) struct Results {
    /// In the order of the workload's cases.
    pub(crate) cases: Vec<CaseResult>,
    pub(crate) rounds: u32,
    /// The share of the machine that others used meanwhile, from 0 to 1.
    pub(crate) others: Option<f64>,
    pub(crate) took: Duration,
}

impl Results {
    /// The names of the figures that the cases told beside the usual ones.
    pub(crate) fn figures(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let samples = self.cases.iter().flat_map(|case| &case.samples);
        for (name, _) in samples.flat_map(|sample| &sample.figures) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

#[derive(Default)]
pub(crate) struct CaseResult {
    samples: Vec<Sample>,
    /// Why the case was given up, if it was.
    pub(crate) failure: Option<String>,
}

impl CaseResult {
    /// The median over the rounds. A case that failed once has none: half a comparison misleads.
    pub(crate) fn median(&self, metric: Metric, unit: Unit) -> Option<f64> {
        if self.failure.is_some() { None } else { median(self.values(metric, unit)) }
    }

    pub(crate) fn range(&self, metric: Metric, unit: Unit) -> Option<(f64, f64)> {
        range(self.values(metric, unit))
    }

    pub(crate) fn switches(&self) -> Option<f64> {
        median(self.samples.iter().filter_map(|sample| sample.switches))
    }

    /// The median of a figure that the case told under this name.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        let figures = self.samples.iter().flat_map(|sample| &sample.figures);
        median(figures.filter(|(other, _)| other == name).map(|(_, figure)| *figure))
    }

    fn values(&self, metric: Metric, unit: Unit) -> impl Iterator<Item = f64> {
        self.samples.iter().filter_map(move |sample| metric.of(sample, unit))
    }
}

/// Runs every case once per round, and more rounds where a bound hangs in the balance.
pub(crate) fn run(workload: &Workload, args: &Args) -> Results {
    let mut cases: Vec<CaseResult> = workload.cases.iter().map(|_| CaseResult::default()).collect();
    let start = Instant::now();
    let activity = Activity::now();

    let mut rounds = args.effective_rounds();
    (0..rounds).for_each(|round| run_round(workload, args, round, &mut cases));
    if !args.is_quick() && is_in_the_balance(workload, &cases) {
        let more = rounds * EXTENDED;
        (rounds..more).for_each(|round| run_round(workload, args, round, &mut cases));
        rounds = more;
    }

    Results {
        cases,
        rounds,
        others: activity.zip(Activity::now()).and_then(|(then, now)| then.others_until(now)),
        took: start.elapsed(),
    }
}

/// Each round begins with another case, so that none is always first (after a pause) or always behind
/// the same one.
fn run_round(workload: &Workload, args: &Args, round: u32, cases: &mut [CaseResult]) {
    let patience = args.patience().unwrap_or(workload.patience);
    for turn in 0..cases.len() {
        let index = (round as usize + turn) % cases.len();
        let label = &workload.cases[index].label;
        let case = &mut cases[index];
        if case.failure.is_some() {
            continue;
        }
        match child::run(&workload.name, label, args.is_quick(), patience) {
            Ok(sample) => {
                if args.samples {
                    let json = serde_json::json!({
                        "workload": workload.name, "case": label, "round": round, "sample": sample,
                    });
                    eprintln!("{json}");
                }
                case.samples.push(sample);
            }
            Err(reason) => {
                eprintln!("{}: {label} {reason}", workload.name);
                case.failure = Some(reason);
            }
        }
    }
}

fn is_in_the_balance(workload: &Workload, cases: &[CaseResult]) -> bool {
    // Counts are hardly a matter of chance, and rounds that wait for seconds are dear.
    let mut times = workload.bounds.iter().filter(|bound| matches!(bound.metric, Metric::Wall | Metric::Cpu));
    times.any(|bound| {
        measured(bound, workload, cases)
            .is_some_and(|figure| figure > bound.limit && figure <= bound.limit * NARROWLY)
    })
}
