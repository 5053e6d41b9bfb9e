//! The pool that is meant does not exist: a wrong setting, or no runtime that brings one.

use std::num::NonZeroUsize;

use super::{AnyPool, Job, Pool, Refused};

/// Refuses every job with a text that says what to do: an error that reaches the task, not a panic at
/// a place that cannot handle it.
#[derive(Clone)]
pub(crate) struct Unavailable(pub(crate) String);

impl Pool for Unavailable {
    fn execute(&self, _: Job) -> Result<(), Refused> {
        Err(Refused::NoPool(self.0.clone().into()))
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}
