//! What a case measures, inside the process that it has for itself.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{
    machine::{Usage, threads_alive},
    stats::median,
    workload::{Unit, Workload},
};

/// What one process of one case measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// Wall time of one operation, in nanoseconds.
    pub(crate) wall: f64,
    /// CPU time of one operation over all threads, in nanoseconds.
    pub(crate) cpu: Option<f64>,
    /// Context switches of one operation, wanted and forced.
    pub(crate) switches: Option<f64>,
    /// Threads alive at the end, the main one included.
    pub(crate) threads: Option<u32>,
    /// Whatever else the case tells, by name: each is a column of the report.
    pub(crate) figures: Vec<(String, f64)>,
}

impl Sample {
    /// For a workload whose figure is not the time of an operation (a percentile of lateness, say):
    /// `wall`, in nanoseconds, with no CPU time beside it.
    pub(crate) fn of(wall: f64) -> Self {
        Self { wall, cpu: None, switches: None, threads: threads_alive(), figures: Vec::new() }
    }

    /// Adds a figure of the case's own, which bounds know as [`Metric::Figure`](super::Metric::Figure).
    pub(crate) fn with(mut self, name: &str, figure: f64) -> Self {
        self.figures.push((name.to_owned(), figure));
        self
    }

    /// Leaves out time that each operation waits anyway, so that ratios are formed with what comes on top.
    pub(crate) fn beyond_waiting(self, time: Duration) -> Self {
        Self { wall: self.wall - time.as_nanos() as f64, ..self }
    }

    /// Leaves out work that each operation does anyway and that keeps one CPU busy, from both times.
    pub(crate) fn beyond_work(self, time: Duration) -> Self {
        let cpu = self.cpu.map(|cpu| cpu - time.as_nanos() as f64);
        Self { cpu, ..self.beyond_waiting(time) }
    }
}

/// Given to each case: what to do how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    /// Operations in one run of the body: the workload's size.
    pub(crate) size: usize,
    /// Whether this is a smoke run: no figure counts.
    pub(crate) is_quick: bool,
    unit: Unit,
    warm_ups: u32,
    repeats: u32,
}

impl Meter {
    pub(crate) fn new(workload: &Workload, is_quick: bool) -> Self {
        let repeats = if is_quick { 1 } else { workload.repeats };
        Self { size: workload.size, is_quick, unit: workload.unit, warm_ups: 1, repeats }
    }

    /// Runs `body`, which does [`size`](Self::size) operations, a few times: first untimed, so that threads
    /// and caches are warm, then timed. The sample is the median run; CPU time and switches are the mean,
    /// because work that one run leaves to be done in the next belongs to both.
    pub(crate) fn measure(&self, mut body: impl FnMut()) -> Sample {
        self.measure_part(|| {
            let start = Instant::now();
            body();
            start.elapsed()
        })
    }

    /// The same for a `body` that says itself how much of its time counts.
    pub(crate) fn measure_part(&self, mut body: impl FnMut() -> Duration) -> Sample {
        for _ in 0..self.warm_ups {
            body();
        }
        let before = Usage::of_this_process();
        let runs: Vec<f64> = (0..self.repeats.max(1)).map(|_| body().as_nanos() as f64).collect();
        let after = Usage::of_this_process();

        let ops = self.unit.operations(self.size);
        let all_ops = ops * runs.len() as f64;
        let used = before.zip(after).map(|(before, after)| before.until(after));
        Sample {
            wall: median(runs).expect("there is at least one run") / ops,
            cpu: used.map(|used| used.cpu.as_nanos() as f64 / all_ops),
            switches: used.map(|used| used.switches as f64 / all_ops),
            threads: threads_alive(),
            figures: Vec::new(),
        }
    }

    /// This meter with one run and no warm-up.
    pub(crate) fn cold(&self) -> Self {
        Self { warm_ups: 0, repeats: 1, ..*self }
    }

    /// Like [`measure`](Self::measure), but cold: one run, no warm-up. For growth from nothing.
    pub(crate) fn measure_cold(&self, body: impl FnOnce()) -> Sample {
        let mut body = Some(body);
        self.cold().measure(|| body.take().expect("a cold body runs once")())
    }
}
