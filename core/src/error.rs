//! How a task can end other than in a value.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::no_runtime::NoRuntime;
use crate::pool::Refused;

/// Why a task ended without a value.
///
/// ```
/// use anyloop_core::{PoolExt, TaskError, ThreadPool};
///
/// let pool = ThreadPool::new(1)?;
/// let ended = pool.submit(|| -> u32 { panic!("no luck") }).wait();
/// assert!(matches!(ended, Err(TaskError::Panicked(panic)) if panic.message() == "no luck"));
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The closure or future panicked; the payload is inside.
    Panicked(Panic),
    /// It was cancelled before it ended: by [`Task::abort`](crate::Task::abort),
    /// [`Task::cancel`](crate::Task::cancel), or by the run it was started under coming to its end.
    Cancelled,
    /// The pool or runtime was shut down, or the actor closed, before the task could end.
    Shutdown,
    /// The pool's queue was full.
    Full,
    /// The system gave no thread, and the pool has none that could run it later.
    NoThread(io::Error),
    /// There is no such pool here; the text says why and what to do.
    NoPool(Box<str>),
    /// Its deadline came first: see [`Call::timeout`](crate::Call::timeout).
    TimedOut,
    /// It was to have a deadline, and there is no runtime to keep the time.
    NoRuntime(Box<NoRuntime>),
    /// The [`Actor`](crate::Actor) has no value any more; the text says what panicked.
    Poisoned(Arc<str>),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => write!(f, "the task panicked: {}", panic.message()),
            Self::Cancelled => f.write_str("the task was cancelled before it ended"),
            Self::Shutdown => f.write_str(
                "the pool or runtime was shut down, or the actor closed, before the task could end",
            ),
            Self::Full => f.write_str(
                "the pool's queue is full: await the call instead of starting it, or raise queue_limit",
            ),
            Self::NoThread(error) => write!(
                f,
                "the system refused a thread and the pool has none to run the task: {error}; \
                 raise the process's thread limit or lower max_threads"
            ),
            Self::NoPool(why) => f.write_str(why),
            Self::TimedOut => f.write_str("the time was up before the task ended"),
            Self::NoRuntime(error) => write!(f, "a deadline needs a runtime's timer: {error}"),
            Self::Poisoned(why) => write!(f, "{POISONED}{why}"),
        }
    }
}

/// What is wrong with an actor of which something panicked.
pub(crate) const POISONED: &str = "the actor has no value any more: ";

impl std::error::Error for TaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoThread(error) => Some(error),
            Self::NoRuntime(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Panic> for TaskError {
    fn from(panic: Panic) -> Self {
        Self::Panicked(panic)
    }
}

impl From<Refused> for TaskError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Shutdown => Self::Shutdown,
            Refused::Full => Self::Full,
            Refused::NoThread(error) => Self::NoThread(error),
            Refused::NoPool(why) => Self::NoPool(why),
            Refused::Poisoned(why) => Self::Poisoned(why),
        }
    }
}

/// A panic that was caught, with its payload.
///
/// ```
/// use anyloop_core::{PoolExt, TaskError, ThreadPool};
///
/// let pool = ThreadPool::new(1)?;
/// let task = pool.submit(|| std::panic::panic_any(7_u32));
/// let Err(TaskError::Panicked(panic)) = task.wait() else { unreachable!() };
/// assert_eq!(panic.message(), "a panic whose payload is not a string");
/// assert_eq!(panic.into_payload().downcast_ref::<u32>(), Some(&7));
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
pub struct Panic(Box<Caught>);

/// Boxed, so that every `Result<T, TaskError>` stays small.
struct Caught {
    message: Cow<'static, str>,
    // A payload is `Send` but not `Sync`; the mutex makes the error `Sync`. It is never contended:
    // only `&mut self` and `self` reach it.
    payload: Mutex<Box<dyn Any + Send>>,
}

/// Takes what [`std::panic::catch_unwind`] caught.
impl From<Box<dyn Any + Send>> for Panic {
    fn from(payload: Box<dyn Any + Send>) -> Self {
        Self::new(payload)
    }
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            Cow::Borrowed(*text)
        } else if let Some(text) = payload.downcast_ref::<String>() {
            Cow::Owned(text.clone())
        } else {
            Cow::Borrowed("a panic whose payload is not a string")
        };
        Self(Box::new(Caught { message, payload: Mutex::new(payload) }))
    }

    /// What was passed to `panic!`, or a text that says that it was no string.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload, as [`std::thread::JoinHandle::join`] would give it.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.0.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on panicking with the same payload, without calling the panic hook again.
    ///
    /// # Panics
    ///
    /// Always: that is what it is for.
    pub fn resume(self) -> ! {
        std::panic::resume_unwind(self.into_payload())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
