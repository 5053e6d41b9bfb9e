//! Calls and tasks with a deadline.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use crate::call::Call;
use crate::context::{Context, EnterGuard, here};
use crate::current;
use crate::error::TaskError;
use crate::no_runtime::NoRuntime;
use crate::park::ends_anyhow;
use crate::runtime::{BoxFuture, Runtime};
use crate::task::Task;
use crate::work::Work;

/// Polls what may end something, and then that itself, which counts if both are ready.
///
/// The end comes first because the other may use up a budget that the end needs, too: tokio's of a task, after which its
/// timers and channels are pending though they are ready.
pub(crate) fn poll_until<T, E>(
    cx: &mut TaskContext<'_>,
    end: impl FnOnce(&mut TaskContext<'_>) -> Poll<E>,
    what: impl FnOnce(&mut TaskContext<'_>) -> Poll<T>,
) -> Poll<Result<T, E>> {
    let end = end(cx);
    match what(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending => end.map(Err),
    }
}

/// Ends when the time is up; `None` if that is never.
type Limit = Option<BoxFuture<'static, ()>>;

fn poll_timed<T>(
    limit: &mut Limit,
    cx: &mut TaskContext<'_>,
    what: impl FnOnce(&mut TaskContext<'_>) -> Poll<T>,
) -> Poll<Result<T, ()>> {
    let has_end = limit.is_some();
    let end =
        |cx: &mut TaskContext<'_>| limit.as_mut().map_or(Poll::Pending, |limit| limit.as_mut().poll(cx));
    let poll = || poll_until(cx, end, what);
    if has_end { ends_anyhow(poll) } else { poll() }
}

/// The future of [`Task::timeout`].
#[must_use = "dropping it cancels the task: await it"]
pub struct TimedTask<T> {
    task: Task<T>,
    limit: Result<Limit, Option<NoRuntime>>,
}

impl<T> TimedTask<T> {
    pub(crate) fn new(task: Task<T>, duration: Duration) -> Self {
        let limit = current::current().map(|runtime| Some(runtime.driver().sleep_boxed(duration)));
        Self { task, limit: limit.map_err(Some) }
    }
}

impl<T> Future for TimedTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { task, limit } = self.get_mut();
        let limit = match limit {
            Ok(limit) => limit,
            Err(error) => {
                task.abort();
                return Poll::Ready(Err(error.take().map_or(TaskError::Cancelled, no_runtime)));
            }
        };
        let ended = ready!(poll_timed(limit, cx, |cx| Pin::new(&mut *task).poll(cx)));
        Poll::Ready(ended.unwrap_or_else(|()| {
            // It is not polled again.
            *limit = None;
            task.abort();
            Err(TaskError::TimedOut)
        }))
    }
}

impl<T> fmt::Debug for TimedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedTask").field("task", &self.task).finish_non_exhaustive()
    }
}

fn no_runtime(error: NoRuntime) -> TaskError {
    TaskError::NoRuntime(Box::new(error))
}

/// The future of [`Call::timeout`].
#[must_use = "a call does nothing until it is awaited"]
pub struct TimedCall<W: Work> {
    call: Call<W>,
    duration: Duration,
    limit: Limit,
}

impl<W: Work> TimedCall<W> {
    pub(crate) fn new(call: Call<W>, duration: Duration) -> Self {
        Self { call, duration, limit: None }
    }

    /// Starts the call with its deadline, or ends it.
    fn begin(&mut self, cx: &mut TaskContext<'_>) -> Result<(), TaskError> {
        let runtime = current::current().map_err(no_runtime)?;
        let now = runtime.now();
        // Too far for the clock is no deadline.
        let own = now.checked_add(self.duration);
        let Some(deadline) = own.into_iter().chain(here().deadline()).min() else {
            self.call.begin(cx);
            return Ok(());
        };
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() {
            return Err(TaskError::TimedOut);
        }
        self.limit = Some(runtime.driver().sleep_boxed(left));
        // What the call captures when it is submitted.
        let _context = EnterGuard::new(Context::under(&runtime).with_deadline(deadline));
        self.call.begin(cx);
        Ok(())
    }
}

impl<W: Work> Future for TimedCall<W> {
    type Output = Result<W::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.call.is_idle()
            && let Err(error) = this.begin(cx)
        {
            this.call.give_up();
            return Poll::Ready(Err(error));
        }
        let Self { call, limit, .. } = this;
        let ended = ready!(poll_timed(limit, cx, |cx| call.poll_settled(cx)));
        Poll::Ready(ended.unwrap_or_else(|()| {
            call.give_up();
            Err(TaskError::TimedOut)
        }))
    }
}

impl<W: Work> fmt::Debug for TimedCall<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedCall")
            .field("call", &self.call)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}
