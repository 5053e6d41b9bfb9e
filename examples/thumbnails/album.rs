//! The async part: all pictures, within the bound on memory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyloop::{Limiter, gather};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Args;
use crate::counted::counted;
use crate::picture::{Problem, mebibytes, shrink};

/// What it came to.
#[derive(Debug)]
pub(crate) struct Summary {
    pictures: usize,
    pub(crate) failures: usize,
    /// The most MiB that were taken at a time.
    most: usize,
    budget: usize,
    time: Duration,
}

/// Makes all of them small; says on standard error which cannot be.
pub(crate) async fn shrink_all(pictures: &[PathBuf], args: &Args) -> Summary {
    let began = Instant::now();
    let gauge = Gauge::default();
    let progress = ProgressBar::new(pictures.len() as u64).with_style(style());
    let shrunk = gather(pictures.iter().map(|path| shrink_one(path, args, &gauge, &progress)));
    let shrunk = shrunk.on_progress(|ended, _| progress.set_position(ended as u64)).await;
    progress.finish_and_clear();

    let pictures = shrunk.iter().filter(|shrunk| **shrunk).count();
    Summary {
        pictures,
        failures: shrunk.len() - pictures,
        most: gauge.most(),
        budget: args.memory,
        time: began.elapsed(),
    }
}

async fn shrink_one(path: &Path, args: &Args, gauge: &Gauge, progress: &ProgressBar) -> bool {
    let shrunk = try_shrink(path, args, gauge).await;
    if let Err(problem) = &shrunk {
        progress.suspend(|| eprintln!("thumbnails: {path:?}: {problem}"));
    }
    shrunk.is_ok()
}

async fn try_shrink(path: &Path, args: &Args, gauge: &Gauge) -> Result<(), Problem> {
    // That of the first is that of all.
    static MEMORY: OnceLock<Limiter> = OnceLock::new();
    let memory = MEMORY.get_or_init(|| Limiter::new(args.memory));

    // Settled, so that a decoder that panics costs one picture too.
    let mebibytes = mebibytes(path).settle().await??;
    if mebibytes > args.memory {
        return Err(format!("takes {mebibytes} MiB, more than --memory {}", args.memory).into());
    }
    let output = args.output.join(path.file_name().unwrap_or_default());
    shrink(path, &output, args.size, mebibytes, gauge).limit_weighted(memory, mebibytes).settle().await?
}

fn style() -> ProgressStyle {
    let template = "{wide_bar} {pos} of {len} pictures, {eta} left";
    ProgressStyle::with_template(template).expect("the template is well formed").progress_chars("=> ")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pictures, failures, most, budget, time } = self;
        let pictures = counted(*pictures, "picture", "pictures");
        let time = time.as_secs_f64();
        write!(f, "{pictures}, {most} of {budget} MiB taken at most, {time:.2} s")?;
        if *failures == 0 { Ok(()) } else { write!(f, "; {failures} could not be copied") }
    }
}

/// Measures what is taken at a time, to show that the limiter keeps it in bounds. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<Level>);

#[derive(Debug, Default)]
struct Level {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    /// Counts so much as taken, until what is returned is dropped.
    pub(crate) fn take(&self, mebibytes: usize) -> Taken {
        // ORDERING: Relaxed; the figures order nothing, and are read after all calls have been awaited.
        let before = self.0.now.fetch_add(mebibytes, Ordering::Relaxed);
        self.0.most.fetch_max(before + mebibytes, Ordering::Relaxed);
        Taken { level: Arc::clone(&self.0), mebibytes }
    }

    fn most(&self) -> usize {
        // ORDERING: Relaxed; the calls that wrote have been awaited.
        self.0.most.load(Ordering::Relaxed)
    }
}

pub(crate) struct Taken {
    level: Arc<Level>,
    mebibytes: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        // ORDERING: Relaxed, as in `take`.
        self.level.now.fetch_sub(self.mebibytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_keeps_the_most_that_was_taken_at_a_time() {
        let gauge = Gauge::default();
        let first = gauge.take(3);
        drop(gauge.take(4));
        drop(first);
        drop(gauge.take(5));
        assert_eq!(gauge.most(), 7);
    }
}
