//! A whole program: blocking functions, awaited. It is the same on every runtime:
//!
//! ```text
//! cargo run --example hello --features tokio
//! cargo run --example hello --features smol
//! cargo run --example hello --features tokio,smol,async-std,futures   # and ANYLOOP_RUNTIME=smol, say
//! cargo run --example hello --features tokio -- 1000                  # that many rows
//! ```

use std::error::Error;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use anyloop::{Runtime, ThreadPool, async_wrap, gather, sleep, spawn, timeout};

/// Blocks its thread, as a database or a C library would.
#[async_wrap]
fn fetch(id: u32) -> String {
    thread::sleep(Duration::from_millis(10));
    format!("row {id}")
}

/// Blocks too, may fail, and borrows its argument like any function.
#[async_wrap]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.trim().parse()
}

/// Async all along.
async fn count() -> usize {
    sleep(Duration::from_millis(1)).await;
    3
}

/// A pool of its own for the database, so that at most two calls are in it at a time.
static DB: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(2).expect("two threads are enough"));

#[anyloop::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("on {}", anyloop::current()?.name());

    // How many rows: the first argument, or 17.
    let argument = std::env::args().nth(1).unwrap_or("17".to_owned());
    let n = parse(&argument).await?;

    // All of them at once, the results in input order.
    let rows = gather((0..n).map(fetch)).await;
    println!("gathered {}, the last is {:?}", rows.len(), rows.last());

    // Different things at once.
    let (row, n) = gather((fetch(1), count())).await;
    println!("{row} and {n}");

    println!("{} from the database", fetch(2).on(&DB).await);
    println!("{} from this very thread", fetch(3).run());

    // Started now, awaited later.
    let task = fetch(4).start();
    println!("{} from a task", task.await?);

    // A `Result` instead of a panic, should `fetch` panic.
    println!("{} for sure", fetch(5).settle().await?);

    // The runtime's own tasks and clock.
    let task = spawn(async { gather((fetch(6), fetch(7))).await });
    let (six, seven) = task.await?;
    println!("{six} and {seven} from a spawned task");

    match timeout(Duration::from_millis(1), std::future::pending::<()>()).await {
        Ok(()) => unreachable!("it never ends"),
        Err(elapsed) => println!("gave up: {elapsed}"),
    }
    Ok(())
}
