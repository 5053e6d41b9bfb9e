//! tokio's own blocking pool. Its bound, `max_blocking_threads`, cannot be asked for.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyloop_core::{AnyPool, Refused};
use tokio::runtime::Handle;

pub(crate) fn pool(handle: Handle) -> AnyPool {
    AnyPool::from_threads(move |turn| {
        // Dropping the handle does not stop what it stands for; the jobs have tasks of their own. When
        // the runtime has been shut down, tokio drops the turn, which ends them in `Shutdown`.
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            drop(handle.spawn_blocking(move || turn.run()));
        }));
        // tokio panics when it has no thread and the system refuses it one.
        spawned.map_err(|_| {
            Refused::NoThread(io::Error::other("tokio could start no thread for its blocking pool"))
        })
    })
}
