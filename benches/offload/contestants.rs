//! Who is compared: a pool, and the runtime whose tasks wait for its calls.

use std::num::NonZeroUsize;

use super::{
    pools::{self, Pool},
    runtimes::{self, Adapted, Runtime},
};
use crate::support::{Meter, Sample, Workload, pin_to_one_cpu};

/// The name under which ours tells how many threads its pool has, without the runtime's.
pub(crate) const POOL_THREADS: &str = "pool threads";

/// What is measured of each contestant.
pub(crate) trait Load: Clone + 'static {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample;

    /// Whether all threads stay on one CPU.
    fn is_pinned(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Contestant {
    /// Ours as a user has it: default pool, under the adapter for tokio.
    Anyloop,
    /// The same under the adapter for smol.
    AnyloopOnSmol,
    /// The same in a program whose tokio runtime is not anyloop's.
    AnyloopInTokio,
    /// The same where no runtime is current: no context travels.
    AnyloopBare,
    /// tokio with so many blocking threads.
    Tokio(usize),
    /// smol with as many threads as `blocking` starts by default.
    Smol,
    SmolCapped(usize),
    AsyncStd,
    Rayon,
    Threadpool(usize),
    Unblock,
    Affinitypool(usize),
    /// No pool at all.
    ThreadEach,
}

use Contestant::{
    Affinitypool, Anyloop, AnyloopBare, AnyloopInTokio, AnyloopOnSmol, AsyncStd, Rayon, Smol, SmolCapped,
    ThreadEach, Threadpool, Tokio, Unblock,
};

pub(crate) const TOKIO: Contestant = Tokio(runtimes::Tokio::DEFAULT);

/// tokio with its default, and capped where it does best.
pub(crate) const TOKIOS: [Contestant; 4] = [TOKIO, Tokio(8), Tokio(4), Tokio(2)];

/// Pools that never grow.
pub(crate) const FIXED: [Contestant; 4] = [Rayon, Threadpool(2), Unblock, Affinitypool(2)];

impl Contestant {
    pub(crate) fn label(self) -> String {
        match self {
            Anyloop => "anyloop".into(),
            AnyloopOnSmol => "anyloop on smol".into(),
            AnyloopInTokio => "anyloop in tokio's block_on".into(),
            AnyloopBare => "anyloop, bare".into(),
            TOKIO => "tokio".into(),
            Tokio(threads) => format!("tokio({threads})"),
            Smol => "smol".into(),
            SmolCapped(threads) => format!("smol({threads})"),
            AsyncStd => "async-std".into(),
            Rayon => "rayon+oneshot".into(),
            Threadpool(threads) => format!("threadpool({threads})+oneshot"),
            Unblock => "unblock".into(),
            Affinitypool(threads) => format!("affinitypool({threads})"),
            ThreadEach => "a thread each".into(),
        }
    }

    /// Starts the contestant and puts `load` on it. Pools that bring no runtime are awaited under tokio.
    pub(crate) fn measure(self, load: &impl Load, meter: &Meter) -> Sample {
        if load.is_pinned() {
            pin_to_one_cpu();
        }
        let tokio = || runtimes::Tokio::new(runtimes::Tokio::DEFAULT);
        match self {
            Anyloop => run(load, meter, Adapted(anyloop_on_tokio()), pools::Anyloop),
            AnyloopOnSmol => run(load, meter, Adapted(anyloop::Smol::new()), pools::Anyloop),
            AnyloopInTokio => run(load, meter, tokio(), pools::Anyloop),
            AnyloopBare => run(load, meter, runtimes::Smol, pools::Anyloop),
            Tokio(threads) => run(load, meter, runtimes::Tokio::new(threads), pools::Tokio),
            Smol => run(load, meter, runtimes::Smol, pools::Blocking),
            SmolCapped(threads) => {
                blocking::set_max_blocking_threads(NonZeroUsize::new(threads).expect("a cap above 0"));
                run(load, meter, runtimes::Smol, pools::Blocking)
            }
            AsyncStd => run(load, meter, runtimes::AsyncStd, pools::AsyncStd),
            Rayon => run(load, meter, tokio(), pools::Rayon),
            Threadpool(threads) => run(load, meter, tokio(), pools::Fixed::new(threads)),
            Unblock => run(load, meter, tokio(), pools::Unblock),
            Affinitypool(threads) => run(load, meter, tokio(), pools::Affinity::new(threads)),
            ThreadEach => run(load, meter, tokio(), pools::Threads),
        }
    }
}

pub(crate) fn anyloop_on_tokio() -> anyloop::Tokio {
    anyloop::Tokio::new().expect("tokio starts")
}

fn run(load: &impl Load, meter: &Meter, runtime: impl Runtime, pool: impl Pool) -> Sample {
    let sample = load.measure(meter, &runtime, &pool);
    match pool.threads() {
        Some(threads) => sample.with(POOL_THREADS, threads as f64),
        None => sample,
    }
}

/// Adds a case for each of `contestants`, ours first.
pub(crate) fn contest(
    workload: Workload,
    load: &impl Load,
    contestants: impl IntoIterator<Item = Contestant>,
) -> Workload {
    contestants.into_iter().fold(workload, |workload, contestant| {
        let load = load.clone();
        workload.case(contestant.label(), move |meter| contestant.measure(&load, meter))
    })
}
