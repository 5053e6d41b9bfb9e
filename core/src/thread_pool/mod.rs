//! The default pool: elastic, first in first out.

mod awaited;
mod builder;
mod employment;
mod growth;
mod lend;
mod metrics;
#[cfg(all(test, loom))]
mod models;
mod monitor;
mod outbox;
mod progress;
mod queue;
mod samples;
mod serving;
mod shared;
mod shutdown;
mod sleeper;
mod spawn;
mod stopped;
mod sync;
mod tenant;
mod threads;
mod view;
mod worker;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

pub use builder::{BuildError, Builder};
pub(crate) use builder::{check_name, check_stack_size};
pub(crate) use employment::{
    add_interrupt, employer_address, is_stopping, is_stopping_job, remove_interrupt, running_inside,
};
pub(crate) use growth::{Growth, Pace};
pub(crate) use lend::{Lender, Lent, Next};
pub use metrics::{Distribution, Metrics};
pub(crate) use monitor::{has_pools_to_look_at, look_at_pools};
pub use shutdown::{InsideOwnCall, Shutdown, ShutdownReport, ShutdownTimeout};
pub(crate) use spawn::{Body, Spawn, builder as thread_builder, same_error, start as start_thread};
pub(crate) use stopped::{
    has_threads_to_look_at, overstayed as overstayed_after_a_stop, told_of as told_of_after_a_stop,
};

use crate::pool::{AnyPool, Job, Pool, Refused};
use crate::warning;
use queue::OWN;
use shared::Shared;
use view::View;

/// A pool of threads that grows with the calls that block at the same time, up to `max_threads`, and
/// shrinks when they are idle (C10 to C12).
///
/// Cloning it gives another handle on the same pool. Dropping the last handle closes the pool without
/// blocking: what is queued still runs.
///
/// # After `fork(2)`
///
/// A child process has none of its parent's threads. A pool that was used before the fork, [`global`](Self::global)
/// included, believes in threads that the child does not have, and a lock that one of them held stays locked: in the
/// child, a call on it may hang for ever, as may its shutdown. Make the child's pools after the fork, and use no others
/// there. A child that calls `exec` at once, as those of [`std::process::Command`] do, is not concerned.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool, gather};
///
/// let pool = ThreadPool::new(2)?;
/// let squares = gather((0..4).map(|i| pool.submit(move || i * i)));
/// let squares: Result<Vec<i32>, _> = pollster::block_on(squares.into_future()).into_iter().collect();
/// assert_eq!(squares.unwrap(), [0, 1, 4, 9]);
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[derive(Clone)]
pub struct ThreadPool {
    handle: Arc<Handle>,
}

/// What the last user drops. The workers hold [`Shared`] only.
struct Handle {
    shared: Arc<Shared>,
    /// Itself, to make an `AnyPool` of.
    me: Weak<Handle>,
}

static GLOBAL: OnceLock<ThreadPool> = OnceLock::new();

#[cold]
fn make_global() -> &'static ThreadPool {
    let (pool, error) = builder::global();
    let mut is_first = false;
    let pool = GLOBAL.get_or_init(|| {
        is_first = true;
        pool
    });
    // After the place is filled: who is told may ask for the pool.
    if is_first && let Some(error) = error {
        warning::bad_setting(&error);
    }
    pool
}

impl ThreadPool {
    /// A pool of at most `max_threads` threads, and every other setting as [`ThreadPool::builder`] has it.
    ///
    /// # Errors
    ///
    /// If `max_threads` is 0.
    pub fn new(max_threads: usize) -> Result<Self, BuildError> {
        Self::builder().max_threads(max_threads).build()
    }

