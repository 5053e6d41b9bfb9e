//! Handles of what is running.

mod answer;
mod awaiter;
mod cancelling;
mod carried;
mod cell;
mod closure;
pub(crate) mod glance;
mod inline;
mod linked;
mod native;
mod remote;
mod sides;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cancel_token::CancelToken;
use crate::catch::quietly;
use crate::context::forbid_in_poll;
use crate::error::TaskError;
use crate::park;
use crate::timed::TimedTask;

pub(crate) use answer::Answer;
pub(crate) use awaiter::Awaiter;
pub use cancelling::Cancelling;
pub(crate) use carried::Surroundings;
pub(crate) use closure::Closure;
pub(crate) use inline::Handle;
use inline::Inline;
pub use linked::Linked;
pub use native::{NativeTask, Outcome, WakerGuard};
pub use remote::Remote;
pub(crate) use sides::{CallState, ClosureHandle, Ran, Runnable, Urgency};

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
    work: Inline<T>,
}

/// In what a task ends.
type Ended<T> = Result<T, TaskError>;

// Nothing in a task is pinned through it.
impl<T> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    #[inline]
    fn new(handle: impl Handle<T> + 'static) -> Self {
        Self { work: Inline::new(handle) }
    }

    pub(crate) fn from_closure(handle: Awaiter<T>) -> Self {
        Self::new(handle)
    }

    pub(crate) fn from_answer(answer: Answer<T>) -> Self {
        Self::new(answer)
    }

    pub(crate) fn failed(error: TaskError) -> Self {
        Self::new(Failed(Some(error)))
    }

    /// Makes a task of a runtime's own handle. For adapters: the future behind the handle must be
    /// one that [`Binding::supervise`](crate::Binding::supervise) wrapped, which the type [`Outcome`] sees to.
    #[inline]
    pub fn from_native(handle: impl NativeTask<Outcome<T>> + 'static) -> Self {
        Self::new(OnRuntime(handle))
    }
}

/// A future that was given to a runtime.
struct OnRuntime<H>(H);

impl<H: NativeTask<Outcome<T>>, T> Handle<T> for OnRuntime<H> {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>, aborted: bool) -> Poll<Ended<T>> {
        Poll::Ready(match std::task::ready!(self.0.poll(cx)) {
            Some(outcome) => outcome.into_result(),
            None if aborted => Err(TaskError::Cancelled),
            None => Err(TaskError::Shutdown),
        })
    }

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn detach(&mut self) {
        self.0.detach();
    }
}

/// What ended before it began.
struct Failed(Option<TaskError>);

impl<T> Handle<T> for Failed {
    fn poll(&mut self, _: &mut Context<'_>, _: bool) -> Poll<Ended<T>> {
        Poll::Ready(Err(self.0.take().unwrap_or(TaskError::Cancelled)))
    }

    fn abort(&self) {}

    fn is_finished(&self) -> bool {
        true
    }
}

impl<T> Task<T> {
    /// Asks the task to end, from sync or async code, any number of times.
    ///
    /// What is queued ends in [`TaskError::Cancelled`] and never runs. A running closure cannot be
    /// stopped from outside: it sees [`from_thread::is_cancelled`](crate::from_thread::is_cancelled), and the
    /// task ends in what it returns.
    pub fn abort(&self) {
        self.work.abort();
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

    /// Aborts the task when `token` is cancelled. That is done by who awaits it, whom the token wakes; a call that is to be
    /// cancelled whether or not somebody awaits it has [`Call::with_token`](crate::Call::with_token).
    ///
    /// # Errors
    ///
    /// As awaiting the task: [`TaskError::Cancelled`], or what it came to all the same.
    ///
    /// ```
    /// use anyloop_core::{CancelToken, PoolExt, ThreadPool, from_thread};
    ///
    /// let pool = ThreadPool::new(1)?;
    /// let token = CancelToken::new();
    /// let canceller = token.clone();
    /// let task = pool.submit(move || {
    ///     canceller.cancel();
    ///     while !from_thread::is_cancelled() {
    ///         std::thread::yield_now();
    ///     }
    ///     "stopped early"
    /// });
    /// assert_eq!(pollster::block_on(task.with_token(&token)).unwrap(), "stopped early");
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn with_token(self, token: &CancelToken) -> Linked<T> {
        Linked::new(self, token)
    }

    /// Gives the task at most `duration` from now on, on the current runtime's clock, while it is awaited.
    ///
    /// If the time is up first, the task is aborted and this ends in [`TaskError::TimedOut`] at once; a closure that runs goes on
    /// without anybody who waits for it, as after a drop. What has ended in the same poll counts.
    /// [`Call::timeout`](crate::Call::timeout) lets the call see its deadline.
    ///
    /// # Errors
    ///
    /// [`TaskError::TimedOut`]; [`TaskError::NoRuntime`], with the task aborted, where no runtime is current; and as awaiting the
    /// task.
    pub fn timeout(self, duration: Duration) -> TimedTask<T> {
        TimedTask::new(self, duration)
    }

    /// Lets the work run to its end without its handle.
    pub fn detach(mut self) {
        self.work.detach();
    }

    /// Whether it has ended: a result is there, or was taken.
    pub fn is_finished(&self) -> bool {
        self.work.is_finished()
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
        self.get_mut().work.poll(cx)
    }
}

impl<T> Drop for Task<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.work.has_ended() {
            self.give_up();
        }
    }
}

impl<T> Task<T> {
    /// Cancels, and drops what there is. An output that nobody wants goes with it.
    #[cold]
    fn give_up(&mut self) {
        quietly(|| self.work.abandon());
        quietly(|| self.work.clear());
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
