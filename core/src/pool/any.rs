//! A pool without a type of its own.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::relay::{Relay, Relayed, Turn};
use super::{Job, Pool, Refused};

/// Any pool. Cloning it gives another handle on the same pool.
///
/// ```
/// use anyloop_core::{AnyPool, Pool, PoolExt, ThreadPool};
///
/// let pools: Vec<AnyPool> = vec![ThreadPool::new(1)?.to_any(), ThreadPool::global().to_any()];
/// for pool in pools {
///     assert_eq!(pool.submit(|| 1 + 1).wait().unwrap(), 2);
/// }
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[derive(Clone)]
pub struct AnyPool(pub(super) Arc<dyn Pool>);

impl AnyPool {
    /// Takes a pool of any type.
    pub fn new(pool: impl Pool) -> Self {
        Self(Arc::new(pool))
    }

    /// Makes a pool of what passes a job on to something that can run it: any `spawn_blocking`.
    ///
    /// ```
    /// use anyloop_core::{AnyPool, PoolExt};
    ///
    /// let threads = AnyPool::from_fn(|job| {
    ///     std::thread::spawn(move || job.run());
    ///     Ok(())
    /// });
    /// assert_eq!(threads.submit(|| 42).wait().unwrap(), 42);
    /// ```
    pub fn from_fn(execute: impl Fn(Job) -> Result<(), Refused> + Send + Sync + 'static) -> Self {
        Self(Arc::new(FromFn(Arc::new(execute))))
    }

    /// Makes a pool of a runtime's threads, where each closure costs a wake-up or a start of one: the jobs wait
    /// here, and `start` passes on turns, each of which runs as many of them as it finds in about a millisecond.
    ///
    /// Jobs are begun in the order submitted; those that block have a thread each, as far as there are any. The
    /// contract asks of `start` what it asks of [`Pool::execute`]. Where it refuses a turn for want of a thread, the
    /// jobs wait for the turns that are there (C16).
    ///
    /// ```
    /// use anyloop_core::{AnyPool, PoolExt};
    ///
    /// let threads = AnyPool::from_threads(|turn| {
    ///     std::thread::spawn(move || turn.run());
    ///     Ok(())
    /// });
    /// assert_eq!(threads.submit(|| 42).wait().unwrap(), 42);
    /// ```
    pub fn from_threads(start: impl Fn(Turn) -> Result<(), Refused> + Send + Sync + 'static) -> Self {
        Self::new(Relayed(Relay::new(start)))
    }

    /// Takes a pool that is shared already, without another allocation.
    #[must_use]
    pub fn from_arc(pool: Arc<dyn Pool>) -> Self {
        Self(pool)
    }
}

impl AnyPool {
    /// Whether both are handles on one pool, as far as can be told without asking it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

struct FromFn<F>(Arc<F>);

impl<F> Pool for FromFn<F>
where
    F: Fn(Job) -> Result<(), Refused> + Send + Sync + 'static,
{
    fn execute(&self, job: Job) -> Result<(), Refused> {
        (self.0)(job)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool(Arc::new(Self(self.0.clone())))
    }
}

impl fmt::Debug for AnyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPool").field("max_threads", &self.max_threads()).finish_non_exhaustive()
    }
}
