//! What is left of a pool that has nothing to do, after many threads were busy.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyloop::{Pool as _, ThreadPool};

use super::{
    pools::{self, Chosen, Pool, Value},
    runtimes::{self, Runtime},
};
use crate::support::{Meter, Metric, Sample, Unit, Usage, Workload, resident_kib, threads_alive};

const BURST: usize = 500;
const SLEEP: Duration = Duration::from_millis(50);
const MIN_THREADS: usize = 4;
const KEEP_ALIVE: Duration = Duration::from_millis(200);

/// Pools that keep their threads are not waited for much longer than `KEEP_ALIVE`.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ours, so that a tick each few seconds would show. The peers wake more often than that.
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_secs(1);

const WAKE_UPS: &str = "wake-ups/s";
const THREADS_LEFT: &str = "threads left";
const RSS: &str = "RSS/before";

pub(crate) fn workload() -> Workload {
    Workload::new("an idle pool after 500 threads: CPU time a second", Unit::Ms, BURST)
        .case("anyloop, 4 threads stay", |meter| {
            let pool = ThreadPool::builder().min_threads(MIN_THREADS).keep_alive(KEEP_ALIVE).build();
            let pool = pool.expect("a pool");
            measure(meter, LONG, &runtimes::Smol, &Chosen(pool.to_any()))
        })
        .case("tokio", |meter| {
            let tokio = runtimes::Tokio::keeping_threads(KEEP_ALIVE);
            measure(meter, SHORT, &tokio, &pools::Tokio)
        })
        .case("smol", |meter| measure(meter, SHORT, &runtimes::Smol, &pools::Blocking))
        .below(Metric::Wall, 0.0)
        .below(Metric::Figure(WAKE_UPS), 0.0)
        .below(Metric::Figure(THREADS_LEFT), MIN_THREADS as f64)
        .below(Metric::Figure(RSS), 1.1)
}

fn measure(meter: &Meter, idle: Duration, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
    let idle = if meter.is_quick { SHORT } else { idle };
    // A thread that the runtime starts with its first future is none of the pool's.
    runtime.block_on(async {});
    let own_threads = threads_alive();
    // What goes with the first call is not due to the burst.
    runtime.block_on(async { pool.offload(|| 0).await.value() });
    let resident = resident_kib();
    runtime.block_on(burst(pool, meter.size));
    await_threads(own_threads.map(|threads| threads + MIN_THREADS as u32));
    let used = while_idle(idle);

    let seconds = idle.as_secs_f64();
    let cpu = used.map_or(f64::NAN, |used| used.cpu.as_nanos() as f64);
    let mut sample = Sample::of(cpu / seconds);
    if let Some(used) = used {
        sample = sample.with(WAKE_UPS, used.switches as f64 / seconds);
    }
    if let Some((own, now)) = own_threads.zip(threads_alive()) {
        sample = sample.with(THREADS_LEFT, f64::from(now) - f64::from(own));
    }
    if let Some((before, now)) = resident.zip(resident_kib()) {
        sample = sample.with(RSS, now / before);
    }
    sample
}

async fn burst(pool: &impl Pool, size: usize) {
    let sleep = || {
        thread::sleep(SLEEP);
        1
    };
    let started: Vec<_> = (0..size).map(|_| pool.offload(sleep)).collect();
    for one in started {
        one.await.value();
    }
}

/// Waits until no more than `threads` are alive, for a while.
fn await_threads(threads: Option<u32>) {
    let start = Instant::now();
    while threads_alive() > threads && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(10));
    }
    // The last ones may be on their way out, or about to sleep.
    thread::sleep(KEEP_ALIVE);
}

/// What all threads but this one use while it sleeps.
fn while_idle(time: Duration) -> Option<Usage> {
    // This thread's span encloses the process's, so that nothing of its own is counted as others'.
    let own_before = Usage::of_this_thread()?;
    let before = Usage::of_this_process()?;
    thread::sleep(time);
    let after = Usage::of_this_process()?;
    let own_after = Usage::of_this_thread()?;
    let (all, own) = (before.until(after), own_before.until(own_after));
    Some(own.until(all))
}
