//! anyloop on tokio.
//!
//! Programs use it through `anyloop`'s feature `tokio`; [`Tokio`] is the runtime.

mod clock;
mod driver;
mod native;
mod task;

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyloop_core::{
    Adapter, AnyPool, AnyRuntime, Binding, BlockOn, NativePool, Pool, Runtime, Task, register,
};
use tokio::runtime::{self, Handle, TryCurrentError};

use driver::{Owned, TokioDriver};
use task::Joined;

/// tokio, as a [`Runtime`] of anyloop.
///
/// Made from the runtime that is running ([`current`](Tokio::current)), from a [`Handle`], or with a
/// runtime of its own ([`new`](Tokio::new), or `From<tokio::runtime::Runtime>`), which is shut down in the
/// background when the last clone is dropped, in async code too (C35). Its own tasks do not keep it.
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_core::{BlockOn, Runtime};
/// use anyloop_tokio::Tokio;
///
/// let tokio = Tokio::new()?;
/// let answer = tokio.block_on(async {
///     let task = tokio.spawn(async { 42 });
///     tokio.sleep(Duration::from_millis(1)).await;
///     task.await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokio(Binding<TokioDriver>);

impl Tokio {
    /// Starts a runtime of the multi-thread flavour with all of tokio's drivers.
    ///
    /// # Errors
    ///
    /// If the system gives no threads or no file descriptors for it.
    pub fn new() -> io::Result<Self> {
        runtime::Builder::new_multi_thread().enable_all().build().map(Self::from)
    }

    /// Makes a runtime of the current-thread flavour: tasks go on only while some thread is inside
    /// [`BlockOn::block_on`].
    ///
    /// # Errors
    ///
    /// If the system gives no file descriptors for it.
    pub fn new_current_thread() -> io::Result<Self> {
        runtime::Builder::new_current_thread().enable_all().build().map(Self::from)
    }

    /// The runtime that drives the code that calls this.
    ///
    /// # Errors
    ///
    /// Outside of any tokio runtime.
    pub fn current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::from)
    }

    /// Makes the adapter known to the choice of the current runtime; may be called again.
    #[doc(hidden)]
    pub fn register() {
        register(Adapter {
            name: driver::NAME,
            ambient: || Self::current().ok().map(|tokio| tokio.to_any()),
            start: || Self::new().map(|tokio| tokio.to_any()),
        });
    }
}

/// A runtime that somebody else owns. Its `block_on` is the handle's: on a current-thread runtime it
/// drives neither timers nor IO nor other tasks.
impl From<Handle> for Tokio {
    fn from(handle: Handle) -> Self {
        Self::register();
        Self(Binding::new(TokioDriver::new(handle, Weak::new())))
    }
}

/// A runtime that goes with the value.
impl From<runtime::Runtime> for Tokio {
    fn from(runtime: runtime::Runtime) -> Self {
        Self::register();
        let handle = runtime.handle().clone();
        let owned = Arc::new(Owned(Some(runtime)));
        Self(Binding::new(TokioDriver::new(handle, Arc::downgrade(&owned))).keeping(owned))
    }
}

impl Runtime for Tokio {
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task::from_native(Joined(self.0.driver().handle.spawn(self.0.supervise(future))))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.0.driver().sleep(duration)
    }

    fn to_any(&self) -> AnyRuntime {
        self.0.to_any()
    }

    fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self {
        Self(self.0.with_pool(pool))
    }
}

impl BlockOn for Tokio {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        self.0.driver().drive(future)
    }
}

impl NativePool for Tokio {
    fn native(&self) -> AnyPool {
        self.0.driver().native_pool()
    }
}
