//! A pool's settings.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ThreadPool;
use super::shared::Shared;

/// What starts a thread: `std::thread::Builder::spawn`, or what replaces it.
type Spawn = dyn Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> + Send + Sync;

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
    max_threads: usize,
    keep_alive: Duration,
    name: String,
    spawn: Arc<Spawn>,
}

/// Checked settings.
pub(super) struct Settings {
    pub(super) max_threads: NonZeroUsize,
    pub(super) keep_alive: Duration,
    pub(super) name: String,
    pub(super) spawn: Arc<Spawn>,
}

/// tokio's `max_blocking_threads` has the same default.
const MAX_THREADS: usize = 512;
/// tokio's `thread_keep_alive` has the same default.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            max_threads: MAX_THREADS,
            keep_alive: KEEP_ALIVE,
            name: "anyloop-pool".to_owned(),
            spawn: Arc::new(|thread, body| thread.spawn(body)),
        }
    }

    /// The most threads, and so the most closures that run at the same time; 512 if not set.
    pub fn max_threads(mut self, max_threads: usize) -> Self {
        self.max_threads = max_threads;
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
        if self.name.contains('\0') {
            return Err(BuildError::NameWithNul { name: self.name });
        }
        let Some(max_threads) = NonZeroUsize::new(self.max_threads) else {
            return Err(BuildError::NoThreads);
        };
        let Self { keep_alive, name, spawn, .. } = self;
        let settings = Settings { max_threads, keep_alive, name, spawn };
        Ok(ThreadPool::from_shared(Arc::new(Shared::new(settings))))
    }

    /// For settings that are known to be possible.
    pub(super) fn build_checked(self) -> ThreadPool {
        match self.build() {
            Ok(pool) => pool,
            Err(error) => unreachable!("the defaults are possible settings: {error}"),
        }
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
        }
    }
}

impl std::error::Error for BuildError {}
