//! SHA-256 of every file under the given directories, as `sha256sum` prints it, on all cores:
//!
//! ```text
//! cargo run --release --features tokio --example checksum -- src core > sums
//! sha256sum --check sums
//! cargo run --release --all-features --example checksum -- --runtime smol --jobs 8 src
//! ```
//!
//! What blocks are plain functions under `#[async_wrap]`: `find`, `digest` and `print`. `hash` awaits them.

mod args;
#[path = "../support/cores.rs"]
mod cores;
#[path = "../support/counted.rs"]
mod counted;
mod digest;
mod files;
mod hashing;
mod output;
#[path = "../support/runtime.rs"]
mod runtime;
#[path = "../support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::process::ExitCode;

use anyloop::{AnyRuntime, BlockOn, Runtime, ThreadPool};
use clap::Parser;

use crate::args::Args;
use crate::hashing::hash;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match runtime(&args) {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    // Twice as many as there are threads, so that none of them waits for the next file.
    match runtime.run(hash(&args.roots, 2 * args.jobs())) {
        Ok(summary) => {
            eprintln!("{summary} (runtime: {})", runtime.name());
            if summary.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => stdout::failed(&error),
    }
}

/// The runtime that is asked for, with a pool as wide as is asked for.
fn runtime(args: &Args) -> Result<AnyRuntime, Box<dyn Error>> {
    files::check(&args.roots)?;
    let pool = ThreadPool::new(args.jobs())?;
    Ok(args.runtime.start()?.with_pool(&pool))
}
