//! A task that its awaiter's end does not cancel.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::TaskError;
use crate::task::Task;

/// Awaits a task without taking it along when this future is dropped: `asyncio.shield`.
///
/// Dropping a [`Task`] cancels it (C03); dropping a `Shield` lets it go on, as [`Task::detach`] does, so that a
/// `timeout`, a `race` or a cancelled parent ends the waiting alone. To collect the result later, lend the shield (`&mut
/// shield` is a future, too) and keep it, or take the task back with [`into_task`](Shield::into_task).
///
/// # Errors
///
/// As awaiting the task.
///
/// # Panics
///
/// Polling it again after it was ready panics.
///
/// ```
/// use std::future::{Future, poll_fn};
/// use std::pin::Pin;
/// use std::task::Poll;
/// use anyloop_core::{PoolExt, ThreadPool, shield};
///
/// let pool = ThreadPool::new(1)?;
/// let (go_on, waiting) = std::sync::mpsc::channel();
/// let mut saving = shield(pool.submit(move || {
///     waiting.recv().unwrap();
///     "saved"
/// }));
///
/// pollster::block_on(async {
///     // Somebody waits for a moment, and gives up. More often, that is a `timeout`.
///     let looked = poll_fn(|cx| Poll::Ready(Pin::new(&mut saving).poll(cx))).await;
///     assert!(looked.is_pending());
///     go_on.send(()).unwrap();
///     assert_eq!(saving.await.unwrap(), "saved");
/// });
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
pub fn shield<T>(task: Task<T>) -> Shield<T> {
    Shield(Some(task))
}

/// The future of [`shield`].
#[must_use = "await it, or `into_task()`; dropped, it lets the task run on its own"]
pub struct Shield<T>(
    /// Gone when it has ended.
    Option<Task<T>>,
);

impl<T> Shield<T> {
    /// Gives the task back, which is cancelled again when it is dropped.
    ///
    /// # Panics
    ///
    /// If it has given its result already.
    pub fn into_task(mut self) -> Task<T> {
        self.0.take().unwrap_or_else(|| panic!("a Shield whose task has ended has none to give back"))
    }

    /// Whether the task has ended: a result is there, or was taken.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(Task::is_finished)
    }
}

impl<T> Future for Shield<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = &mut self.0 else { panic!("a Shield was polled again after it had ended") };
        let ended = std::task::ready!(Pin::new(task).poll(cx));
        self.0 = None;
        Poll::Ready(ended)
    }
}

impl<T> Drop for Shield<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
