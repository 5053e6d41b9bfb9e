//! How late an event loop's timers are while calls compute.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    busy::CpuWork,
    contestants::anyloop_on_tokio,
    pools::{self, Chosen, Pool, Value},
    runtimes::{self, Adapted, Runtime},
};
use crate::support::{Meter, Metric, Sample, Unit, Workload};

const CALLS: usize = 400;
const WORK: Duration = Duration::from_millis(5);
const TICK: Duration = Duration::from_millis(1);

pub(crate) fn workload() -> Workload {
    Workload::new("a timer's lateness, p99, under 400 calls that compute 5 ms", Unit::Ms, CALLS)
        .case("anyloop, cpu", |meter| measure(meter, &Adapted(anyloop_on_tokio()), &Chosen(anyloop::cpu())))
        .case("anyloop, elastic", |meter| measure(meter, &Adapted(anyloop_on_tokio()), &pools::Anyloop))
        .case("tokio", |meter| measure(meter, &runtimes::Tokio::new(runtimes::Tokio::DEFAULT), &pools::Tokio))
        .case("tokio(2)", |meter| measure(meter, &runtimes::Tokio::new(2), &pools::Tokio))
        .case("rayon+oneshot", |meter| {
            measure(meter, &runtimes::Tokio::new(runtimes::Tokio::DEFAULT), &pools::Rayon)
        })
        .below(Metric::Wall, 4.0)
}

fn measure(meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
    let work = CpuWork::lasting(WORK);
    meter.cold().measure_part(|| {
        let probe = Probe::default();
        runtime.block_on(async {
            let ticking = runtime.spawn(probe.clone().tick(runtime.clone()));
            let calls: Vec<_> = (0..meter.size)
                .map(|i| {
                    pool.offload(move || {
                        work.run();
                        i
                    })
                })
                .collect();
            for call in calls {
                call.await.value();
            }
            // ORDERING: Relaxed. The task is awaited below, and nothing else hangs on the flag.
            probe.is_over.store(true, Ordering::Relaxed);
            ticking.await.value();
        });
        probe.p99()
    })
}

/// A task that wakes each millisecond.
#[derive(Clone, Default)]
struct Probe {
    is_over: Arc<AtomicBool>,
    lateness: Arc<Mutex<Vec<Duration>>>,
}

impl Probe {
    async fn tick(self, runtime: impl Runtime) -> usize {
        let mut ticks = 0;
        // ORDERING: Relaxed, as where it is set.
        while !self.is_over.load(Ordering::Relaxed) {
            let asked = Instant::now();
            runtime.sleep(TICK).await;
            let late = asked.elapsed().saturating_sub(TICK);
            self.lateness.lock().unwrap_or_else(PoisonError::into_inner).push(late);
            ticks += 1;
        }
        ticks
    }

    fn p99(&self) -> Duration {
        let mut lateness = self.lateness.lock().unwrap_or_else(PoisonError::into_inner);
        lateness.sort();
        let rank = (lateness.len() * 99).div_ceil(100);
        lateness.get(rank.saturating_sub(1)).copied().expect("it ticks at least once")
    }
}
