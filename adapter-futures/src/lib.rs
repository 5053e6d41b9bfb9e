//! anyloop on the thread pool of futures-executor, with the timers of async-io.
//!
//! Programs use it through `anyloop`'s feature `futures`; [`FuturesPool`] is the runtime.

mod driver;
mod native;

use std::io;
use std::time::Duration;

use anyloop_core::{
    Adapter, AnyPool, AnyRuntime, Binding, BlockOn, NativePool, Pool, Runtime, Task, register,
};
use futures_executor::ThreadPool;

use driver::FuturesDriver;

/// futures-executor's `ThreadPool`, as a [`Runtime`] of anyloop.
///
/// Its threads end when the last clone was dropped and no task is left.
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_core::{BlockOn, Runtime};
/// use anyloop_futures::FuturesPool;
///
/// let futures = FuturesPool::new()?;
/// let answer = futures.block_on(async {
///     let task = futures.spawn(async { 42 });
///     futures.sleep(Duration::from_millis(1)).await;
///     task.await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FuturesPool(Binding<FuturesDriver>);

impl FuturesPool {
    /// Starts a pool of one thread for each core.
    ///
    /// # Errors
    ///
    /// If the system gives no threads for it.
    pub fn new() -> io::Result<Self> {
        ThreadPool::new().map(Self::from)
    }

    /// Makes the adapter known to the choice of the current runtime; may be called again.
    #[doc(hidden)]
    pub fn register() {
        register(Adapter {
            name: driver::NAME,
            // futures-executor leaves no mark on the threads that it drives.
            ambient: || None,
            start: || Self::new().map(|futures| futures.to_any()),
        });
    }
}

impl From<ThreadPool> for FuturesPool {
    fn from(executor: ThreadPool) -> Self {
        Self::register();
        Self(Binding::new(FuturesDriver { executor }))
    }
}

impl Runtime for FuturesPool {
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task::from_native(self.0.driver().spawn(self.0.supervise(future)))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        driver::sleep(duration)
    }

    fn to_any(&self) -> AnyRuntime {
        self.0.to_any()
    }

    fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self {
        Self(self.0.with_pool(pool))
    }
}

impl BlockOn for FuturesPool {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        futures_executor::block_on(future)
    }
}

impl NativePool for FuturesPool {
    fn native(&self) -> AnyPool {
        native::pool()
    }
}
