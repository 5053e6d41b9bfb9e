//! Whether a call costs the same, however many there are and however many submit them.

use std::{sync::Barrier, thread, time::Instant};

use super::{
    contestants::{Contestant::Anyloop, Load},
    many::all,
    pools::Pool,
    runtimes::Runtime,
};
use crate::support::{Meter, Sample, Unit, Workload};

/// Above it, something costs more the more there is of it.
const STEADY: f64 = 1.5;

const QUEUED: usize = 1_000_000;
const CALLS: usize = 20_000;

/// The most of each comes first: it is the one that is held to the others.
pub(crate) fn workloads() -> [Workload; 2] {
    let queues =
        Workload::new("as work grows: so many calls at once", Unit::NsPer("call"), QUEUED).repeats(1);
    let queues = [QUEUED, 100_000, 1_000].into_iter().fold(queues, |workload, at_once| {
        workload.case(calls(at_once), move |meter| Anyloop.measure(&AtOnce(at_once), meter))
    });
    let users = Workload::new("as work grows: 20,000 calls by so many threads", Unit::NsPer("call"), CALLS);
    let users = [64, 16, 4, 1].into_iter().fold(users, |workload, threads| {
        workload.case(submitters(threads), move |meter| Anyloop.measure(&Submitters(threads), meter))
    });
    [
        queues.at_most(STEADY, &calls(100_000)).at_most(STEADY, &calls(1_000)),
        [16, 4, 1]
            .into_iter()
            .fold(users, |workload, threads| workload.at_most(STEADY, &submitters(threads))),
    ]
}

fn calls(at_once: usize) -> String {
    let name = match at_once {
        QUEUED => "1,000,000",
        100_000 => "100,000",
        _ => "1,000",
    };
    format!("{name} at once")
}

fn submitters(threads: usize) -> String {
    format!("by {threads}")
}

/// The same number of calls in all, so many of them submitted before the first is awaited.
#[derive(Clone)]
struct AtOnce(usize);

impl Load for AtOnce {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        // A smoke run needs no million.
        let size = if meter.is_quick { 1_000 } else { meter.size };
        let at_once = self.0.min(size);
        meter.measure(|| {
            runtime.block_on(async {
                for _ in 0..size / at_once {
                    all(pool, at_once).await;
                }
            });
        })
    }
}

/// From so many threads, each of which submits its part and then awaits it.
#[derive(Clone)]
struct Submitters(usize);

impl Load for Submitters {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        let Self(threads) = *self;
        meter.measure_part(|| {
            let ready = Barrier::new(threads + 1);
            thread::scope(|scope| {
                let users: Vec<_> = (0..threads)
                    .map(|user| {
                        let ready = &ready;
                        let part = meter.size * (user + 1) / threads - meter.size * user / threads;
                        scope.spawn(move || {
                            ready.wait();
                            runtime.block_on(all(pool, part));
                        })
                    })
                    .collect();
                // To start the threads is no part of a call.
                ready.wait();
                let start = Instant::now();
                users.into_iter().for_each(|user| user.join().expect("no value was lost"));
                start.elapsed()
            })
        })
    }
}
