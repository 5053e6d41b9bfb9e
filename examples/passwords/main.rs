//! Argon2 hashes for many users, made in an async program: once called plainly, once wrapped.
//!
//! ```text
//! cargo run --release --features tokio --example passwords
//! cargo run --release --features smol --example passwords -- --users 100 --memory 65536 --passes 3
//! ```
//!
//! A hash takes tens of milliseconds of one core, on purpose. Called plainly, it holds the event loop up for as long; a
//! task that only sleeps shows by how much. Wrapped, it does not.

mod args;
#[path = "../support/cores.rs"]
mod cores;
mod enrolment;
mod lateness;
#[path = "../support/runtime.rs"]
mod runtime;
#[path = "../support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use anyloop::{AnyRuntime, BlockOn, Runtime};
use argon2::Params;
use clap::Parser;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::args::Args;
use crate::enrolment::{Report, plain, wrapped};

fn main() -> ExitCode {
    let args = Args::parse();
    let (runtime, cost) = match begin(&args) {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let reports = runtime.run(async {
        let plain = plain(args.users, &cost).await?;
        let wrapped = wrapped(args.users, &cost, args.jobs).await?;
        Ok::<_, argon2::password_hash::Error>([("plain", plain), ("wrapped", wrapped)])
    });
    let reports = match reports {
        Ok(reports) => reports,
        Err(error) => {
            eprintln!("error: argon2: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = print(&args, &runtime, &reports) {
        return stdout::failed(&error);
    }
    let unverified: usize = reports.iter().map(|(_, report)| args.users - report.verified).sum();
    if unverified == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {unverified} hashes refused their own password, or took another one");
    ExitCode::FAILURE
}

fn begin(args: &Args) -> Result<(AnyRuntime, Params), Box<dyn Error>> {
    let cost = args.cost()?;
    Ok((args.runtime.start()?, cost))
}

fn print(args: &Args, runtime: &AnyRuntime, reports: &[(&str, Report)]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["calls", "took", "verified", "loop woke", "late: median", "p99", "max"]);
    for (name, Report { verified, took, lateness }) in reports {
        table.add_row([
            (*name).to_owned(),
            format!("{:.2} s", took.as_secs_f64()),
            format!("{verified} of {}", args.users),
            lateness.count().to_string(),
            milliseconds(lateness.median()),
            milliseconds(lateness.p99()),
            milliseconds(lateness.max()),
        ]);
    }
    let Args { users, memory, passes, jobs, .. } = args;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "users {users}, argon2id of {memory} KiB and {passes} passes, {jobs} wrapped calls at a time;"
    )?;
    writeln!(out, "beside them a task that sleeps 1 ms again and again (runtime: {})\n", runtime.name())?;
    writeln!(out, "{table}")
}

fn milliseconds(time: std::time::Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
