//! Pools that are another pool: behind a pointer, without its type, or with a limit.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use super::{AnyPool, Job, Limited, Pool, Refused};
use crate::thread_pool::Metrics;

/// Says once what is handed on; `to_any` alone differs.
macro_rules! forward_pool {
    ($([$($generics:tt)*] $pool:ty, |$self:ident| $inner:expr, $any:expr;)*) => {$(
        impl<$($generics)*> Pool for $pool {
            fn execute(&$self, job: Job) -> Result<(), Refused> {
                $inner.execute(job)
            }

            fn execute_patiently(&$self, job: Job) -> Result<(), Refused> {
                $inner.execute_patiently(job)
            }

            fn max_threads(&$self) -> Option<NonZeroUsize> {
                $inner.max_threads()
            }

            fn limited(&$self, limit: NonZeroUsize) -> AnyPool {
                $inner.limited(limit)
            }

            fn tenant(&$self) -> AnyPool {
                $inner.tenant()
            }

            fn has_waiting(&$self) -> bool {
                $inner.has_waiting()
            }

            fn metrics(&$self) -> Option<Metrics> {
                $inner.metrics()
            }

            fn to_any(&$self) -> AnyPool {
                $any
            }
        }
    )*};
}

forward_pool! {
    [P: Pool + ?Sized] Arc<P>, |self| (**self), (**self).to_any();
    [P: Pool + ?Sized] Box<P>, |self| (**self), (**self).to_any();
    [P: Pool + ?Sized] &'static P, |self| (**self), (**self).to_any();
    [P: Pool, F: FnOnce() -> P + Send + 'static] LazyLock<P, F>, |self| (**self), (**self).to_any();
    [] AnyPool, |self| self.0, self.clone();
    [] Limited, |self| self.0, self.0.clone();
}
