//! A driver and the pool that goes with it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{AnyRuntime, Driver};
use crate::context::{Context, SameRuntime};
use crate::pool::{AnyPool, Pool};
use crate::supervise::Supervised;

/// What an adapter's type holds: its driver, shared, and the pool that calls under it use by default.
///
/// Cloning it, or making an [`AnyRuntime`] of it, allocates nothing.
pub struct Binding<D: ?Sized> {
    pub(super) driver: Arc<D>,
    pub(super) pool: Option<AnyPool>,
    /// What lives as long as somebody outside the runtime holds it.
    pub(super) keep: Option<Arc<dyn Any + Send + Sync>>,
}

impl<D: Driver> Binding<D> {
    /// Binds a driver to the process's default pool.
    pub fn new(driver: D) -> Self {
        Self { driver: Arc::new(driver), pool: None, keep: None }
    }

    /// Keeps `owner` for as long as the user holds this runtime: what shuts the runtime down when it is
    /// dropped.
    ///
    /// The futures and calls under the runtime know the driver, but do not keep its owner: a runtime
    /// that is kept alive by its own tasks would never end.
    #[must_use]
    pub fn keeping(mut self, owner: Arc<dyn Any + Send + Sync>) -> Self {
        self.keep = Some(owner);
        self
    }

    /// The same runtime without its type.
    pub fn to_any(&self) -> AnyRuntime {
        let Self { driver, pool, keep } = self.clone();
        AnyRuntime(Binding { driver, pool, keep })
    }

    /// Wraps a future for spawning on the runtime: panics, context, the end of a run.
    pub fn supervise<F: Future>(&self, future: F) -> Supervised<F> {
        Supervised::new(Context::of_task(self), future)
    }
}

impl<D: Driver> SameRuntime for Binding<D> {
    fn is_same(&self, other: &AnyRuntime) -> bool {
        is_same(self, other)
    }

    fn to_runtime(&self) -> AnyRuntime {
        let Self { driver, pool, .. } = self.clone();
        AnyRuntime(Binding { driver, pool, keep: None })
    }
}

/// One driver with one pool.
pub(super) fn is_same<D: ?Sized>(binding: &Binding<D>, other: &AnyRuntime) -> bool {
    let other = &other.0;
    let same_pool = match (&binding.pool, &other.pool) {
        (None, None) => true,
        (Some(one), Some(other)) => one.is_same(other),
        _ => false,
    };
    same_pool && std::ptr::addr_eq(Arc::as_ptr(&binding.driver), Arc::as_ptr(&other.driver))
}

impl<D: ?Sized> Binding<D> {
    /// The driver.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// The same driver with another default pool.
    #[must_use]
    pub fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self {
        Self { pool: Some(pool.to_any()), ..self.clone() }
    }
}

impl<D: ?Sized> Clone for Binding<D> {
    fn clone(&self) -> Self {
        Self { driver: self.driver.clone(), pool: self.pool.clone(), keep: self.keep.clone() }
    }
}

impl<D: fmt::Debug + ?Sized> fmt::Debug for Binding<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("driver", &&self.driver).field("pool", &self.pool).finish()
    }
}
