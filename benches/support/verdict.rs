//! Holds the figures to the bounds.

use std::fmt;

use super::{
    machine::State,
    rounds::CaseResult,
    workload::{Bound, RoundTrip, Workload},
};

/// What became of one bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Holds,
    Missed,
    /// A case that it needs has no figure.
    NoFigure,
    /// The run does not allow one; the report says why.
    Withheld,
    /// It is about another kind of machine.
    NotHere,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "ok",
            Self::Missed => "MISSED",
            Self::NoFigure => "NO FIGURE",
            Self::Withheld => "withheld",
            Self::NotHere => "not here",
        })
    }
}

/// What allows a verdict at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grounds {
    pub(crate) enough_rounds: bool,
    /// Ping-pong as the system places it was alike at both ends of the run.
    pub(crate) steady_unpinned: bool,
    /// Ping-pong on one CPU was alike at both ends of the run.
    pub(crate) steady_pinned: bool,
    /// The system spread the two sides of a ping-pong over CPUs that had to be roused, at both ends.
    pub(crate) spread: bool,
}

impl Grounds {
    pub(crate) fn new(enough_rounds: bool, before: &State, after: &State) -> Self {
        Self {
            enough_rounds,
            steady_unpinned: before.is_steady(after, RoundTrip::Unpinned),
            steady_pinned: before.is_steady(after, RoundTrip::Pinned),
            spread: before.is_spread() && after.is_spread(),
        }
    }

    fn allow(self, workload: &Workload) -> bool {
        let steady = match workload.round_trip {
            None => true,
            Some(RoundTrip::Unpinned) => self.steady_unpinned,
            Some(RoundTrip::Pinned) => self.steady_pinned,
        };
        self.enough_rounds && steady
    }
}

/// The figure that `bound` is about: a ratio to the peer, or our own.
pub(crate) fn measured(bound: &Bound, workload: &Workload, cases: &[CaseResult]) -> Option<f64> {
    let figure_of = |label: &str| {
        let index = workload.cases.iter().position(|case| case.label == label)?;
        cases[index].median(bound.metric, workload.unit)
    };
    let ours = figure_of(&bound.ours)?;
    match &bound.peer {
        None => Some(ours),
        Some(peer) => Some(ours / figure_of(peer)?),
    }
}

/// What becomes of `bound` with the figure that is [`measured`].
pub(crate) fn judge(bound: &Bound, workload: &Workload, measured: Option<f64>, grounds: Grounds) -> Verdict {
    match measured {
        None => Verdict::NoFigure,
        Some(_) if bound.spread_only && !grounds.spread => Verdict::NotHere,
        Some(_) if !grounds.allow(workload) => Verdict::Withheld,
        Some(measured) if measured <= bound.limit => Verdict::Holds,
        Some(_) => Verdict::Missed,
    }
}
