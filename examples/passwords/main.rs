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
#[path = "../support/counted.rs"]
mod counted;
mod enrolment;
mod lateness;
#[path = "../support/pool.rs"]
mod pool;
#[path = "../support/runtime.rs"]
mod runtime;
#[path = "../support/stdout.rs"]
mod stdout;
mod table;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use anyloop::{AnyRuntime, BlockOn};
use argon2::{Params, password_hash};
use clap::Parser;

use crate::args::Args;
use crate::counted::counted;
use crate::enrolment::{Report, plain, wrapped};
use crate::table::Rows;

fn main() -> ExitCode {
    let args = Args::parse();
    let (runtime, cost) = match begin(&args) {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match print(&args, &runtime, &cost) {
        Ok(Ok(0)) => ExitCode::SUCCESS,
        Ok(Ok(unverified)) => {
            let hashes = counted(unverified, "hash", "hashes");
            eprintln!("error: {hashes} refused their own password, or took another one");
            ExitCode::FAILURE
        }
        Ok(Err(error)) => {
            eprintln!("error: argon2: {error}");
            ExitCode::FAILURE
        }
        Err(error) => stdout::failed(&error),
    }
}

fn begin(args: &Args) -> Result<(AnyRuntime, Params), Box<dyn Error>> {
    let cost = args.cost()?;
    let runtime = args.runtime.start()?;
    pool::check(&runtime)?;
    Ok((runtime, cost))
}

/// Prints each row when it is known; gives how many hashes did not do. The outer error is that of the output.
fn print(
    args: &Args,
    runtime: &AnyRuntime,
    cost: &Params,
) -> io::Result<Result<usize, password_hash::Error>> {
    let mut rows = Rows::begin(args, runtime)?;
    let mut unverified = 0;
    let mut add = |name, report: Report| {
        unverified += args.users - report.verified;
        rows.add(name, args.users, &report)
    };
    match runtime.run(plain(args.users, cost)) {
        Ok(report) => add("plain", report)?,
        Err(error) => return Ok(Err(error)),
    }
    match runtime.run(wrapped(args.users, cost, args.jobs)) {
        Ok(report) => add("wrapped", report)?,
        Err(error) => return Ok(Err(error)),
    }
    Ok(Ok(unverified))
}
