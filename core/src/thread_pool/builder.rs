//! A pool's settings.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ThreadPool;
use super::shared::Shared;
use super::spawn::{self, Spawn};
use crate::warning::StallReport;

/// Settings for a [`ThreadPool`].
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_core::{PoolExt, ThreadPool};
///
/// let pool = ThreadPool::builder()
///     .max_threads(4)
///     .keep_alive(Duration::from_secs(1))
///     .name("images")
///     .build()?;
/// let name = pool.submit(|| std::thread::current().name().map(str::to_owned));
/// assert_eq!(name.wait().unwrap().as_deref(), Some("images"));
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    /// `None`: what the environment says, else the default.
    max_threads: Option<usize>,
    min_threads: usize,
    keep_alive: Duration,
    name: String,
    stack_size: Option<usize>,
    queue_limit: Option<usize>,
    on_thread_start: Option<Arc<Hook>>,
    on_thread_stop: Option<Arc<Hook>>,
    on_stall: Option<Arc<StallHook>>,
    spawn: Arc<Spawn>,
    refusal: Option<Box<str>>,
}

type Hook = dyn Fn() + Send + Sync;
type StallHook = dyn Fn(&StallReport) + Send + Sync;

/// Checked settings.
pub(super) struct Settings {
    pub(super) max_threads: NonZeroUsize,
    pub(super) min_threads: usize,
    pub(super) keep_alive: Duration,
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) queue_limit: Option<NonZeroUsize>,
    pub(super) on_thread_start: Option<Arc<Hook>>,
    pub(super) on_thread_stop: Option<Arc<Hook>>,
    pub(super) on_stall: Option<Arc<StallHook>>,
    pub(super) spawn: Arc<Spawn>,
    /// Why the pool takes nothing, from the start: it stands for one that cannot be.
    pub(super) refusal: Option<Box<str>>,
}

impl Settings {
    pub(super) fn thread(&self) -> thread::Builder {
        spawn::builder(&self.name, self.stack_size)
    }
}

/// tokio's `max_blocking_threads` has the same default.
const MAX_THREADS: usize = 512;
/// tokio's `thread_keep_alive` has the same default.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            max_threads: None,
            min_threads: 0,
            keep_alive: KEEP_ALIVE,
            name: "anyloop-pool".to_owned(),
            stack_size: None,
            queue_limit: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_stall: None,
            spawn: Arc::new(|thread, body| thread.spawn(body)),
            refusal: None,
        }
    }

    /// The most threads, and so the most closures that run at the same time. If not set, what the
    /// environment variable `ANYLOOP_MAX_THREADS` says, else 512.
    pub fn max_threads(mut self, max_threads: usize) -> Self {
        self.max_threads = Some(max_threads);
        self
    }

    /// How many threads stay when they are idle, however long; 0 if not set. They are started as calls
    /// need them, not before.
    pub fn min_threads(mut self, min_threads: usize) -> Self {
        self.min_threads = min_threads;
        self
    }

    /// The size of each thread's stack in bytes; if not set, std's default (2 MiB, or what
    /// `RUST_MIN_STACK` says).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// The most calls that wait in the pool's own queue (C14); no limit if not set.
    ///
    /// A call waits until a thread has begun it, on an idle pool too: of two that are submitted in one go to a pool of one
    /// thread, the second finds a queue of one full if the thread has not come to the first yet.
    ///
    /// Beyond it, a [`Call`](crate::Call) that is awaited waits for room, in order; `try_submit` gives the closure back;
    /// what `submit` and `start` give ends in [`TaskError::Full`](crate::TaskError::Full).
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.queue_limit = Some(calls);
        self
    }

    /// Called when calls are queued, in the pool or in a view of it, and none of them was begun for a second, once until one
    /// is; on a thread of anyloop's own. The report says what is stuck, and what to do. A panic in it is caught and ignored. [`on_warning`](crate::on_warning) hears of it, too.
    pub fn on_stall(mut self, hook: impl Fn(&StallReport) + Send + Sync + 'static) -> Self {
        self.on_stall = Some(Arc::new(hook));
        self
    }

    /// Called on each thread of the pool before its first call. A panic in it is caught and ignored.
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_thread_start = Some(Arc::new(hook));
        self
    }

    /// Called on each thread of the pool after its last call. A panic in it is caught and ignored.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_thread_stop = Some(Arc::new(hook));
        self
    }

    /// How long a thread stays without work before it ends; 10 seconds if not set.
    pub fn keep_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// The name of the pool's threads. (Linux shows the first 15 bytes of it.)
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Starts the pool's threads in a way of your own: it is given a named builder and the thread's
    /// body.
    ///
    /// An error means that the system gives no thread now (C16).
    pub fn spawn_handler(
        mut self,
        spawn: impl Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.spawn = Arc::new(spawn);
        self
    }

    /// Makes the pool. It starts no thread before the first call.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that cannot be.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        check_name(&self.name)?;
        let max_threads = match self.max_threads {
            Some(max_threads) => NonZeroUsize::new(max_threads).ok_or(BuildError::NoThreads)?,
            None => max_threads_of(env::var_os(MAX_THREADS_VARIABLE))?,
        };
        if self.min_threads > max_threads.get() {
            return Err(BuildError::MinAboveMax {
                min_threads: self.min_threads,
                max_threads: max_threads.get(),
            });
        }
        check_stack_size(self.stack_size)?;
        let queue_limit = match self.queue_limit {
            Some(calls) => Some(NonZeroUsize::new(calls).ok_or(BuildError::NoRoom)?),
            None => None,
        };
        let Self {
            min_threads,
            keep_alive,
            name,
            stack_size,
            on_thread_start,
            on_thread_stop,
            on_stall,
            spawn,
            refusal,
            ..
        } = self;
        let settings = Settings {
            max_threads,
            min_threads,
            keep_alive,
            name,
            stack_size,
            queue_limit,
            on_thread_start,
            on_thread_stop,
            on_stall,
            spawn,
            refusal,
        };
        Ok(ThreadPool::from_shared(Arc::new(Shared::new(settings))))
    }
}

