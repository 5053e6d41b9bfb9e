//! Sees to it that no round hangs, and looks at the whole process.

use std::io::Write;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::world::World;

/// How many naps of a tenth of a second or more a round may take. They are counted, not timed: while the process is
/// stopped, it takes none.
const PATIENCE: u32 = 600;

#[derive(Default)]
struct Watched {
    rounds: AtomicU64,
    world: Mutex<Option<Arc<World>>>,
    off: AtomicBool,
}

impl Watched {
    fn world(&self) -> MutexGuard<'_, Option<Arc<World>>> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let (mut round, mut naps) = (0, 0);
        while !self.off.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
            let now = self.rounds.load(Ordering::SeqCst);
            naps = if now == round { naps + 1 } else { 0 };
            round = now;
            if naps > PATIENCE
                && let Some(world) = &*self.world()
            {
                // Not by `eprintln`, which tests keep to themselves.
                let _ = writeln!(
                    std::io::stderr(),
                    "a round hangs; ANYLOOP_TEST_SEED={} begins with it. {}",
                    world.seed,
                    world.outstanding()
                );
                process::abort();
            }
        }
    }
}

/// Ends the process when a round takes too long.
pub(crate) struct Watchdog {
    watched: Arc<Watched>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        let watched = Arc::new(Watched::default());
        let thread = thread::spawn({
            let watched = watched.clone();
            move || watched.watch()
        });
        Self { watched, thread: Some(thread) }
    }

    pub(crate) fn round(&self, world: &Arc<World>) {
        *self.watched.world() = Some(world.clone());
        self.watched.rounds.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.watched.off.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the process takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
}

impl Usage {
    /// Nothing where the system does not tell.
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self { resident_kib: figure("VmRSS:").unwrap_or(0), threads: figure("Threads:").unwrap_or(0) }
    }
}
