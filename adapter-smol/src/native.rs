//! The blocking pool that the runtime brings: that of the crate `blocking`, one for the whole process.

use std::sync::LazyLock;

use anyloop_core::AnyPool;

pub(crate) fn pool() -> AnyPool {
    static POOL: LazyLock<AnyPool> = LazyLock::new(|| {
        AnyPool::from_fn(|job| {
            // The job has a task of its own.
            blocking::unblock(move || job.run()).detach();
            Ok(())
        })
    });
    POOL.clone()
}