    /// Settings for a pool.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The pool of the process: the default one of every call, on every runtime.
    ///
    /// At most 512 threads (tokio's default, too), or as many as `ANYLOOP_MAX_THREADS` says; a thread that
    /// is idle for 10 seconds ends. With a value that is no number of threads, this pool, its views and the lane
    /// [`cpu`](crate::cpu()) included, refuses every call with an error that says so, whichever way the call
    /// comes to it; and there is a [`Warning::BadSetting`](crate::Warning::BadSetting), once.
    #[must_use]
    pub fn global() -> &'static Self {
        GLOBAL.get().unwrap_or_else(make_global)
    }

    /// What the pool is doing at this moment.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.handle.shared.metrics(OWN)
    }

    /// Takes no more work, from this call on. Await the future to know when what was queued has run and
    /// every thread was joined (C15).
    ///
    /// # Errors
    ///
    /// [`InsideOwnCall`] inside a call that the pool itself runs, which would wait for itself; the pool
    /// stays open.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown::begin(&self.handle.shared)
    }

    /// Takes no more work, from this call on, and gives what there is `limit` to end. Then what is queued is
    /// cancelled and ends in [`TaskError::Shutdown`](crate::TaskError::Shutdown), what runs is told
    /// ([`from_thread::is_cancelled`](crate::from_thread::is_cancelled)) and left to itself, and the report
    /// counts both. Ready earlier if everything has ended and every thread was joined.
    ///
    /// What is left to itself is looked after as a call that is cancelled while it runs: by [`Metrics::abandoned`] and
    /// [`Warning::Overstayed`](crate::Warning::Overstayed).
    ///
    /// The time is the system's, and runs from this call on; the future must be polled for anything to be cancelled.
    ///
    /// # Errors
    ///
    /// [`InsideOwnCall`], as for [`shutdown`](Self::shutdown).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(1)?;
    /// let task = pool.submit(|| 42);
    /// let report = pollster::block_on(pool.shutdown_timeout(Duration::from_secs(10))).unwrap();
    /// assert_eq!((report.cancelled, report.still_running), (0, 0));
    /// assert_eq!(task.wait().unwrap(), 42);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn shutdown_timeout(&self, limit: Duration) -> ShutdownTimeout {
        ShutdownTimeout::begin(&self.handle.shared, limit)
    }

    fn from_shared(shared: Arc<Shared>) -> Self {
        Self { handle: Arc::new_cyclic(|me| Handle { shared, me: me.clone() }) }
    }
}

impl Handle {
    fn me(&self) -> Arc<Self> {
        match self.me.upgrade() {
            Some(me) => me,
            None => unreachable!("a handle is borrowed from the `Arc` that it points back to"),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Pool for Handle {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.shared.execute(OWN, job, false)
    }

    fn execute_patiently(&self, job: Job) -> Result<(), Refused> {
        self.shared.execute(OWN, job, true)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        Some(self.shared.settings.max_threads)
    }

    fn limited(&self, limit: NonZeroUsize) -> AnyPool {
        View::open(self.me(), limit)
    }

    fn tenant(&self) -> AnyPool {
        View::of_a_batch(self.me())
    }

    fn has_waiting(&self) -> bool {
        self.shared.has_waiting(OWN)
    }

    fn metrics(&self) -> Option<Metrics> {
        Some(self.shared.metrics(OWN))
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::from_arc(self.me())
    }
}

impl Pool for ThreadPool {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.handle.execute(job)
    }

    fn execute_patiently(&self, job: Job) -> Result<(), Refused> {
        self.handle.execute_patiently(job)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        self.handle.max_threads()
    }

    fn limited(&self, limit: NonZeroUsize) -> AnyPool {
        self.handle.limited(limit)
    }

    fn tenant(&self) -> AnyPool {
        self.handle.tenant()
    }

    fn has_waiting(&self) -> bool {
        self.handle.has_waiting()
    }

    fn metrics(&self) -> Option<Metrics> {
        Some(self.metrics())
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::from_arc(self.handle.clone() as Arc<dyn Pool>)
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("name", &self.handle.shared.settings.name)
            .field("max_threads", &self.handle.shared.settings.max_threads)
            .field("metrics", &self.metrics())
            .finish()
    }
}
