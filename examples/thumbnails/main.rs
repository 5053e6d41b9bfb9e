//! Small copies of a folder's pictures, made on all cores within a bound on memory:
//!
//! ```text
//! cargo run --release --features tokio --example thumbnails -- photos small
//! cargo run --release --features smol --example thumbnails -- photos small --size 320 --memory 512
//! ```
//!
//! A decoded picture takes far more memory than its file. Each call waits for as many MiB of a shared `Limiter` as its
//! own picture takes, without a thread: many small pictures are decoded at a time, or a few large ones.

mod album;
mod args;
#[path = "../support/cores.rs"]
mod cores;
#[path = "../support/counted.rs"]
mod counted;
mod files;
mod picture;
#[path = "../support/runtime.rs"]
mod runtime;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use anyloop::{AnyRuntime, BlockOn, Runtime, ThreadPool};
use clap::Parser;

use crate::album::shrink_all;
use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let (runtime, pictures) = match begin(&args) {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let summary = runtime.run(shrink_all(&pictures, &args));
    eprintln!("{summary} (runtime: {})", runtime.name());
    if summary.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The runtime that is asked for, with a pool as wide as is asked for, and the pictures.
fn begin(args: &Args) -> Result<(AnyRuntime, Vec<PathBuf>), Box<dyn Error>> {
    let runtime = args.runtime.start()?.with_pool(&ThreadPool::new(args.jobs)?);
    // Nothing is written before all else is well.
    let pictures = files::pictures(&args.folder)?;
    files::make_output(&args.output, &args.folder)?;
    Ok((runtime, pictures))
}
