//! Pools: what runs blocking closures.

mod any;
mod forward;
mod inline;
mod job;
mod limited;
mod relay;
mod sweep;
mod unavailable;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub use any::AnyPool;
pub use inline::InlinePool;
pub use job::Job;
pub use limited::Limited;
pub use relay::Turn;
pub(crate) use sweep::{SWEEP, sweep};
pub(crate) use unavailable::Unavailable;

use crate::cancel_token::CancelToken;
use crate::error::POISONED;
use crate::limiter::Limiting;
use crate::map::Map;
use crate::task::{Awaiter, Runnable, Task};
use crate::thread_pool::Metrics;

/// For how long somebody keeps a thread that others may wait for: who runs many things on one, as a map, an actor or a
/// [`Turn`] does, gives it back after that and queues up again (C18).
pub(crate) const TURN: Duration = Duration::from_millis(1);

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
    note = "a runtime is not a pool: `runtime.native()` is the pool it brings, `runtime.pool()` its default one",
    note = "the children of a gather over a tuple all run at once: `limit` is for iterators"
)]
pub trait Pool: Send + Sync + 'static {
    /// Takes a job to run it once, on some thread, as soon as a thread is free.
    ///
    /// Must not block, and must not panic. A job that is dropped without having run ends in
    /// [`TaskError::Shutdown`](crate::TaskError::Shutdown).
    ///
    /// # Errors
    ///
    /// Why the job is not taken. The job is dropped then; its task takes the closure back.
    fn execute(&self, job: Job) -> Result<(), Refused>;

    /// The same for a job whose submitter can wait: where the queue is full, the job waits for room in it, in
    /// order, in place of being refused (C14). Pools without a limit need not implement it.
    ///
    /// # Errors
    ///
    /// As [`execute`](Pool::execute), but for [`Refused::Full`].
    fn execute_patiently(&self, job: Job) -> Result<(), Refused> {
        self.execute(job)
    }

    /// The most jobs that run at the same time; `None` where no bound is known.
    fn max_threads(&self) -> Option<NonZeroUsize>;

    /// The pool behind [`PoolExt::limit`]. As provided, it counts in front of this pool; a pool that can serve
    /// several queues in turn does better.
    fn limited(&self, limit: NonZeroUsize) -> AnyPool {
        Limiting::owned(limit, self.to_any()).to_any()
    }

    /// A handle for jobs that belong together, as those of a [`map`](PoolExt::map) do. A pool that serves several
    /// queues in turn gives one with a queue of its own, under the same limits (C18); as provided, it is
    /// [`to_any`](Pool::to_any).
    fn tenant(&self) -> AnyPool {
        self.to_any()
    }

    /// Whether others than this handle's own jobs wait for a thread. A batch that has had its turn gives its thread
    /// back if so; as provided, always.
    fn has_waiting(&self) -> bool {
        true
    }

    /// What the pool tells of itself, if it does.
    fn metrics(&self) -> Option<Metrics> {
        None
    }

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
    /// The [`Actor`](crate::Actor) has no value any more; the text says what panicked.
    Poisoned(Arc<str>),
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
            Self::Poisoned(why) => write!(f, "{POISONED}{why}"),
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
    /// A refusal is what the task ends in: [`TaskError::Shutdown`](crate::TaskError::Shutdown),
    /// [`TaskError::Full`](crate::TaskError::Full), [`TaskError::NoThread`](crate::TaskError::NoThread).
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let task = pool.submit(|| std::fs::read_dir(".").map(|entries| entries.count()));
    /// assert!(task.wait().unwrap().unwrap() > 0);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    #[track_caller]
    fn submit<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        submit_under(&[], self, None, f, Location::caller())
    }

    /// A view of this pool that runs at most `n` of its own calls at a time, with a queue of its own.
    ///
    /// Of a [`ThreadPool`](crate::ThreadPool), all views and the pool's own queue are served in turn, so that
    /// nobody's backlog keeps the others' first call waiting (C18); a view costs no thread. Of any other pool, it
    /// counts in front of it. A view of a view has the smaller of both limits, and a turn of its own.
    ///
    /// Each call of `limit` makes another view, with a limit of its own. For calls to share one, keep the view, in a `static`
    /// say, and give it to each of them: `call.on(&VIEW)`. Its clones are the same view.
    ///
    /// With an `n` of 0, every call is refused with an error that says so. Elsewhere 0 means: [`ThreadPool::new`](crate::ThreadPool::new)
    /// and [`Builder::build`](crate::Builder::build) give an error, also for a queue limit of 0; [`Gather::limit`](crate::Gather::limit) and
    /// [`Limiter::new`](crate::Limiter::new) panic, the latter in a `static` as a compile error; and
    /// [`Map::chunk`](crate::Map::chunk) takes it for 1.
    ///
    /// ```
    /// use std::sync::LazyLock;
    ///
    /// use anyloop_core::{Limited, PoolExt, ThreadPool};
    ///
    /// /// Two connections, whoever uses them.
    /// static DATABASE: LazyLock<Limited> = LazyLock::new(|| ThreadPool::global().limit(2));
    ///
    /// let rows = DATABASE.submit(|| 17);
    /// assert_eq!(rows.wait().unwrap(), 17);
    /// ```
    fn limit(&self, n: usize) -> Limited {
        Limited(match NonZeroUsize::new(n) {
            Some(limit) => self.limited(limit),
            None => Unavailable(NO_CALLS.to_owned()).to_any(),
        })
    }

    /// Runs `f` on each item, as one batch: what `Executor.map` is in Python's `concurrent.futures`.
    ///
    /// Await it for the results in input order, or take them as they come: see [`Map`]. The items are collected
    /// here; nothing runs before the map is polled or [started](Map::start).
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let lengths = pollster::block_on(pool.map(["a", "bc", ""], str::len));
    /// assert_eq!(lengths, [1, 2, 0]);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    #[track_caller]
    fn map<I, F, T>(&self, items: I, f: F) -> Map<T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Map::new(self.to_any(), items.into_iter().collect(), f, Location::caller())
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
    #[track_caller]
    fn try_submit<F, T>(&self, f: F) -> Result<Task<T>, (F, Refused)>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (awaiter, closure) = Awaiter::reclaimable(f, Location::caller());
        match self.execute(Job::new(closure.clone())) {
            Ok(()) => {
                closure.end_submission(None);
                Ok(Task::from_closure(awaiter))
            }
            Err(refused) => match closure.reclaim() {
                Some(f) => {
                    // It has nothing left to cancel.
                    Task::from_closure(awaiter).detach();
                    Err((f, refused))
                }
                // A pool that ran the job although it says that it refused it.
                None => Ok(Task::from_closure(awaiter)),
            },
        }
    }
}

impl<P: Pool + ?Sized> PoolExt for P {}

const NO_CALLS: &str = "a view of 0 calls at a time would run none: give `limit(n)` at least 1";

/// Starts `f`, submitted at `place`, which `tokens` may cancel. Whoever awaits it already, with this waker, can wait for room, too.
pub(crate) fn submit_under<F, T>(
    tokens: &[CancelToken],
    pool: &(impl Pool + ?Sized),
    awaited: Option<Waker>,
    f: F,
    place: &'static Location<'static>,
) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let is_patient = awaited.is_some();
    let (mut awaiter, closure) = match awaited {
        Some(waker) => Awaiter::awaited(f, place, waker),
        None => Awaiter::pair(f, place),
    };
    for token in tokens {
        closure.link(token);
    }
    let job = Job::new(closure);
    awaiter.answered(if is_patient { pool.execute_patiently(job) } else { pool.execute(job) });
    Task::from_closure(awaiter)
}
