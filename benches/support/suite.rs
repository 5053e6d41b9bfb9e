//! The program that a bench target is.

use std::{process::ExitCode, time::Instant};

use clap::Parser;

use super::{
    args::{Args, ROUNDS_FOR_A_VERDICT},
    child,
    machine::State,
    meter::Meter,
    report,
    rounds::{self, Results},
    stats::figure,
    verdict::{Grounds, Verdict},
    workload::{Metric, Workload},
};

/// Workloads, and the command line that runs them.
pub(crate) struct Suite {
    target: &'static str,
    workloads: Vec<Workload>,
}

impl Suite {
    pub(crate) fn new(target: &'static str) -> Self {
        Self { target, workloads: Vec::new() }
    }

    /// Adds a workload.
    pub(crate) fn with(mut self, workload: Workload) -> Self {
        assert!(
            self.workloads.iter().all(|other| other.name != workload.name),
            "two workloads are called {:?}",
            workload.name
        );
        self.workloads.push(workload);
        self
    }

    /// Adds workloads.
    pub(crate) fn with_all(self, workloads: impl IntoIterator<Item = Workload>) -> Self {
        workloads.into_iter().fold(self, Self::with)
    }

    /// Does what the command line asks for: the whole of a bench target's `main`.
    pub(crate) fn run(self) -> ExitCode {
        let args = Args::parse();
        if let Some([workload, label]) = args.case.as_deref() {
            return self.run_case_here(workload, label, args.is_quick());
        }
        let chosen: Vec<&Workload> =
            self.workloads.iter().filter(|workload| args.selects(&workload.name)).collect();
        if chosen.is_empty() {
            eprintln!("no workload matches {:?}; --list shows their names", args.filter);
            return ExitCode::FAILURE;
        }
        if args.list {
            list(&chosen);
            return ExitCode::SUCCESS;
        }
        self.compare(&chosen, &args)
    }

    fn compare(&self, chosen: &[&Workload], args: &Args) -> ExitCode {
        let start = Instant::now();
        let before = State::now();
        let all_results: Vec<Results> = chosen
            .iter()
            .enumerate()
            .map(|(index, workload)| {
                eprintln!("{}/{} {}", index + 1, chosen.len(), workload.name);
                let results = rounds::run(workload, args);
                tell_progress(workload, &results);
                results
            })
            .collect();
        let after = State::now();

        let enough_rounds = args.effective_rounds() >= ROUNDS_FOR_A_VERDICT && !args.is_quick();
        let grounds = Grounds::new(enough_rounds, &before, &after);
        report::machine(self.target, &before, &after, grounds);
        let mut verdicts = Vec::new();
        let mut failures = Vec::new();
        for (workload, results) in chosen.iter().zip(&all_results) {
            verdicts.extend(report::workload(workload, results, grounds));
            let failed = workload.cases.iter().zip(&results.cases).filter_map(|(case, result)| {
                let failure = result.failure.as_ref()?;
                Some(format!("{}: {} {failure}", workload.name, case.label))
            });
            failures.extend(failed);
        }
        report::summary(&verdicts, &failures);
        eprintln!("took {:.0} s", start.elapsed().as_secs_f64());

        let is_bad = !failures.is_empty() || verdicts.contains(&Verdict::Missed);
        if args.check && is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn run_case_here(&self, workload: &str, label: &str, quick: bool) -> ExitCode {
        let case = self.workloads.iter().find(|other| other.name == workload).and_then(|workload| {
            let case = workload.cases.iter().find(|case| case.label == label)?;
            Some((workload, case))
        });
        let Some((workload, case)) = case else {
            eprintln!("no case {label:?} in a workload {workload:?}; --list shows them");
            return ExitCode::FAILURE;
        };
        let sample = (case.run)(&Meter::new(workload, quick));
        child::hand_over(&sample);
        ExitCode::SUCCESS
    }
}

fn list(workloads: &[&Workload]) {
    for workload in workloads {
        println!("{} ({}, {} operations)", workload.name, workload.unit.text(), workload.size);
        for case in &workload.cases {
            println!("    {}", case.label);
        }
    }
}

/// The report comes last, because it begins with how the machine was at the end. Until then this tells
/// whoever waits, and whoever interrupts, what there is.
fn tell_progress(workload: &Workload, results: &Results) {
    for (case, result) in workload.cases.iter().zip(&results.cases) {
        let wall = result.median(Metric::Wall, workload.unit).map_or("-".into(), figure);
        eprintln!("    {wall:>10} {}  {}", workload.unit.text(), case.label);
    }
    let others = results.others.map_or("?".into(), |others| format!("{:.0}", others * 100.0));
    eprintln!("    in {:.1} s, others used {others} % of the CPUs", results.took.as_secs_f64());
}
