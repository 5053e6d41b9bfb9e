//! **Wrap blocking code once; await it on any runtime.**
//!
//! [`async_wrap`] turns a blocking function into one that can be awaited; [`gather()`] runs many at once; a
//! feature picks the runtime (`tokio`, `smol`, `async-std`, `futures`), and swapping it changes no code.
//! Under any other executor of futures, wrapped calls and [`gather()`] work too, with no adapter at all.
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "smol"))] {
//! use anyloop::{async_wrap, gather};
//!
//! /// Blocking: it reads a file, asks a database, calls a C library...
//! #[async_wrap]
//! fn fetch(id: u32) -> String {
//!     std::thread::sleep(std::time::Duration::from_millis(10));
//!     format!("row {id}")
//! }
//!
//! async fn count() -> usize {
//!     3
//! }
//!
//! # let runtime = anyloop::Smol::new(); use anyloop::BlockOn;
//! # runtime.block_on(async {
//! let rows = gather((0..17).map(fetch)).await; // 17 calls, 17 threads, input order
//! assert_eq!(rows[16], "row 16");
//!
//! let (row, n) = gather((fetch(1), count())).await; // tuples too
//! assert_eq!((row.as_str(), n), ("row 1", 3));
//!
//! let row = fetch(1).run(); // here, now, on this thread
//! let task = fetch(1).start(); // eager: a Task
//! assert_eq!(row, task.await.unwrap());
//!
//! let row = fetch(1).settle().await; // a Result instead of a panic
//! assert!(row.is_ok());
//! # });
//! # }
//! ```
//!
//! Examples on the pages of items that come from the crate `anyloop_core` import them from there; for a program that depends on
//! `anyloop` alone, they are `anyloop::` under the same names.
//!
//! | word | meaning | asyncio's word |
//! |---|---|---|
//! | runtime | polls futures | event loop |
//! | pool | runs blocking closures: [`ThreadPool`], or the one a runtime brings | `concurrent.futures.Executor` |
//! | task | something that is running; [`Task`] is its handle | `Task`, `Future` |
//! | call | a wrapped blocking call that has not started yet: [`Call`] | a coroutine |
//! | actor | a value on a thread of its own, and the calls that use it: [`Actor`] | |
//! | gather | wait for many, results in input order | `asyncio.gather` |
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `macros` (default) | [`async_wrap`], [`main`], [`test`] |
//! | `tokio` | [`Tokio`] |
//! | `smol` | [`Smol`] |
//! | `async-std` | [`AsyncStd`], for programs that still use it: upstream has discontinued it |
//! | `futures` | [`FuturesPool`]: futures-executor's thread pool |
//! | `tracing` | a call runs in its caller's span, and what is told of it is an event there |
//!
//! They can all be on together, and none changes what a function does. A library enables no adapter; the
//! binary does.
//!
//! # Which runtime is current
//!
//! 1. An explicit one: `runtime.spawn(..)`.
//! 2. The ambient one: inside `block_on`, [`main`], [`run`], [`Runtime::enter`], spawned tasks and calls, the
//!    runtime of those; else a tokio runtime or an async-std task that this code runs in.
//! 3. [`set_default`]; else the runtime of a [`main`] or [`run`] in progress.
//! 4. The only adapter compiled in; among several, the one that `ANYLOOP_RUNTIME` names. This is the one
//!    place where another crate's feature can matter; `#[anyloop::main(runtime = ..)]` takes it out.
//!
//! Otherwise [`NoRuntime`], which says which feature to enable or which call to make.

mod functions;
mod registration;

#[doc(hidden)]
pub mod __private;

#[cfg(feature = "async-std")]
pub use anyloop_async_std::AsyncStd;
pub use anyloop_core::{
    Actor, ActorBuilder, ActorCall, ActorSettle, ActorStart, Adapter, All, AlreadySet, AnyPool, AnyRuntime,
    AtMost, BlockOn, BuildError, Builder, Call, Cancel, CancelToken, Carry, Completed, DRAIN_LIMIT,
    Distribution, Drain, Elapsed, EnterGuard, Gather, Gatherable, InlinePool, InsideOwnCall, Interval, Job,
    Limited, Limiter, Linked, Map, MapCompleted, MapSettle, MapStream, Metrics, NativePool, NoRuntime, Panic,
    PanicPolicy, Partial, Pool, PoolExt, Race, RaceOk, Refused, Run, RunningCall, Runtime, Settle, Settled,
    Settling, Shield, Shutdown, ShutdownReport, ShutdownTimeout, StallCause, StallReport, StuckPoll, Task,
    TaskError, Tasks, ThreadPool, TimedCall, TimedTask, Timeout, TokenCancelled, TryGather, TryGatherable,
    Until, Warning, Watchdog, Work, cpu, from_thread, gather, on_warning, race, race_ok, register,
    register_carry, set_default, set_default_pool, shield, slow_calls, try_gather, watchdog, yield_now,
};
#[cfg(feature = "futures")]
pub use anyloop_futures::FuturesPool;
#[cfg(feature = "macros")]
pub use anyloop_macros::{async_wrap, main, test};
#[cfg(feature = "smol")]
pub use anyloop_smol::Smol;
#[cfg(feature = "tokio")]
pub use anyloop_tokio::Tokio;
pub use functions::{
    adapters, block_on, current, interval, pool, run, sleep, spawn, spawn_blocking, timeout, to_thread,
};

/// The README's program compiles.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;
