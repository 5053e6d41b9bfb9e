//! One closure over many items: `pool.map` beside rayon's parallel iterators and tokio's file system.

mod support;

use std::{
    fs, hint,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyloop::{PoolExt, ThreadPool};
use rayon::prelude::*;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{Meter, Metric, Sample, Suite, Unit, Workload};

const NO_OPS: usize = 200_000;
const FILES: usize = 4_000;
const FILE_SIZE: usize = 4 << 10;
const THREADS: usize = 64;
const NAP: Duration = Duration::from_millis(1);
const BLOCK: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    Suite::new("map")
        .with(
            Workload::new("no-ops", Unit::NsPer("item"), NO_OPS)
                .case("anyloop", ours(ThreadPool::global(), || numbers(NO_OPS), |i| i))
                .case("rayon", rayon(|| numbers(NO_OPS), |i| i))
                .below(Metric::Wall, 15.0)
                .below(Metric::Threads, 8.0),
        )
        .with(computing("items of 1 µs", 50_000, Duration::from_micros(1)))
        .with(computing("items of 10 µs", 5_000, Duration::from_micros(10)))
        .with(
            Workload::new("sleeps of 1 ms on 64 threads", Unit::Ms, 6_400)
                .case("anyloop", |meter| {
                    let pool = ThreadPool::new(THREADS).expect("a pool");
                    ours_on(&pool, meter, || numbers(meter.size), |_| thread::sleep(NAP))
                })
                .case("rayon(64)", |meter| {
                    let rayon = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("rayon");
                    meter.measure(|| {
                        rayon
                            .install(|| numbers(meter.size).into_par_iter().for_each(|_| thread::sleep(NAP)));
                    })
                })
                // rayon cuts what it is given into pieces, and ends with the largest of them.
                .at_most(1.0, "rayon(64)"),
        )
        .with(
            Workload::new("two neighbours that block for 50 ms", Unit::Ms, 2_000)
                .case("anyloop", ours(ThreadPool::global(), || numbers(2_000), neighbour))
                .case("rayon", rayon(|| numbers(2_000), neighbour))
                .below(Metric::Wall, 60.0),
        )
        .with(
            Workload::new("files of 4 KiB", Unit::UsPer("file"), FILES)
                .case("anyloop", |meter| {
                    let files = Files::new();
                    ours_on(ThreadPool::global(), meter, || files.paths(), fs::read)
                })
                .case("rayon", |meter| {
                    let files = Files::new();
                    rayon(|| files.paths(), fs::read)(meter)
                })
                .case("tokio::fs, all spawned", |meter| {
                    let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("tokio");
                    let files = Files::new();
                    let paths = files.paths();
                    meter.measure(|| {
                        tokio.block_on(async {
                            let reads: JoinSet<_> = paths.iter().cloned().map(tokio::fs::read).collect();
                            assert_eq!(reads.join_all().await.len(), meter.size, "a file was lost");
                        });
                    })
                })
                .case("std::fs in a loop", |meter| {
                    let files = Files::new();
                    let paths = files.paths();
                    meter.measure(|| {
                        let all: Vec<_> = paths.iter().cloned().map(fs::read).collect();
                        assert_eq!(all.len(), meter.size, "a file was lost");
                    })
                })
                .at_most(1.05, "rayon")
                .at_most(0.3, "tokio::fs, all spawned"),
        )
        .run()
}

fn computing(name: &str, size: usize, each: Duration) -> Workload {
    let work = move |i| {
        let start = Instant::now();
        while start.elapsed() < each {
            hint::spin_loop();
        }
        i
    };
    Workload::new(name, Unit::NsPer("item"), size)
        .case("anyloop", ours(ThreadPool::global(), move || numbers(size), work))
        .case("rayon", rayon(move || numbers(size), work))
        .at_most(1.05, "rayon")
}

fn numbers(size: usize) -> Vec<usize> {
    (0..size).collect()
}

/// All return at once but two neighbours in the middle.
fn neighbour(i: usize) -> usize {
    if i == 1_000 || i == 1_001 {
        thread::sleep(BLOCK);
    }
    i
}

/// Files in a folder of their own, which goes with this.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for i in 0..FILES {
            fs::write(folder.path().join(i.to_string()), [7; FILE_SIZE]).expect("a file");
        }
        Self(folder)
    }

    fn paths(&self) -> Vec<PathBuf> {
        (0..FILES).map(|i| self.0.path().join(i.to_string())).collect()
    }
}

fn ours<I, T>(
    pool: &'static ThreadPool,
    items: impl Fn() -> Vec<I>,
    f: impl Fn(I) -> T + Copy + Send + Sync + 'static,
) -> impl Fn(&Meter) -> Sample
where
    I: Clone + Send + 'static,
    T: Send + 'static,
{
    move |meter| ours_on(pool, meter, &items, f)
}

fn ours_on<I, T>(
    pool: &ThreadPool,
    meter: &Meter,
    items: impl Fn() -> Vec<I>,
    f: impl Fn(I) -> T + Copy + Send + Sync + 'static,
) -> Sample
where
    I: Clone + Send + 'static,
    T: Send + 'static,
{
    let items = items();
    meter.measure(|| {
        let all = pollster::block_on(pool.map(items.clone(), f));
        assert_eq!(all.len(), meter.size, "a result was lost");
    })
}

fn rayon<I, T>(
    items: impl Fn() -> Vec<I>,
    f: impl Fn(I) -> T + Copy + Send + Sync,
) -> impl Fn(&Meter) -> Sample
where
    I: Clone + Send,
    T: Send,
{
    move |meter| {
        let items = items();
        meter.measure(|| {
            let all: Vec<T> = items.clone().into_par_iter().map(f).collect();
            assert_eq!(all.len(), meter.size, "a result was lost");
        })
    }
}
