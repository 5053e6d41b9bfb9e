//! A pool seen through a limit.

use std::num::NonZeroUsize;

use super::{AnyPool, Job, Pool, Refused};
use crate::thread_pool::Metrics;

/// A view of a pool that runs so many calls at a time: what [`PoolExt::limit`](super::PoolExt::limit) gives.
///
/// Cloning it gives another handle on the same view, with the same limit and queue.
#[derive(Clone, Debug)]
pub struct Limited(pub(super) AnyPool);

impl Limited {
    /// What goes on in this view alone; `None` where the pool beneath is not a
    /// [`ThreadPool`](crate::ThreadPool).
    #[must_use]
    pub fn metrics(&self) -> Option<Metrics> {
        self.0.metrics()
    }
}

impl Pool for Limited {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.0.execute(job)
    }

    fn execute_patiently(&self, job: Job) -> Result<(), Refused> {
        self.0.execute_patiently(job)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        self.0.max_threads()
    }

    fn limited(&self, limit: NonZeroUsize) -> AnyPool {
        self.0.limited(limit)
    }

    fn tenant(&self) -> AnyPool {
        self.0.tenant()
    }

    fn has_waiting(&self) -> bool {
        self.0.has_waiting()
    }

    fn metrics(&self) -> Option<Metrics> {
        self.0.metrics()
    }

    fn to_any(&self) -> AnyPool {
        self.0.clone()
    }
}
