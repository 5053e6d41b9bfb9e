//! anyloop on smol.
//!
//! Programs use it through `anyloop`'s feature `smol`; [`Smol`] is the runtime: smol's global executor,
//! which drives itself (on `SMOL_THREADS` threads, one if not set).

mod driver;
mod native;
mod task;

use std::io;
use std::time::Duration;

use anyloop_core::{
    Adapter, AnyPool, AnyRuntime, Binding, BlockOn, NativePool, Pool, Runtime, Task, register,
};

use driver::SmolDriver;
use task::Joined;

/// smol, as a [`Runtime`] of anyloop.
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_core::{BlockOn, Runtime};
/// use anyloop_smol::Smol;
///
/// let smol = Smol::new();
/// let answer = smol.block_on(async {
///     let task = smol.spawn(async { 42 });
///     smol.sleep(Duration::from_millis(1)).await;
///     task.await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// ```
#[derive(Clone, Debug)]
pub struct Smol(Binding<SmolDriver>);

impl Smol {
    /// A handle on smol's global executor.
    #[must_use]
    pub fn new() -> Self {
        Self::register();
        Self(Binding::new(SmolDriver))
    }

    /// Makes the adapter known to the choice of the current runtime; may be called again.
    #[doc(hidden)]
    pub fn register() {
        register(Adapter {
            name: driver::NAME,
            // smol leaves no mark on the threads that it drives.
            ambient: || None,
            start: || io::Result::Ok(Self::new().to_any()),
        });
    }
}

impl Default for Smol {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for Smol {
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task::from_native(Joined::new(smol::spawn(self.0.supervise(future))))
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

impl BlockOn for Smol {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }
}

impl NativePool for Smol {
    fn native(&self) -> AnyPool {
        native::pool()
    }
}
