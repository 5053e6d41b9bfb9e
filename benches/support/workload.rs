//! What is compared with what, and what must hold.

use std::time::Duration;

use super::meter::{Meter, Sample};

/// In what a workload's times are told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Nanoseconds per this.
    NsPer(&'static str),
    /// Microseconds per this.
    UsPer(&'static str),
    /// Milliseconds for the whole workload.
    Ms,
}

impl Unit {
    /// By how many operations a run of `size` is divided.
    pub(crate) fn operations(self, size: usize) -> f64 {
        match self {
            Self::NsPer(_) | Self::UsPer(_) => size as f64,
            Self::Ms => 1.0,
        }
    }

    pub(crate) fn convert_ns(self, ns: f64) -> f64 {
        match self {
            Self::NsPer(_) => ns,
            Self::UsPer(_) => ns / 1e3,
            Self::Ms => ns / 1e6,
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::NsPer(what) => format!("ns/{what}"),
            Self::UsPer(what) => format!("µs/{what}"),
            Self::Ms => "ms".into(),
        }
    }
}

/// How the two sides of a round trip are placed, on which its time depends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RoundTrip {
    /// Wherever the system puts them.
    Unpinned,
    /// On one CPU.
    Pinned,
}

/// What a bound is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Metric {
    /// Wall time, in the workload's unit.
    Wall,
    /// CPU time, in the workload's unit.
    Cpu,
    /// Threads alive at the end.
    Threads,
    /// A figure that the cases tell under this name.
    Figure(&'static str),
}

impl Metric {
    pub(crate) fn of(self, sample: &Sample, unit: Unit) -> Option<f64> {
        match self {
            Self::Wall => Some(unit.convert_ns(sample.wall)),
            Self::Cpu => sample.cpu.map(|cpu| unit.convert_ns(cpu)),
            Self::Threads => sample.threads.map(f64::from),
            Self::Figure(name) => {
                sample.figures.iter().find(|(other, _)| other == name).map(|(_, figure)| *figure)
            }
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::Wall => String::new(),
            Self::Cpu => "CPU ".into(),
            Self::Threads => "threads ".into(),
            Self::Figure(name) => format!("{name} "),
        }
    }
}

/// The most that one of our cases may take.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) metric: Metric,
    /// The case that is held to it.
    pub(crate) ours: String,
    /// A factor of this peer's figure, or an absolute figure where there is none.
    pub(crate) peer: Option<String>,
    pub(crate) limit: f64,
    /// Only where a wake-up crosses to another CPU that has to be roused first.
    pub(crate) spread_only: bool,
}

pub(crate) struct Case {
    pub(crate) label: String,
    pub(crate) run: Box<dyn Fn(&Meter) -> Sample>,
}

/// One comparison: cases that do the same, and the bounds between them.
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) size: usize,
    pub(crate) cases: Vec<Case>,
    pub(crate) bounds: Vec<Bound>,
    pub(crate) round_trip: Option<RoundTrip>,
    pub(crate) repeats: u32,
    pub(crate) patience: Duration,
}

impl Workload {
    /// A workload of `size` operations. Cases follow, ours first.
    pub(crate) fn new(name: impl Into<String>, unit: Unit, size: usize) -> Self {
        Self {
            name: name.into(),
            unit,
            size,
            cases: Vec::new(),
            bounds: Vec::new(),
            round_trip: None,
            repeats: 5,
            patience: Duration::from_secs(60),
        }
    }

    /// Adds a case. The first is the one that ratios are formed with, and that bounds hold to account.
    pub(crate) fn case(mut self, label: impl Into<String>, run: impl Fn(&Meter) -> Sample + 'static) -> Self {
        let label = label.into();
        assert!(
            self.cases.iter().all(|case| case.label != label),
            "workload {:?} has two cases {label:?}",
            self.name
        );
        self.cases.push(Case { label, run: Box::new(run) });
        self
    }

    /// Bound: the first case's wall time is at most `factor` times `peer`'s.
    pub(crate) fn at_most(self, factor: f64, peer: &str) -> Self {
        self.at_most_of(Metric::Wall, factor, peer)
    }

    /// Bound: the first case's `metric` is at most `factor` times `peer`'s.
    pub(crate) fn at_most_of(self, metric: Metric, factor: f64, peer: &str) -> Self {
        self.assert_case(peer);
        self.bound(metric, Some(peer.into()), factor)
    }

    /// Bound: the first case's wall time is at most `factor` times `peer`'s on a machine that spreads
    /// threads over idle CPUs, whose wake-up then dominates the peer's time; elsewhere it does not apply.
    pub(crate) fn at_most_where_spread(self, factor: f64, peer: &str) -> Self {
        let mut this = self.at_most(factor, peer);
        this.bounds.last_mut().expect("it was added just now").spread_only = true;
        this
    }

    /// Bound: the first case's `metric` is at most `limit`, in the workload's unit.
    pub(crate) fn below(self, metric: Metric, limit: f64) -> Self {
        self.bound(metric, None, limit)
    }

    /// Marks figures that depend on how long a wake-up takes: they get no verdict when that changed
    /// during the run.
    pub(crate) fn round_trip(self, placement: RoundTrip) -> Self {
        Self { round_trip: Some(placement), ..self }
    }

    /// How many timed runs each process makes (5 unless told).
    pub(crate) fn repeats(self, repeats: u32) -> Self {
        Self { repeats, ..self }
    }

    /// After how long a process is killed as hanging (60 s unless told).
    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn bound(mut self, metric: Metric, peer: Option<String>, limit: f64) -> Self {
        let ours = self.cases.first().map(|case| case.label.clone());
        let ours = ours.unwrap_or_else(|| panic!("workload {:?}: cases before bounds", self.name));
        self.bounds.push(Bound { metric, ours, peer, limit, spread_only: false });
        self
    }

    fn assert_case(&self, label: &str) {
        assert!(
            self.cases.iter().any(|case| case.label == label),
            "workload {:?} has a bound on {label:?}, which is none of its cases",
            self.name
        );
    }
}
