//! A pool seen through a limit.

use super::{AnyPool, Pool};
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
