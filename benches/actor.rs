//! What a call of an actor costs: a row put into a SQLite database, beside tokio-rusqlite.

mod support;

use std::{future::Future, process::ExitCode};

use anyloop::{Actor, BlockOn, Runtime as _, Tokio};
use futures::future::join_all;
use tokio_rusqlite::rusqlite::{self, Connection};

use crate::support::{Meter, RoundTrip, Sample, Suite, Unit, Workload, pin_to_one_cpu};

const TRIPS: usize = 2_000;
const AT_ONCE: usize = 10_000;

/// At most so much of tokio-rusqlite's time.
const BOUND: f64 = 0.8;

fn main() -> ExitCode {
    let trips = [(Place::Root, false), (Place::Task, false), (Place::Root, true), (Place::Task, true)];
    Suite::new("actor")
        .with_all(trips.map(|(from, pinned)| one_by_one(from, pinned)))
        .with(
            Workload::new("inserts, 10,000 at once", Unit::NsPer("call"), AT_ONCE)
                .case("anyloop", |meter| {
                    let (runtime, database) = ours();
                    meter.measure(|| {
                        runtime.block_on(async {
                            let calls = (0..meter.size).map(|i| database.insert(i));
                            assert_eq!(anyloop::gather(calls).await.len(), meter.size, "a row was lost");
                        });
                    })
                })
                .case(THEIRS, theirs_at_once)
                .case(AGAIN, theirs_at_once)
                .case(NO_THREAD, without_a_thread)
                .at_most(BOUND, THEIRS),
        )
        .run()
}

const THEIRS: &str = "tokio-rusqlite";
const AGAIN: &str = "tokio-rusqlite, again";
/// The work itself: what no call can be faster than.
const NO_THREAD: &str = "rusqlite, on this thread";

/// Where the loop runs.
#[derive(Clone, Copy)]
enum Place {
    /// In `block_on` itself.
    Root,
    /// In a task.
    Task,
}

fn one_by_one(from: Place, pinned: bool) -> Workload {
    let place = match from {
        Place::Root => "from the root",
        Place::Task => "from a task",
    };
    let theirs = move |meter: &Meter| {
        pin(pinned);
        let (runtime, database) = theirs();
        meter.measure(|| {
            let trips = trips(database.clone(), meter.size);
            runtime.block_on(async {
                match from {
                    Place::Root => trips.await,
                    Place::Task => tokio::spawn(trips).await.expect("it does not panic"),
                }
            });
        })
    };
    let name = format!("inserts, one after the other, {place}{}", if pinned { ", pinned" } else { "" });
    Workload::new(name, Unit::UsPer("call"), TRIPS)
        .case("anyloop", move |meter| {
            pin(pinned);
            let (runtime, database) = ours();
            meter.measure(|| {
                let trips = trips(database.clone(), meter.size);
                runtime.block_on(async {
                    match from {
                        Place::Root => trips.await,
                        Place::Task => runtime.spawn(trips).await.expect("it does not panic"),
                    }
                });
            })
        })
        .case(THEIRS, theirs)
        .case(AGAIN, theirs)
        .case(NO_THREAD, move |meter| {
            pin(pinned);
            without_a_thread(meter)
        })
        .at_most(BOUND, THEIRS)
        .round_trip(if pinned { RoundTrip::Pinned } else { RoundTrip::Unpinned })
}

fn pin(pinned: bool) {
    if pinned {
        pin_to_one_cpu();
    }
}

async fn trips(database: impl Database, size: usize) {
    for i in 0..size {
        assert_eq!(database.insert(i).await, 1, "a row was lost");
    }
}

fn theirs_at_once(meter: &Meter) -> Sample {
    let (runtime, database) = theirs();
    meter.measure(|| {
        runtime.block_on(async {
            let calls = (0..meter.size).map(|i| database.insert(i));
            assert_eq!(join_all(calls).await.len(), meter.size, "a row was lost");
        });
    })
}

fn without_a_thread(meter: &Meter) -> Sample {
    let mut connection = open().expect("a database");
    meter.measure(|| {
        for i in 0..meter.size {
            assert_eq!(insert(&mut connection, i), Ok(1), "a row was lost");
        }
    })
}

/// A database, awaited.
trait Database: Clone + Send + 'static {
    fn insert(&self, number: usize) -> impl Future<Output = usize> + Send;
}

impl Database for Actor<Connection> {
    fn insert(&self, number: usize) -> impl Future<Output = usize> + Send {
        let call = self.call(move |connection| insert(connection, number));
        async { call.await.expect("a row") }
    }
}

impl Database for tokio_rusqlite::Connection {
    async fn insert(&self, number: usize) -> usize {
        self.call(move |connection| insert(connection, number)).await.expect("a row")
    }
}

fn ours() -> (Tokio, Actor<Connection>) {
    let runtime = Tokio::new().expect("tokio starts");
    let opened = runtime.block_on(Actor::try_new(open)).expect("a thread");
    (runtime, opened.expect("a database"))
}

fn theirs() -> (tokio::runtime::Runtime, tokio_rusqlite::Connection) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("tokio starts");
    let opened = runtime.block_on(async {
        let connection = tokio_rusqlite::Connection::open_in_memory().await?;
        connection.call(|connection| prepare(connection)).await.expect("a table");
        Ok::<_, rusqlite::Error>(connection)
    });
    (runtime, opened.expect("a database"))
}

fn open() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE TABLE row (number INTEGER)")
}

/// The same work on all sides.
fn insert(connection: &mut Connection, number: usize) -> rusqlite::Result<usize> {
    connection.prepare_cached("INSERT INTO row VALUES (?1)")?.execute([number as i64])
}
