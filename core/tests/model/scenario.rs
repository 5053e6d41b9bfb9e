//! What users may do with a pool.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};

use super::words::{Kind, Manner};

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) max_threads: usize,
    pub(crate) queue_limit: Option<usize>,
    /// Their limits.
    pub(crate) views: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    pub(crate) last: Last,
}

/// A `pick` is one of those that there are, counted round.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Submit { queue: usize, kind: Kind, manner: Manner },
    Release { pick: usize },
    Abort { pick: usize },
    Cancel { pick: usize },
    Drop { pick: usize },
    Detach { pick: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    Shutdown,
    /// With no time at all.
    ShutdownTimeout,
    DropHandles,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Returns),
        1 => Just(Kind::Panics),
        6 => Just(Kind::HoldsAndReturns),
        2 => Just(Kind::HoldsAndPanics),
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![Just(Manner::Submit), Just(Manner::Try), Just(Manner::Await)]
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || 0..64_usize;
    prop_oneof![
        12 => (0..3_usize, kind(), manner())
            .prop_map(|(queue, kind, manner)| Step::Submit { queue, kind, manner }),
        4 => pick().prop_map(|pick| Step::Release { pick }),
        1 => pick().prop_map(|pick| Step::Abort { pick }),
        1 => pick().prop_map(|pick| Step::Cancel { pick }),
        1 => pick().prop_map(|pick| Step::Drop { pick }),
        1 => pick().prop_map(|pick| Step::Detach { pick }),
    ]
}

pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let last = prop_oneof![Just(Last::Shutdown), Just(Last::ShutdownTimeout), Just(Last::DropHandles)];
    let views = vec(1..=4_usize, 0..=2);
    let limit = option::weighted(0.3, 1..=6_usize);
    (1..=4_usize, limit, views, vec(step(), 1..60), last).prop_map(
        |(max_threads, queue_limit, views, steps, last)| Scenario {
            max_threads,
            queue_limit,
            views,
            steps,
            last,
        },
    )
}
