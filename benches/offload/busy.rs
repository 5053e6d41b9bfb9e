//! Work that keeps a CPU busy.

use std::{
    hint::{black_box, spin_loop},
    time::{Duration, Instant},
};

/// Spins for so long by the clock: what else happens in the meantime makes it no longer.
pub(crate) fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        spin_loop();
    }
}

/// Work that takes so long on a CPU of its own, and longer where it has to share one.
#[derive(Clone, Copy)]
pub(crate) struct CpuWork {
    steps: u64,
}

impl CpuWork {
    pub(crate) fn lasting(time: Duration) -> Self {
        const TRIAL: u64 = 500_000;
        const TRIALS: usize = 9;
        // The fastest trial was disturbed least.
        let trials = (0..TRIALS).map(|_| {
            let start = Instant::now();
            Self { steps: TRIAL }.run();
            start.elapsed()
        });
        let trial = trials.min().expect("there are trials");
        let steps = time.as_secs_f64() / trial.as_secs_f64() * TRIAL as f64;
        Self { steps: steps as u64 }
    }

    pub(crate) fn run(self) {
        let mut state = 1_u64;
        for _ in 0..self.steps {
            state = black_box(state ^ (state << 13));
            state ^= state >> 7;
        }
        black_box(state);
    }
}
