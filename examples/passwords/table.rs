//! What goes to standard output: each line when it is known.

use std::io::{self, Write};
use std::time::Duration;

use anyloop::{AnyRuntime, Runtime};
use comfy_table::{ColumnConstraint, Table, Width, presets::ASCII_MARKDOWN};

use crate::args::Args;
use crate::counted::counted;
use crate::enrolment::Report;

const COLUMNS: [&str; 7] = ["calls", "took", "verified", "loop woke", "late: median", "p99", "max"];
/// Room for what is usual, as the heading is printed before the rows are known. What is wider shifts its own row.
const WIDTHS: [u16; 7] = [9, 10, 18, 11, 14, 12, 12];

/// A table that is printed row by row.
pub(crate) struct Rows {
    table: Table,
    /// How many of its lines.
    printed: usize,
}

impl Rows {
    /// Prints what is measured, and the heading.
    pub(crate) fn begin(args: &Args, runtime: &AnyRuntime) -> io::Result<Self> {
        let Args { users, memory, passes, jobs, .. } = args;
        let passes = counted(*passes as usize, "pass", "passes");
        let calls = counted(*jobs, "wrapped call", "wrapped calls");
        let mut out = io::stdout().lock();
        writeln!(out, "users {users}, argon2id of {memory} KiB and {passes}, {calls} at a time;")?;
        writeln!(out, "beside them a task that sleeps 1 ms again and again (runtime: {})\n", runtime.name())?;

        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(COLUMNS);
        for (column, width) in table.column_iter_mut().zip(WIDTHS) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        let mut rows = Self { table, printed: 0 };
        rows.print()?;
        Ok(rows)
    }

    pub(crate) fn add(&mut self, name: &str, users: usize, report: &Report) -> io::Result<()> {
        let Report { verified, took, lateness } = report;
        self.table.add_row([
            name.to_owned(),
            format!("{:.2} s", took.as_secs_f64()),
            format!("{verified} of {users}"),
            lateness.count().to_string(),
            milliseconds(lateness.median()),
            milliseconds(lateness.p99()),
            milliseconds(lateness.max()),
        ]);
        self.print()
    }

    /// The lines that are new.
    fn print(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for line in self.table.lines().skip(self.printed) {
            writeln!(out, "{line}")?;
            self.printed += 1;
        }
        out.flush()
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
