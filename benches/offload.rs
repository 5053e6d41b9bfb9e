//! What it costs to run a blocking call: our pool beside those that the runtimes bring.
//!
//! Everything that ships is on: context, cancellation, panics caught. tokio comes as it is and with
//! `max_blocking_threads(2)` and `(8)`; the crate `blocking` (smol's pool) as it is.

mod support;

use std::{future::Future, process::ExitCode, thread, time::Duration};

use anyloop::{Call, PoolExt, ThreadPool, gather};
use futures::future::join_all;
use tokio::{runtime, task::JoinSet};

use crate::support::{Meter, Metric, RoundTrip, Sample, Suite, Unit, Workload, pin_to_one_cpu};

const MANY: usize = 20_000;
const TRIPS: usize = 1_000;
const BURST: usize = 10;
const SLEEPERS: usize = 400;
const SLEEP: Duration = Duration::from_millis(100);

/// tokio's own default of `max_blocking_threads`.
const TOKIO: usize = 512;

fn main() -> ExitCode {
    Suite::new("offload")
        .with(
            Workload::new("gather of wrapped calls", Unit::NsPer("call"), MANY)
                .case("anyloop", ours(gathered))
                .case("join_all, tokio", on_tokio(TOKIO, joined))
                .case("JoinSet, tokio", on_tokio(TOKIO, join_set))
                .case("join_all, tokio(2)", on_tokio(2, joined))
                .case("JoinSet, tokio(2)", on_tokio(2, join_set))
                .at_most(0.035, "join_all, tokio")
                .at_most(0.08, "JoinSet, tokio")
                .at_most(0.20, "JoinSet, tokio(2)"),
        )
        .with(
            Workload::new("fan-out, each call submitted alone", Unit::NsPer("call"), MANY)
                .case("anyloop", ours(|pool, size| all(size, move |i| pool.submit(move || i))))
                .case("tokio", on_tokio(TOKIO, |size| all(size, |i| tokio::task::spawn_blocking(move || i))))
                .case("tokio(8)", on_tokio(8, |size| all(size, |i| tokio::task::spawn_blocking(move || i))))
                .case("tokio(2)", on_tokio(2, |size| all(size, |i| tokio::task::spawn_blocking(move || i))))
                .case("smol", |meter| {
                    meter.measure(|| smol::block_on(all(meter.size, |i| blocking::unblock(move || i))))
                })
                .at_most(0.08, "tokio")
                .at_most(0.40, "tokio(2)")
                .below(Metric::Threads, 8.0),
        )
        .with(
            Workload::new("bursts of 10", Unit::NsPer("call"), 100 * BURST)
                .case("anyloop", ours(|pool, size| bursts(size, move |i| pool.submit(move || i))))
                .case(
                    "tokio(2)",
                    on_tokio(2, |size| bursts(size, |i| tokio::task::spawn_blocking(move || i))),
                )
                .at_most(0.4, "tokio(2)"),
        )
        .with(trips("round trip from the root", false).round_trip(RoundTrip::Unpinned))
        .with(trips("round trip from the root, pinned", true).round_trip(RoundTrip::Pinned))
        .with(
            Workload::new("400 calls that sleep 100 ms", Unit::Ms, SLEEPERS)
                .case("anyloop", ours(|pool, size| sleepers(size, move |f| pool.submit(f))))
                .case("tokio", on_tokio(TOKIO, |size| sleepers(size, |f| tokio::task::spawn_blocking(f))))
                .at_most(1.0, "tokio")
                .at_most_of(Metric::Cpu, 1.0, "tokio"),
        )
        .run()
}

fn trips(name: &str, pinned: bool) -> Workload {
    let pin = move || {
        if pinned {
            pin_to_one_cpu();
        }
    };
    Workload::new(name, Unit::UsPer("call"), TRIPS)
        .case("anyloop", move |meter| {
            pin();
            ours(|pool, size| one_by_one(size, move |i| pool.submit(move || i)))(meter)
        })
        .case("tokio", move |meter| {
            pin();
            on_tokio(TOKIO, |size| one_by_one(size, |i| tokio::task::spawn_blocking(move || i)))(meter)
        })
        .at_most(1.0, "tokio")
        .at_most_of(Metric::Cpu, 1.0, "tokio")
}

/// A case on a pool of ours, awaited under tokio, as its peers are.
fn ours<F: Future<Output = ()>>(body: impl Fn(ThreadPool, usize) -> F) -> impl Fn(&Meter) -> Sample {
    move |meter| {
        let pool = ThreadPool::new(TOKIO).expect("a pool");
        let tokio = runtime(TOKIO);
        meter.measure(|| tokio.block_on(body(pool.clone(), meter.size)))
    }
}

fn on_tokio<F: Future<Output = ()>>(threads: usize, body: impl Fn(usize) -> F) -> impl Fn(&Meter) -> Sample {
    move |meter| {
        let tokio = runtime(threads);
        meter.measure(|| tokio.block_on(body(meter.size)))
    }
}

fn runtime(blocking_threads: usize) -> runtime::Runtime {
    let tokio = runtime::Builder::new_multi_thread().max_blocking_threads(blocking_threads).build();
    tokio.expect("tokio starts")
}

async fn gathered(pool: ThreadPool, size: usize) {
    let values = gather((0..size).map(|i| Call::new(move || i).on(&pool))).await;
    assert!(values.into_iter().eq(0..size), "a value was lost");
}

async fn joined(size: usize) {
    let values = join_all((0..size).map(|i| tokio::task::spawn_blocking(move || i))).await;
    assert!(values.into_iter().map(|value| value.expect("a value")).eq(0..size), "a value was lost");
}

async fn join_set(size: usize) {
    let mut set = JoinSet::new();
    for i in 0..size {
        set.spawn_blocking(move || i);
    }
    let sum = set.join_all().await.into_iter().sum::<usize>();
    assert_eq!(sum, size * (size - 1) / 2, "a value was lost");
}

/// What each pool's handle gives.
trait Value {
    fn number(self) -> usize;
}

impl Value for usize {
    fn number(self) -> usize {
        self
    }
}

impl<E: std::fmt::Debug> Value for Result<usize, E> {
    fn number(self) -> usize {
        self.expect("a value")
    }
}

/// Starts all, then awaits all, in the order started.
async fn all<T: Future<Output: Value>>(size: usize, start: impl Fn(usize) -> T) {
    let started: Vec<T> = (0..size).map(start).collect();
    for (i, one) in started.into_iter().enumerate() {
        assert_eq!(one.await.number(), i, "a value was lost");
    }
}

async fn bursts<T: Future<Output: Value>>(size: usize, start: impl Fn(usize) -> T) {
    for _ in 0..size / BURST {
        all(BURST, &start).await;
    }
}

async fn one_by_one<T: Future<Output: Value>>(size: usize, start: impl Fn(usize) -> T) {
    for i in 0..size {
        assert_eq!(start(i).await.number(), i, "a value was lost");
    }
}

async fn sleepers<T: Future<Output: Value>>(size: usize, start: impl Fn(fn() -> usize) -> T) {
    let sleep = || {
        thread::sleep(SLEEP);
        1
    };
    for one in (0..size).map(|_| start(sleep)).collect::<Vec<T>>() {
        assert_eq!(one.await.number(), 1);
    }
}
