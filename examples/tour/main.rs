//! The experiments that anyloop came from, as a program that checks its own claims:
//!
//! ```text
//! cargo run --features tokio --example tour
//! cargo run --all-features --example tour    # every runtime, side by side
//! ```
//!
//! It exits with 1 when a claim does not hold, and says which, what was expected and what was seen.

mod claim;
mod experiment;
mod section;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use anyloop::{AnyRuntime, Runtime};
use clap::Parser;

use crate::section::{Report, the_pool_of_one_call, threads_and_time, who_runs_what};

/// Gathers blocking and async functions, shows which threads run them and how long it
/// takes, and checks that it is as claimed.
///
/// On every runtime that is compiled in, side by side, or on the one that ANYLOOP_RUNTIME
/// names. It makes its pools itself, of 100 threads, of two and of one: ANYLOOP_POOL and
/// ANYLOOP_MAX_THREADS change nothing.
#[derive(Parser)]
#[command(
    name = "tour",
    verbatim_doc_comment,
    after_help = "\
Exit code: 0 when every claim holds, 1 when one does not or the output cannot be
written, 2 when the program cannot begin."
)]
struct Args {}

fn main() -> ExitCode {
    let Args {} = Args::parse();
    let runtimes = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match tour(&runtimes) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Whoever reads the output may have seen enough of it (`| head`).
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// All that are compiled in, or the one that is asked for.
fn runtimes() -> Result<Vec<AnyRuntime>, Box<dyn Error>> {
    let asked_for = env::var_os("ANYLOOP_RUNTIME").is_some_and(|name| !name.is_empty());
    let compiled_in = || anyloop::adapters().map(|adapter| (adapter.start)()).collect::<io::Result<_>>();
    let runtimes: Vec<AnyRuntime> = if asked_for { Vec::new() } else { compiled_in()? };
    // If there is none, the error says which features to enable.
    if runtimes.is_empty() { Ok(vec![anyloop::current()?]) } else { Ok(runtimes) }
}

/// Whether every claim holds.
fn tour(runtimes: &[AnyRuntime]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let names: Vec<_> = runtimes.iter().map(Runtime::name).collect();
    writeln!(out, "anyloop on {}", names.join(", "))?;

    let mut report = Report::default();
    for section in [who_runs_what, threads_and_time, the_pool_of_one_call] {
        let text = section(runtimes, &mut report);
        writeln!(out, "\n{text}")?;
        out.flush()?;
    }
    writeln!(out, "\n{report}")?;
    Ok(report.all_hold())
}
