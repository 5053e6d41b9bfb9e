//! A pool's threads, seen through a limit (C18).

use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};

use super::Handle;
use super::employment::is_own_thread;
use super::metrics::Metrics;
use crate::pool::{AnyPool, Job, Pool, Refused};

/// A tenant of the pool with a queue and a limit of its own. Keeps the pool open.
pub(super) struct View {
    pool: Arc<Handle>,
    tenant: usize,
    limit: NonZeroUsize,
    /// Itself, to make an `AnyPool` of.
    me: Weak<Self>,
}

impl View {
    pub(super) fn open(pool: Arc<Handle>, limit: NonZeroUsize) -> AnyPool {
        Self::with(pool, limit, None)
    }

    /// For the jobs of a map or an actor alone.
    pub(super) fn of_a_batch(pool: Arc<Handle>) -> AnyPool {
        let (limit, awaited) = (pool.shared.settings.max_threads, is_own_thread(&pool.shared));
        Self::with(pool, limit, Some(awaited))
    }

    fn with(pool: Arc<Handle>, limit: NonZeroUsize, batch: Option<bool>) -> AnyPool {
        let tenant = pool.shared.lock().queues.add_view(limit, batch);
        AnyPool::from_arc(Arc::new_cyclic(|me| Self { pool, tenant, limit, me: me.clone() }))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.pool.shared.lock().queues.close_view(self.tenant);
    }
}

impl Pool for View {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.pool.shared.execute(self.tenant, job, false)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        Some(self.limit.min(self.pool.shared.settings.max_threads))
    }

    fn to_any(&self) -> AnyPool {
        match self.me.upgrade() {
            Some(me) => AnyPool::from_arc(me),
            None => unreachable!("a view is borrowed from the `Arc` that it points back to"),
        }
    }

    fn limited(&self, limit: NonZeroUsize) -> AnyPool {
        Self::open(self.pool.clone(), limit.min(self.limit))
    }

    fn has_waiting(&self) -> bool {
        self.pool.shared.has_waiting(self.tenant)
    }

    fn metrics(&self) -> Option<Metrics> {
        Some(self.pool.shared.metrics(self.tenant))
    }
}
