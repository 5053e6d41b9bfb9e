//! The tables, and what they come to.

use std::fmt;
use std::thread::ThreadId;

use anyloop::{AnyRuntime, Runtime};
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::claim::{Seen, Verdict};
use crate::experiment::Experiment;

/// How many functions are gathered.
const NUMBERS: [usize; 5] = [1, 5, 9, 13, 17];

/// What the claims came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    held: usize,
    /// A line for each claim that did not hold.
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn all_hold(&self) -> bool {
        self.failures.is_empty()
    }

    /// Makes an experiment; gives what was seen, and a mark if the claim does not hold.
    fn check(&mut self, experiment: Experiment, runtime: &AnyRuntime) -> (Seen, &'static str) {
        let (seen, verdict) = experiment.check(runtime);
        if verdict == Verdict::Holds {
            self.held += 1;
            return (seen, "");
        }
        let contrast = experiment.claim().against(&seen);
        self.failures.push(format!("{experiment}, on {}:\n{contrast}", runtime.name()));
        (seen, " !")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all_hold() {
            return write!(f, "All {} claims hold.", self.held);
        }
        let failed = self.failures.len();
        write!(f, "{failed} of {} claims FAILED, marked with `!`:", failed + self.held)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

/// The ids of two functions that are gathered.
pub(crate) fn who_runs_what(runtimes: &[AnyRuntime], report: &mut Report) -> String {
    let mut table = table(["runtime", "gathered", "process ids", "thread ids"]);
    for runtime in runtimes {
        for experiment in [Experiment::BlockingAndAsync, Experiment::TwoAsync] {
            let (seen, mark) = report.check(experiment, runtime);
            let processes = seen.places.iter().map(|place| place.process.to_string());
            let threads = seen.places.iter().map(|place| digits(place.thread));
            table.add_row([
                runtime.name().to_owned(),
                experiment.to_string(),
                processes.collect::<Vec<_>>().join(", "),
                threads.collect::<Vec<_>>().join(", ") + mark,
            ]);
        }
    }
    titled("Two at once: one process; what blocks gets a thread of its own", &table)
}

/// How many threads it takes, and how long.
pub(crate) fn threads_and_time(runtimes: &[AnyRuntime], report: &mut Report) -> String {
    let names = runtimes.iter().map(Runtime::name);
    let mut table = table(["gathered", "claim"].into_iter().chain(names));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for group in [Experiment::Blocking, Experiment::Async, Experiment::OnTwo] {
        for experiment in NUMBERS.map(group) {
            let claim = experiment.claim();
            let mut row = vec![experiment.to_string(), claim.in_short()];
            for runtime in runtimes {
                let (seen, mark) = report.check(experiment, runtime);
                row.push(format!("{}, {:3}{mark}", seen.threads(), seen.elapsed.as_millis()));
            }
            table.add_row(row);
        }
    }
    titled(
        "Many at once, 100 ms each: threads used, ms until all have ended (allowed: half more, or 200 ms)",
        &table,
    )
}

/// Each call can say where it runs.
pub(crate) fn the_pool_of_one_call(runtimes: &[AnyRuntime], report: &mut Report) -> String {
    let mut table = table(["runtime", "ran on the pools", "threads", "ms"]);
    for runtime in runtimes {
        let (seen, mark) = report.check(Experiment::OneElsewhere, runtime);
        table.add_row([
            runtime.name().to_owned(),
            seen.pools().join(", "),
            seen.threads().to_string(),
            seen.elapsed.as_millis().to_string() + mark,
        ]);
    }
    titled("Three wrapped calls on the pool `two`, but the second `.on(&other)`", &table)
}

fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    table
}

fn titled(title: &str, table: &Table) -> String {
    format!("{title}\n\n{table}")
}

/// std shows the number of a thread only as `ThreadId(1)`.
fn digits(id: ThreadId) -> String {
    format!("{id:?}").chars().filter(char::is_ascii_digit).collect()
}
