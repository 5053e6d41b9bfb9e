//! The blocking pool that the runtime brings: that of the crate `blocking`, one for the whole process.

use std::sync::LazyLock;

use anyloop_core::AnyPool;

pub(crate) fn pool() -> AnyPool {
    static POOL: LazyLock<AnyPool> = LazyLock::new(|| {
        AnyPool::from_threads(|turn| {
            // The jobs have tasks of their own.
            blocking::unblock(move || turn.run()).detach();
            Ok(())
        })
    });
    POOL.clone()
}
