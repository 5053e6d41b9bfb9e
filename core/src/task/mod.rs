//! Handles of what is running.

mod awaiter;
mod cancelling;
mod carried;
mod cell;
mod closure;
mod inline;
mod native;
mod remote;

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::catch::quietly;
use crate::context::forbid_in_poll;
use crate::error::TaskError;
use crate::park;

pub(crate) use awaiter::Awaiter;
pub use cancelling::Cancelling;
pub(crate) use closure::{CallState, Closure, ClosureHandle, Ran, Runnable};
use inline::Inline;
pub use native::{NativeTask, Outcome, WakerGuard};
pub use remote::Remote;

/// Something that is running: a future on a runtime, or a closure on a pool.
///
/// Awaiting it gives `Result<T, TaskError>`. Dropping it cancels (C03): a closure that is still queued
/// never runs and is dropped at once, a future is dropped without being polled again, a closure that is
/// running goes on, sees [`from_thread::is_cancelled`](crate::from_thread::is_cancelled), and its result is
/// dropped. [`detach`](Task::detach) opts out.
///
/// # Panics
///
/// Polling it again after it was ready panics.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool};
///
/// let pool = ThreadPool::new(2)?;
/// let task = pool.submit(|| 6 * 7);
/// assert_eq!(pollster::block_on(task).unwrap(), 42);
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use = "dropping a task cancels it: await it, or `detach()` it to let it run on its own"]
pub struct Task<T> {
    work: Work<T>,
    stage: Stage,
    /// Tells a future that was dropped because we asked from one that its runtime dropped.
    aborted: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Dropping the task cancels.
    Owned,
    Detached,
    /// The result was taken.
    Ended,
}

enum Work<T> {
    Closure(Awaiter<T>),
    Native(Inline<T>),
    /// Ended before it began.
    Ended(Option<TaskError>),
}

// Nothing in a task is pinned through it.
impl<T> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    fn new(work: Work<T>) -> Self {
        Self { work, stage: Stage::Owned, aborted: AtomicBool::new(false) }
    }

    pub(crate) fn from_closure(handle: Awaiter<T>) -> Self {
        Self::new(Work::Closure(handle))
    }

    pub(crate) fn failed(error: TaskError) -> Self {
        Self::new(Work::Ended(Some(error)))
    }

    /// Makes a task of a runtime's own handle. For adapters: the future behind the handle must be
    /// one that [`Binding::supervise`](crate::Binding::supervise) wrapped, which the type [`Outcome`] sees to.
    pub fn from_native(handle: impl NativeTask<Outcome<T>> + 'static) -> Self {
        Self::new(Work::Native(Inline::new(handle)))
    }
}

impl<T> Task<T> {
    /// Asks the task to end, from sync or async code, any number of times.
    ///
    /// What is queued ends in [`TaskError::Cancelled`] and never runs. A running closure cannot be
    /// stopped from outside: it sees [`from_thread::is_cancelled`](crate::from_thread::is_cancelled), and the
    /// task ends in what it returns.
    pub fn abort(&self) {
        // ORDERING: Relaxed, read by the same task's owner only.
        self.aborted.store(true, Ordering::Relaxed);
        match &self.work {
            Work::Closure(handle) => handle.abort(),
            Work::Native(native) => native.abort(),
            Work::Ended(_) => {}
        }
    }

    /// Cancels, and waits until the work has stopped; gives what it ended in.
    ///
    /// The cancelling begins at once, not at the first poll. Dropping the future leaves the task
    /// cancelled.
    ///
    /// # Errors
    ///
    /// [`TaskError::Cancelled`] for what did not run to its end, or any other end that came first.
    pub fn cancel(self) -> Cancel<T> {
        self.abort();
        Cancel { task: self }
    }

    /// Lets the work run to its end without its handle.
    pub fn detach(mut self) {
        self.stage = Stage::Detached;
        if let Work::Native(native) = &mut self.work {
            native.detach();
        }
    }

    /// Whether it has ended: a result is there, or was taken.
    pub fn is_finished(&self) -> bool {
        if self.stage == Stage::Ended {
            return true;
        }
        match &self.work {
            Work::Closure(handle) => handle.is_finished(),
            Work::Native(native) => native.is_finished(),
            Work::Ended(_) => true,
        }
    }

    /// Blocks this thread until the task has ended. For threads without a runtime.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    ///
    /// # Panics
    ///
    /// Inside async code that anyloop polls, where blocking would block the runtime (C08).
    #[track_caller]
    pub fn wait(self) -> Result<T, TaskError> {
        forbid_in_poll("Task::wait()");
        park::block_on(self)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.stage == Stage::Ended {
            panic!("a Task was polled again after it had ended");
        }
        let ended = match &mut this.work {
            Work::Closure(handle) => std::task::ready!(handle.poll(cx)),
            Work::Native(native) => match std::task::ready!(native.poll(cx)) {
                Some(outcome) => outcome.into_result(),
                // ORDERING: Relaxed, see `abort`.
                None if this.aborted.load(Ordering::Relaxed) => Err(TaskError::Cancelled),
                None => Err(TaskError::Shutdown),
            },
            Work::Ended(error) => Err(error.take().unwrap_or(TaskError::Cancelled)),
        };
        this.stage = Stage::Ended;
        Poll::Ready(ended)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.stage != Stage::Owned {
            return;
        }
        match &mut self.work {
            Work::Closure(handle) => handle.abandon(),
            Work::Native(native) => quietly(|| native.abort()),
            Work::Ended(_) => {}
        }
        // An output that nobody wants goes with the handle.
        quietly(|| self.work = Work::Ended(None));
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// The future of [`Task::cancel`].
#[derive(Debug)]
#[must_use = "the task is cancelled; await this to know when it has stopped and in what it ended"]
pub struct Cancel<T> {
    task: Task<T>,
}

impl<T> Future for Cancel<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}