/// For a thread.
pub(crate) fn check_name(name: &str) -> Result<(), BuildError> {
    if name.contains('\0') {
        return Err(BuildError::NameWithNul { name: name.to_owned() });
    }
    Ok(())
}

pub(crate) fn check_stack_size(bytes: Option<usize>) -> Result<(), BuildError> {
    if bytes.is_some_and(|size| size > isize::MAX.unsigned_abs() / 2) {
        return Err(BuildError::StackTooLarge);
    }
    Ok(())
}

/// The process's pool, and what is wrong with the environment's setting for it, if anything is: then it refuses every call
/// with that text.
pub(super) fn global() -> (ThreadPool, Option<BuildError>) {
    let builder = || Builder::new().name("anyloop");
    let error = match builder().build() {
        Ok(pool) => return (pool, None),
        Err(error) => error,
    };
    let mut refusing = builder().max_threads(MAX_THREADS);
    refusing.refusal = Some(error.to_string().into());
    match refusing.build() {
        Ok(pool) => (pool, Some(error)),
        Err(error) => unreachable!("the defaults are possible settings: {error}"),
    }
}

const MAX_THREADS_VARIABLE: &str = "ANYLOOP_MAX_THREADS";

fn max_threads_of(variable: Option<OsString>) -> Result<NonZeroUsize, BuildError> {
    match variable.filter(|value| !value.is_empty()) {
        None => NonZeroUsize::new(MAX_THREADS).ok_or(BuildError::NoThreads),
        Some(value) => value
            .to_str()
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| BuildError::Environment { value: value.to_string_lossy().into_owned() }),
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_threads", &self.max_threads)
            .field("keep_alive", &self.keep_alive)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// `max_threads` was 0.
    NoThreads,
    /// A thread's name cannot have a NUL byte in it.
    #[non_exhaustive]
    NameWithNul {
        /// The name.
        name: String,
    },
    /// `min_threads` is greater than `max_threads`.
    #[non_exhaustive]
    MinAboveMax {
        /// What was set.
        min_threads: usize,
        /// What was set, or the default.
        max_threads: usize,
    },
    /// `queue_limit` was 0.
    NoRoom,
    /// `stack_size` is larger than any address space.
    StackTooLarge,
    /// `ANYLOOP_MAX_THREADS` is not a number of at least 1.
    #[non_exhaustive]
    Environment {
        /// What it says.
        value: String,
    },
    /// An actor is to rebuild its value after a panic, and has a factory that runs only once.
    CannotRebuild,
    /// An actor on a pool has no thread of its own, which this setting is for.
    #[non_exhaustive]
    NoOwnThread {
        /// The setting.
        setting: &'static str,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => {
                f.write_str("a pool needs at least one thread: max_threads is 0, and nothing would ever run")
            }
            Self::NameWithNul { name } => {
                write!(f, "a thread's name cannot have a NUL byte in it, as {name:?} does")
            }
            Self::MinAboveMax { min_threads, max_threads } => write!(
                f,
                "min_threads is {min_threads}, more than the {max_threads} threads that max_threads allows"
            ),
            Self::NoRoom => f.write_str(
                "a queue needs room for at least one call: queue_limit is 0, and every call would be refused",
            ),
            Self::CannotRebuild => f.write_str(
                "PanicPolicy::Rebuild needs a factory that can run again: use start_with or try_start_with",
            ),
            Self::NoOwnThread { setting } => {
                write!(f, "{setting} is for a thread of its own, which an actor on a pool does not have")
            }
            Self::StackTooLarge => f.write_str("stack_size is larger than the address space"),
            Self::Environment { value } => write!(
                f,
                "{MAX_THREADS_VARIABLE}={value} is not a number of threads: set it to at least 1, or unset it"
            ),
        }
    }
}

impl std::error::Error for BuildError {}
