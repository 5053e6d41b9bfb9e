//! The traits that an adapter implements, and what every runtime can do through them.
//!
//! Read [`Driver`] and the required methods of [`Runtime`] for what an adapter has to say; all the rest
//! is provided here, once, so that no adapter can break the contract.

mod any;
mod binding;
mod driver;
mod gathered;
mod timer;

use std::fmt::Debug;
use std::panic::Location;
use std::time::{Duration, Instant};

pub use any::AnyRuntime;
pub use binding::Binding;
pub use driver::{BoxFuture, Driver};
pub use gathered::Tasks;
pub use timer::{Elapsed, Interval, Timeout};

use crate::context::{Context, EnterGuard, Place, forbid_in_poll};
use crate::gather::{Each, Gather, TryGather, gather, try_gather};
use crate::pool::{AnyPool, Pool, PoolExt};
use crate::run::{Drive, Run};
use crate::task::Task;

/// An async runtime: what polls futures.
///
/// | method | tokio | smol | async-std | futures |
/// |---|---|---|---|---|
/// | [`spawn`](Runtime::spawn) | `Handle::spawn` | `smol::spawn` | `task::spawn` | `ThreadPool::spawn_ok` |
/// | [`sleep`](Runtime::sleep) | `time::sleep` | `Timer` | `task::sleep` | `async_io::Timer` |
/// | [`now`](Runtime::now) | `time::Instant::now`, which can be paused | `Instant::now` | `Instant::now` | `Instant::now` |
/// | [`native`](NativePool::native) | `spawn_blocking` | `blocking::unblock` | `blocking::unblock` | `blocking::unblock` |
///
/// # Limitations
///
/// A runtime promises nothing while nobody drives it: on tokio's `current_thread` flavour, tasks go on
/// only inside a `block_on`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a runtime that anyloop knows",
    label = "expected a runtime such as `anyloop::Tokio`",
    note = "enable the adapter's feature (`tokio`, `smol`, `async-std`, `futures`), or implement `Runtime` for yours"
)]
pub trait Runtime: Clone + Send + Sync + Debug + 'static {
    /// Starts a future at once (C01) as a task of this runtime.
    ///
    /// A panic in it is caught (C05) and is what the task ends in. Dropping the task cancels it (C03).
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Ends after `duration` on this runtime's clock, at the earliest.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<Self>;

    /// This runtime without its type.
    fn to_any(&self) -> AnyRuntime;

    /// The same runtime with `pool` as the default pool of the calls made under it.
    #[must_use]
    fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self;

    /// The runtime's name: that of its crate.
    fn name(&self) -> &'static str {
        self.to_any().driver().name()
    }

    /// This runtime's time: the system's, unless the runtime's clock can be paused.
    fn now(&self) -> Instant {
        self.to_any().driver().now()
    }

    /// The default pool of the calls made under this runtime.
    ///
    /// The process-wide [`ThreadPool::global`](crate::ThreadPool::global), unless
    /// [`with_pool`](Runtime::with_pool), [`set_default_pool`](crate::set_default_pool) or `ANYLOOP_POOL=native`
    /// say otherwise; so that swapping the runtime does not even change the pool.
    fn pool(&self) -> AnyPool {
        crate::current::default_pool_of(Some(&self.to_any()))
    }

    /// Starts a blocking closure on [`pool`](Runtime::pool), with this runtime current inside it.
    #[track_caller]
    fn spawn_blocking<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let _current = self.enter();
        self.pool().submit(f)
    }

    /// Makes this runtime current on this thread until the guard is dropped.
    fn enter(&self) -> EnterGuard {
        EnterGuard::new(Context::under(&self.to_any()))
    }

    /// Runs the children in parallel, as tasks of this runtime, and gives their values in input order.
    ///
    /// The free [`gather()`](crate::gather()) runs its children in place instead, on the task that awaits it,
    /// which is cheaper and lets them borrow. Awaiting it starts the tasks; dropping the future cancels them. It has the
    /// policies of [`Gather`]: with a limit, at most so many tasks are there at once.
    ///
    /// # Panics
    ///
    /// With the first panic of a child, after the others were cancelled.
    fn gather<I>(&self, children: I) -> Gather<Tasks<Self, I>, Each>
    where
        I: IntoIterator,
        I::Item: IntoFuture<Output: Send + 'static, IntoFuture: Send + 'static>,
    {
        gather(Tasks::new(self.clone(), children))
    }

    /// As [`gather`](Runtime::gather), but ends with the first error in time, after the other tasks were cancelled.
    ///
    /// # Errors
    ///
    /// The first error that any child ends in.
    ///
    /// # Panics
    ///
    /// As [`gather`](Runtime::gather).
    fn try_gather<I, T, E>(&self, children: I) -> TryGather<Tasks<Self, I>, Each>
    where
        I: IntoIterator,
        I::Item: IntoFuture<Output = Result<T, E>, IntoFuture: Send + 'static>,
        T: Send + 'static,
        E: Send + 'static,
    {
        try_gather(Tasks::new(self.clone(), children))
    }

    /// Gives `future` at most `duration` on this runtime's clock.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] when the time is up first; the future is dropped when the `Timeout` is.
    fn timeout<F: IntoFuture>(&self, duration: Duration, future: F) -> Timeout<F::IntoFuture> {
        Timeout::new(Box::pin(self.sleep(duration)), future.into_future())
    }

    /// Ticks every `period` on this runtime's clock, the first time at once.
    fn interval(&self, period: Duration) -> Interval {
        Interval::new(self.to_any(), period)
    }
}

/// A runtime that can drive a future to its end on this thread.
pub trait BlockOn: Runtime {
    /// Drives `future` with the runtime's own means, without anything of anyloop's around it.
    ///
    /// For adapters to implement; call [`block_on`](BlockOn::block_on).
    #[doc(hidden)]
    fn drive<F: Future>(&self, future: F) -> F::Output;

    /// Runs a future to its end on this thread, with this runtime current.
    ///
    /// What it spawned goes on after it as the runtime lets it; [`run`](BlockOn::run) sees to all of it.
    ///
    /// # Panics
    ///
    /// With the future's own panic; and inside async code that anyloop polls, where it would block the
    /// runtime (C08).
    #[track_caller]
    fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        forbid_in_poll("block_on()");
        let context = Context::under(&self.to_any()).at(Location::caller());
        self.drive(Drive::new(context, Place::Poll, future.into_future()))
    }

    /// Runs a future as a program's main one, as `asyncio.run` does: before it returns, the futures that
    /// were started under it are cancelled, and the closures are drained, detached ones included (C19).
    ///
    /// It waits for them at most [`DRAIN_LIMIT`](crate::DRAIN_LIMIT); [`Run`] sets another limit and tells
    /// what was left. Other runs in the same process are not waited for, and the pool lives on.
    ///
    /// # Panics
    ///
    /// As [`block_on`](BlockOn::block_on), after the draining.
    #[track_caller]
    fn run<F: IntoFuture>(&self, future: F) -> F::Output {
        Run::new(self).block_on(future).0
    }
}

/// A runtime that brings a blocking pool.
pub trait NativePool: Runtime {
    /// The pool that the runtime brings, under the contract's C01 to C08.
    fn native(&self) -> AnyPool;
}
