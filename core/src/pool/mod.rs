//! Pools: what runs blocking closures.

mod any;
mod job;
mod unavailable;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

pub use any::AnyPool;
pub use job::Job;
pub(crate) use unavailable::Unavailable;

use crate::error::TaskError;
use crate::task::{Closure, Runnable, Task};

/// Runs blocking closures: [`ThreadPool`](crate::ThreadPool), the pool a runtime brings, or your own.
///
/// Implementing it takes three methods. Tasks, cancellation, panics and context are seen to by the
/// [`Job`], so that a pool of your own keeps C01 to C08 without doing anything for it.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::thread;
///
/// use anyloop_core::{AnyPool, Job, Pool, PoolExt, Refused};
///
/// /// A thread for each job.
/// #[derive(Clone)]
/// struct ThreadEach;
///
/// impl Pool for ThreadEach {
///     fn execute(&self, job: Job) -> Result<(), Refused> {
///         let thread = thread::Builder::new().name("one job".into());
///         thread.spawn(move || job.run()).map(drop).map_err(Refused::NoThread)
///     }
///     fn max_threads(&self) -> Option<NonZeroUsize> {
///         None
///     }
///     fn to_any(&self) -> AnyPool {
///         AnyPool::new(self.clone())
///     }
/// }
///
/// assert_eq!(pollster::block_on(ThreadEach.submit(|| 42)).unwrap(), 42);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pool",
    label = "expected a pool, such as a `ThreadPool`",
    note = "a runtime is not a pool: `runtime.native()` is the pool it brings, `runtime.pool()` its default one"
)]
pub trait Pool: Send + Sync + 'static {
    /// Takes a job to run it once, on some thread, as soon as a thread is free.
    ///
    /// Must not block, and must not panic. A job that is dropped without having run ends in
    /// [`TaskError::Shutdown`].
    ///
    /// # Errors
    ///
    /// Why the job is not taken. The job is dropped then; its task takes the closure back.
    fn execute(&self, job: Job) -> Result<(), Refused>;

    /// The most jobs that run at the same time; `None` where no bound is known.
    fn max_threads(&self) -> Option<NonZeroUsize>;

    /// A handle on the same pool that has no type of its own.
    fn to_any(&self) -> AnyPool;
}

/// Why a pool did not take a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The pool was shut down.
    Shutdown,
    /// Its queue is full.
    Full,
    /// It needs a thread and the system gave none.
    NoThread(io::Error),
    /// There is no such pool here; the text says why and what to do.
    NoPool(Box<str>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("the pool was shut down and takes no more work"),
            Self::Full => f.write_str("the pool's queue is full"),
            Self::NoThread(error) => {
                write!(f, "the pool needs a thread and the system refused it: {error}")
            }
            Self::NoPool(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoThread(error) => Some(error),
            _ => None,
        }
    }
}

/// What every pool can do.
pub trait PoolExt: Pool {
    /// Starts `f` on this pool at once (C01).
    ///
    /// A refusal is what the task ends in: [`TaskError::Shutdown`], [`TaskError::Full`],
    /// [`TaskError::NoThread`].
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let task = pool.submit(|| std::fs::read_dir(".").map(|entries| entries.count()));
    /// assert!(task.wait().unwrap().unwrap() > 0);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    fn submit<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let closure = Closure::new(f);
        match self.execute(Job::new(closure.clone())) {
            Ok(()) => {}
            // A pool that refuses and keeps the job all the same does not get to run it later.
            Err(refused) => closure.refused(TaskError::from(refused)),
        }
        Task::from_closure(closure)
    }

    /// Starts `f` on this pool, or gives it back with the reason.
    ///
    /// # Errors
    ///
    /// The closure and why the pool did not take it.
    ///
    /// ```
    /// use anyloop_core::{PoolExt, Refused, ThreadPool};
    ///
    /// let pool = ThreadPool::new(1)?;
    /// pollster::block_on(pool.shutdown()).unwrap();
    /// let Err((f, reason)) = pool.try_submit(|| "still here") else { unreachable!() };
    /// assert!(matches!(reason, Refused::Shutdown));
    /// assert_eq!(f(), "still here");
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    fn try_submit<F, T>(&self, f: F) -> Result<Task<T>, (F, Refused)>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let closure = Closure::reclaimable(f);
        match self.execute(Job::new(closure.clone())) {
            Ok(()) => {
                closure.end_submission(None);
                Ok(Task::from_closure(closure))
            }
            Err(refused) => match closure.reclaim() {
                Some(f) => Err((f, refused)),
                // A pool that ran the job although it says that it refused it.
                None => Ok(Task::from_closure(closure)),
            },
        }
    }
}

impl<P: Pool + ?Sized> PoolExt for P {}

/// A pool behind a pointer is the same pool.
macro_rules! forward_pool {
    ($($(#[$why:meta])* [$($generics:tt)*] $pointer:ty;)*) => {$(
        $(#[$why])*
        impl<$($generics)*> Pool for $pointer {
            fn execute(&self, job: Job) -> Result<(), Refused> {
                (**self).execute(job)
            }

            fn max_threads(&self) -> Option<NonZeroUsize> {
                (**self).max_threads()
            }

            fn to_any(&self) -> AnyPool {
                (**self).to_any()
            }
        }
    )*};
}

forward_pool! {
    [P: Pool + ?Sized] Arc<P>;
    [P: Pool + ?Sized] Box<P>;
    [P: Pool + ?Sized] &'static P;
    [P: Pool, F: FnOnce() -> P + Send + 'static] LazyLock<P, F>;
}
