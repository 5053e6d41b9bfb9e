//! A whole program: blocking functions, awaited. It is the same on every runtime:
//!
//! ```text
//! cargo run --example hello --features tokio
//! cargo run --example hello --features smol
//! cargo run --example hello --features tokio,smol,async-std,futures   # and ANYLOOP_RUNTIME=smol, say
//! cargo run --example hello --features tokio -- 1000                  # that many rows
//! ```

#[path = "support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use anyloop::{Runtime, ThreadPool, async_wrap, gather, sleep, spawn, timeout};
use clap::Parser;

/// Awaits blocking functions, in several ways.
#[derive(Parser)]
#[command(
    name = "hello",
    after_help = "Exit code: 0 when all is well, 1 when something failed, 2 when it cannot begin."
)]
struct Args {
    /// How many rows are fetched at once
    #[arg(default_value_t = 17, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(..=100_000))]
    rows: u32,
}

/// Blocks its thread, as a database or a C library would.
#[async_wrap]
fn fetch(id: u32) -> String {
    thread::sleep(Duration::from_millis(10));
    format!("row {id}")
}

/// Blocks too, may fail, and borrows its argument like any function.
#[async_wrap]
fn number(row: &str) -> Result<u32, std::num::ParseIntError> {
    row.trim_start_matches("row ").parse()
}

/// Async all along.
async fn count() -> usize {
    sleep(Duration::from_millis(1)).await;
    3
}

/// A pool of its own for the database, so that at most two calls are in it at a time.
static DB: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(2).expect("two threads are enough"));

#[anyloop::main]
async fn main() -> ExitCode {
    let Args { rows } = Args::parse();
    match hello(rows).await {
        Ok(text) => stdout::print(&text),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn hello(n: u32) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    writeln!(out, "on {}", anyloop::current()?.name())?;

    // All of them at once, the results in input order.
    let rows = gather((0..n).map(fetch)).await;
    writeln!(out, "gathered {}, the last is {:?}", rows.len(), rows.last())?;

    // Different things at once.
    let (row, n) = gather((fetch(1), count())).await;
    writeln!(out, "{row} and {n}")?;

    let next = number(&row).await? + 1;
    writeln!(out, "{} from the database", fetch(next).on(&DB).await)?;
    writeln!(out, "{} from this very thread", fetch(3).run())?;

    // Started now, awaited later.
    let task = fetch(4).start();
    writeln!(out, "{} from a task", task.await?)?;

    // A `Result` instead of a panic, should `fetch` panic.
    writeln!(out, "{} for sure", fetch(5).settle().await?)?;

    // The runtime's own tasks and clock.
    let task = spawn(async { gather((fetch(6), fetch(7))).await });
    let (six, seven) = task.await?;
    writeln!(out, "{six} and {seven} from a spawned task")?;

    match timeout(Duration::from_millis(1), std::future::pending::<()>()).await {
        Ok(()) => unreachable!("it never ends"),
        Err(elapsed) => writeln!(out, "gave up: {elapsed}")?,
    }
    Ok(out)
}
