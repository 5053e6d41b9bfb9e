//! A task that a token cancels.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::Task;
use crate::cancel_token::{CancelToken, TokenCancelled};
use crate::error::TaskError;

/// The future of [`Task::with_token`].
#[derive(Debug)]
#[must_use = "dropping it cancels the task: await it"]
pub struct Linked<T> {
    task: Task<T>,
    /// Gone when the task was aborted.
    token: Option<TokenCancelled>,
}

impl<T> Linked<T> {
    pub(super) fn new(task: Task<T>, token: &CancelToken) -> Self {
        Self { task, token: Some(token.cancelled()) }
    }

    /// Gives the task back without its link.
    pub fn into_task(self) -> Task<T> {
        self.task
    }
}

impl<T> Future for Linked<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { task, token } = self.get_mut();
        if token.as_mut().is_some_and(|token| Pin::new(token).poll(cx).is_ready()) {
            *token = None;
            task.abort();
        }
        Pin::new(task).poll(cx)
    }
}
