//! The heart of anyloop: everything that every runtime must do alike, and nothing that knows a runtime.
//!
//! Programs depend on `anyloop`, which re-exports what they need from here. Depend on this crate
//! directly to write an adapter for another runtime ([`Runtime`], [`Driver`], [`Binding`]) or a pool
//! of your own ([`Pool`], [`Job`]): it is the small and stable part, and there must be one copy of it
//! in a program. The examples here import from `anyloop_core`; a program finds the same names in `anyloop`.
//!
//! | word | meaning |
//! |---|---|
//! | runtime | polls futures: tokio, async-std, smol, futures |
//! | pool | runs blocking closures: [`ThreadPool`], or the pool a runtime brings |
//! | task | something that is running; [`Task`] is its handle |
//! | call | a wrapped blocking call that has not started yet: [`Call`] |
//! | actor | a value on a thread of its own, and the calls that use it: [`Actor`] |
//! | gather | wait for many, results in input order: [`gather()`] |
//!
//! The contract that all of it keeps is written down in `docs/CONTRACT.md`, clause by clause, and
//! proved by the package `anyloop-conformance`. Comments here name the clause they serve (C03, ...).

mod abandoned;
mod actor;
mod call;
mod cancel_token;
mod carry;
mod catch;
mod context;
mod cpu;
mod current;
mod error;
pub mod from_thread;
mod gather;
mod hold;
mod interrupts;
mod limiter;
mod map;
mod monitor;
mod no_runtime;
mod origin;
mod park;
mod pool;
mod run;
mod runtime;
mod scope;
mod shield;
mod slow_calls;
mod span;
mod spin;
mod stage;
mod supervise;
mod sync;
mod task;
mod thread_pool;
mod timed;
mod warning;
mod watchdog;
mod work;
mod yield_now;

pub use actor::{Actor, ActorBuilder, ActorCall, ActorSettle, ActorStart, PanicPolicy};
pub use call::{Call, Settle};
pub use cancel_token::{CancelToken, TokenCancelled};
pub use carry::{Carry, register_carry};
pub use context::EnterGuard;
pub use cpu::cpu;
pub use current::{
    Adapter, AlreadySet, adapters, current, default_pool, register, set_default, set_default_pool,
};
pub use error::{Panic, TaskError};
pub use gather::{
    All, AtMost, Completed, Gather, Gatherable, Partial, Race, RaceOk, Settled, Settling, TryGather,
    TryGatherable, Until, gather, race, race_ok, try_gather,
};
pub use hold::Hold;
pub use limiter::Limiter;
pub use map::{Map, MapCompleted, MapSettle, MapStream};
pub use no_runtime::NoRuntime;
pub use pool::{AnyPool, InlinePool, Job, Limited, Pool, PoolExt, Refused, Turn};
pub use run::{DRAIN_LIMIT, Drain, Run};
pub use runtime::{
    AnyRuntime, Binding, BlockOn, BoxFuture, Driver, Elapsed, Interval, NativePool, Runtime, Tasks, Timeout,
};
pub use shield::{Shield, shield};
pub use slow_calls::slow_calls;
pub use supervise::Supervised;
pub use task::{Cancel, Cancelling, Linked, NativeTask, Outcome, Remote, Task, WakerGuard};
pub use thread_pool::{
    BuildError, Builder, Distribution, InsideOwnCall, Metrics, Shutdown, ShutdownReport, ShutdownTimeout,
    ThreadPool,
};
pub use timed::{TimedCall, TimedTask};
pub use warning::{RunningCall, StallCause, StallReport, Warning, on_warning};
pub use watchdog::{StuckPoll, Watchdog, watchdog};
pub use work::Work;
pub use yield_now::yield_now;
