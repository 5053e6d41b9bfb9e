//! anyloop on async-std.
//!
//! async-std was discontinued by its authors in favour of smol (RUSTSEC-2025-0052). This adapter is for
//! programs that still use it; it is never a default.
//!
//! Programs use it through `anyloop`'s feature `async-std`; [`AsyncStd`] is the runtime: async-std's global
//! executor, which drives itself (on `ASYNC_STD_THREAD_COUNT` threads, one for each core if not set).

mod driver;
mod native;
mod task;

use std::io;
use std::time::Duration;

use anyloop_core::{
    Adapter, AnyPool, AnyRuntime, Binding, BlockOn, NativePool, Pool, Runtime, Task, register,
};

use driver::AsyncStdDriver;
use task::Joined;

/// async-std, as a [`Runtime`] of anyloop.
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_async_std::AsyncStd;
/// use anyloop_core::{BlockOn, Runtime};
///
/// let async_std = AsyncStd::new();
/// let answer = async_std.block_on(async {
///     let task = async_std.spawn(async { 42 });
///     async_std.sleep(Duration::from_millis(1)).await;
///     task.await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// ```
#[derive(Clone, Debug)]
pub struct AsyncStd(Binding<AsyncStdDriver>);

impl AsyncStd {
    /// A handle on async-std's global executor.
    #[must_use]
    pub fn new() -> Self {
        Self::register();
        Self(Binding::new(AsyncStdDriver))
    }

    /// Makes the adapter known to the choice of the current runtime; may be called again.
    #[doc(hidden)]
    pub fn register() {
        register(Adapter {
            name: driver::NAME,
            ambient: || async_std::task::try_current().map(|_| Self::new().to_any()),
            start: || io::Result::Ok(Self::new().to_any()),
        });
    }
}

impl Default for AsyncStd {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for AsyncStd {
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task::from_native(Joined::new(async_std::task::spawn(self.0.supervise(future))))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        async_std::task::sleep(duration)
    }

    fn to_any(&self) -> AnyRuntime {
        self.0.to_any()
    }

    fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self {
        Self(self.0.with_pool(pool))
    }
}

impl BlockOn for AsyncStd {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        async_std::task::block_on(future)
    }
}

impl NativePool for AsyncStd {
    fn native(&self) -> AnyPool {
        native::pool()
    }
}
