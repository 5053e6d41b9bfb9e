//! The lane for CPU-heavy calls.

use std::num::NonZeroUsize;
use std::sync::{LazyLock, OnceLock};
use std::thread;

use crate::pool::{AnyPool, Pool, PoolExt};
use crate::thread_pool::ThreadPool;

/// The process's pool, as wide as the machine has cores: for calls that compute rather than wait.
///
/// More of them at once than there are cores would make none faster, and would keep the runtime's own
/// threads from running. Calls that wait for their turn take no thread, and keep no others waiting.
///
/// ```
/// use anyloop_core::{Call, cpu};
///
/// let sum = Call::new(|| (0..1_000_u64).sum::<u64>()).on(&cpu());
/// assert_eq!(pollster::block_on(sum), 499_500);
/// ```
#[must_use]
pub fn cpu() -> AnyPool {
    static LANE: OnceLock<AnyPool> = OnceLock::new();
    let lane = LANE.get().unwrap_or_else(|| {
        // Before the lane's place is locked: a warning may come of it, and who hears that may ask for the lane.
        let pool = ThreadPool::global();
        LANE.get_or_init(|| pool.limit(cores()).to_any())
    });
    lane.clone()
}

/// How many cores the process may use. Looked up once: it takes a look at files.
pub(crate) fn cores() -> usize {
    // std's count respects CPU affinity and cgroup quotas.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZeroUsize::get));
    *CORES
}
