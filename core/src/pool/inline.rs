//! A pool without threads, for tests.

use std::num::NonZeroUsize;

use super::{AnyPool, Job, Pool, Refused};

/// Runs each job where it is submitted, before `submit` returns: no thread, no queue, and the same order in every
/// run. For deterministic tests.
///
/// A call on it blocks whoever awaits it. In async code that anyloop polls, code inside such a call must therefore
/// not go back into async: `from_thread::block_on` and `Task::wait` panic there, with advice (C08).
///
/// ```
/// use anyloop_core::{Call, InlinePool, PoolExt};
///
/// let task = InlinePool.submit(|| std::thread::current().id());
/// assert!(task.is_finished());
/// assert_eq!(task.wait().unwrap(), std::thread::current().id());
/// assert_eq!(pollster::block_on(Call::new(|| 42).on(&InlinePool)), 42);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct InlinePool;

impl Pool for InlinePool {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        job.run();
        Ok(())
    }

    /// As many as there are threads that submit.
    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(*self)
    }
}
