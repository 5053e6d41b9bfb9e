//! The pool that calls go to which name none.

use anyloop::{AnyRuntime, BlockOn, TaskError, to_thread};

/// Why the default pool takes no calls, if it takes none: a setting in the environment that cannot be followed, say.
pub(crate) fn check(runtime: &AnyRuntime) -> Result<(), TaskError> {
    runtime.run(async { to_thread(|| ()).settle().await })
}
