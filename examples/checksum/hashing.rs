//! The async part: which file is next, whose line is next, and what it all came to.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use anyloop::try_gather;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::counted::counted;
use crate::digest::{Hashed, digest};
use crate::files::find;
use crate::output::{InOrder, line, print};

/// What it came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    files: usize,
    bytes: u64,
    threads: HashSet<ThreadId>,
    pub(crate) failures: usize,
    time: Duration,
}

/// Prints the sums of all files under `roots`.
///
/// Only `in_flight` files are under way at a time, however many there are.
pub(crate) async fn hash(roots: &[PathBuf], in_flight: usize) -> io::Result<Summary> {
    let began = Instant::now();
    let progress = ProgressBar::new_spinner().with_message("listing");
    progress.enable_steady_tick(Duration::from_millis(100));
    let found = find(roots).await;

    // What is gathered takes turns on one thread, so that it can share all this without locks.
    let summary = RefCell::new(Summary::default());
    for (path, error) in &found.failures {
        summary.borrow_mut().fail(path, error, &progress);
    }
    progress.set_style(style());
    progress.set_length(found.bytes);
    let files = RefCell::new(found.files.into_iter().enumerate());
    let lines = RefCell::new(InOrder::default());

    let one_after_another = || async {
        loop {
            let next = files.borrow_mut().next();
            let Some((number, path)) = next else {
                return Ok(());
            };
            let text = match digest(&path, &progress).await {
                Ok(hashed) => {
                    summary.borrow_mut().add(&hashed);
                    line(&hashed.digest, &path)
                }
                Err(error) => {
                    summary.borrow_mut().fail(&path, &error, &progress);
                    Vec::new()
                }
            };
            let ready = lines.borrow_mut().put(number, text);
            if !ready.is_empty() {
                print(ready, &progress).await?;
            }
        }
    };
    let ended: io::Result<Vec<()>> = try_gather((0..in_flight).map(|_| one_after_another())).await;
    progress.finish_and_clear();
    ended?;
    Ok(Summary { time: began.elapsed(), ..summary.into_inner() })
}

fn style() -> ProgressStyle {
    // Within 40 columns, too, with some left for the bar.
    let template = "{wide_bar} {bytes} of {total_bytes}, {eta} left";
    ProgressStyle::with_template(template).expect("the template is well formed").progress_chars("=> ")
}

impl Summary {
    fn add(&mut self, hashed: &Hashed) {
        self.files += 1;
        self.bytes += hashed.bytes;
        self.threads.insert(hashed.thread);
    }

    /// One line on standard error, whatever the name has in it.
    fn fail(&mut self, path: &Path, error: &io::Error, progress: &ProgressBar) {
        self.failures += 1;
        progress.suspend(|| eprintln!("checksum: {path:?}: {error}"));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, bytes, threads, failures, time } = self;
        let (files, threads) =
            (counted(*files, "file", "files"), counted(threads.len(), "thread", "threads"));
        write!(f, "{files}, {}, {threads}, {:.2} s", HumanBytes(*bytes), time.as_secs_f64())?;
        if *failures == 0 { Ok(()) } else { write!(f, "; {failures} could not be read") }
    }
}
