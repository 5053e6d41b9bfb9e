//! Free functions: each acts on the current runtime or the default pool.

use std::time::Duration;

use anyloop_core::{
    Adapter, AnyPool, AnyRuntime, BlockOn, Call, Interval, NoRuntime, PoolExt, Runtime, Task, Timeout, Work,
};

use crate::registration;

/// The current runtime, by the rules on the [front page](crate#which-runtime-is-current).
///
/// # Errors
///
/// [`NoRuntime`] says which feature to enable or which call to make.
pub fn current() -> Result<AnyRuntime, NoRuntime> {
    registration::register();
    anyloop_core::current()
}

#[track_caller]
fn current_or_panic() -> AnyRuntime {
    match current() {
        Ok(runtime) => runtime,
        Err(error) => panic!("{error}"),
    }
}

/// Starts a future as a task of the current runtime.
///
/// # Panics
///
/// Where no runtime is current; [`current`] gives an error instead.
///
/// ```
/// # #[cfg(all(feature = "smol", feature = "macros"))] {
/// #[anyloop::main(runtime = anyloop::Smol::new())]
/// async fn main() {
///     let task = anyloop::spawn(async { 6 * 7 });
///     assert_eq!(task.await.unwrap(), 42);
/// }
/// # main() }
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    current_or_panic().spawn(future)
}

/// Starts a blocking closure on the default pool at once. Needs no runtime.
///
/// ```
/// assert_eq!(anyloop::spawn_blocking(|| 42).wait().unwrap(), 42);
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pool().submit(f)
}

/// Makes a [`Call`] of a blocking closure: as an `async_wrap`ped function returns it. Needs no runtime.
///
/// ```
/// # pollster::block_on(async {
/// assert_eq!(anyloop::to_thread(|| 42).await, 42);
/// # });
/// ```
#[track_caller]
pub fn to_thread<F, T>(f: F) -> Call<impl Work<Output = T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    call(f)
}

/// The same for any work: what the attributes expand to.
#[track_caller]
pub(crate) fn call<W: Work>(work: W) -> Call<W> {
    registration::register();
    Call::new(work)
}

/// The adapters that are compiled in (and any that was [registered](crate::register)): their names,
/// and how to start a runtime of each.
///
/// ```
/// for adapter in anyloop::adapters() {
///     println!("{}", adapter.name);
/// }
/// ```
pub fn adapters() -> impl Iterator<Item = Adapter> {
    registration::register();
    anyloop_core::adapters()
}

/// The default pool of calls made here: the current runtime's own, else the one of
/// [`set_default_pool`](crate::set_default_pool), else what `ANYLOOP_POOL` says, else
/// [`ThreadPool::global`](crate::ThreadPool::global).
#[must_use]
pub fn pool() -> AnyPool {
    registration::register();
    anyloop_core::default_pool()
}

/// Ends after `duration` on the current runtime's clock.
///
/// # Panics
///
/// Where no runtime is current.
#[track_caller]
pub fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
    current_or_panic().sleep(duration)
}

/// Gives `future` at most `duration` on the current runtime's clock: `Err(Elapsed)` when the time is up
/// first.
///
/// # Panics
///
/// Where no runtime is current.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    current_or_panic().timeout(duration, future)
}

/// Ticks every `period` on the current runtime's clock, the first time at once.
///
/// # Panics
///
/// Where no runtime is current.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    current_or_panic().interval(period)
}

/// Runs a future to its end on this thread, on the current runtime.
///
/// # Panics
///
/// Where no runtime is current, in async code, and with the future's own panic.
#[track_caller]
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    current_or_panic().block_on(future)
}

/// Runs a future as a program's main one, on the current runtime: what `#[anyloop::main]` does, see
/// [`BlockOn::run`].
///
/// # Panics
///
/// As [`block_on`].
#[track_caller]
pub fn run<F: IntoFuture>(future: F) -> F::Output {
    current_or_panic().run(future)
}
