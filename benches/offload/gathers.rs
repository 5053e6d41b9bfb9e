//! Many wrapped calls gathered: what users write, beside what they write elsewhere.

use futures::future::join_all;
use tokio::task::JoinSet;

use super::{
    contestants::{
        Contestant::{self, Anyloop, AnyloopBare, AnyloopInTokio, AsyncStd, Smol, SmolCapped, Tokio},
        FIXED, Load, TOKIO, TOKIOS,
    },
    pools::{Pool, Value},
    runtimes::Runtime,
};
use crate::support::{Meter, Sample, Unit, Workload};

const MANY: usize = 20_000;

pub(crate) fn workload() -> Workload {
    let mut workload = Workload::new("gather of wrapped calls", Unit::NsPer("call"), MANY);
    for ours in [Anyloop, AnyloopInTokio, AnyloopBare] {
        workload = workload.case(ours.label(), move |meter| ours.measure(&Gather, meter));
    }
    let joined = TOKIOS.into_iter().chain([Smol, SmolCapped(2), AsyncStd]).chain(FIXED);
    for peer in joined {
        workload = workload.case(named("join_all", peer), move |meter| peer.measure(&JoinAll, meter));
    }
    for tokio in TOKIOS {
        workload = workload.case(named("JoinSet", tokio), move |meter| tokio.measure(&Set, meter));
    }
    workload
        .at_most(0.035, &named("join_all", TOKIO))
        .at_most(0.08, &named("JoinSet", TOKIO))
        .at_most(0.20, &named("JoinSet", Tokio(2)))
}

fn named(how: &str, peer: Contestant) -> String {
    format!("{how}, {}", peer.label())
}

/// Ours: the calls go to the default pool whatever `pool` is.
#[derive(Clone)]
struct Gather;

impl Load for Gather {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, _pool: &impl Pool) -> Sample {
        meter.measure(|| {
            runtime.block_on(async {
                let values = anyloop::gather((0..meter.size).map(|i| anyloop::to_thread(move || i))).await;
                assert!(values.into_iter().eq(0..meter.size), "a value was lost");
            });
        })
    }
}

#[derive(Clone)]
struct JoinAll;

impl Load for JoinAll {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, pool: &impl Pool) -> Sample {
        meter.measure(|| {
            runtime.block_on(async {
                let values = join_all((0..meter.size).map(|i| pool.offload(move || i))).await;
                assert!(values.into_iter().map(Value::value).eq(0..meter.size), "a value was lost");
            });
        })
    }
}

/// tokio's own; the values come in any order.
#[derive(Clone)]
struct Set;

impl Load for Set {
    fn measure(&self, meter: &Meter, runtime: &impl Runtime, _pool: &impl Pool) -> Sample {
        meter.measure(|| {
            runtime.block_on(async {
                let mut set = JoinSet::new();
                for i in 0..meter.size {
                    set.spawn_blocking(move || i);
                }
                let sum = set.join_all().await.into_iter().sum::<usize>();
                assert_eq!(sum, meter.size * (meter.size - 1) / 2, "a value was lost");
            });
        })
    }
}
