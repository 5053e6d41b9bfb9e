//! What a case measures, inside the process that it has for itself.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{
    machine::{Usage, threads_alive},
    stats::median,
    workload::Unit,
};

/// What one process of one case measured.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// Wall time of one operation, in nanoseconds.
    pub(crate) wall: f64,
    /// CPU time of one operation over all threads, in nanoseconds.
    pub(crate) cpu: Option<f64>,
    /// Context switches of one operation, wanted and forced.
    pub(crate) switches: Option<f64>,
    /// Threads alive at the end, the main one included.
    pub(crate) threads: Option<u32>,
}

impl Sample {
    /// For a workload whose figure is not the time of an operation (a percentile of lateness, say):
    /// `wall`, in nanoseconds, with no CPU time beside it.
    pub(crate) fn of(wall: f64) -> Self {
        Self { wall, cpu: None, switches: None, threads: threads_alive() }
    }
}

/// Given to each case: what to do how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    /// Operations in one run of the body: the workload's size.
    pub(crate) size: usize,
    unit: Unit,
    warm_ups: u32,
    repeats: u32,
}

impl Meter {
    pub(crate) fn new(size: usize, unit: Unit, warm_ups: u32, repeats: u32) -> Self {
        Self { size, unit, warm_ups, repeats }
    }

    /// Runs `body`, which does [`size`](Self::size) operations, a few times: first untimed, so that threads
    /// and caches are warm, then timed. The sample is the median run; CPU time and switches are the mean,
    /// because work that one run leaves to be done in the next belongs to both.
    pub(crate) fn measure(&self, mut body: impl FnMut()) -> Sample {
        for _ in 0..self.warm_ups {
            body();
        }
        let before = Usage::of_this_process();
        let runs: Vec<f64> = (0..self.repeats.max(1))
            .map(|_| {
                let start = Instant::now();
                body();
                start.elapsed().as_nanos() as f64
            })
            .collect();
        let after = Usage::of_this_process();

        let ops = self.unit.operations(self.size);
        let all_ops = ops * runs.len() as f64;
        let used = before.zip(after).map(|(before, after)| before.until(after));
        Sample {
            wall: median(runs).expect("there is at least one run") / ops,
            cpu: used.map(|used| used.cpu.as_nanos() as f64 / all_ops),
            switches: used.map(|used| used.switches as f64 / all_ops),
            threads: threads_alive(),
        }
    }

    /// Like [`measure`](Self::measure), but cold: one run, no warm-up. For growth from nothing.
    pub(crate) fn measure_cold(&self, body: impl FnOnce()) -> Sample {
        let mut body = Some(body);
        Self { warm_ups: 0, repeats: 1, ..*self }.measure(|| body.take().expect("a cold body runs once")())
    }
}
