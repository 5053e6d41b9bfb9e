//! How far a call has come that begins when it is awaited.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::TaskError;
use crate::task::Task;

/// `I` is what there is to start, `R` what it ends in.
pub(crate) enum Stage<I, R> {
    Idle(I),
    Started(Task<R>),
    Ended,
}

impl<I, R> Stage<I, R> {
    /// What is to be started, if that has not been done: whoever takes it starts it.
    pub(crate) fn take_idle(&mut self) -> Option<I> {
        match mem::replace(self, Self::Ended) {
            Self::Idle(idle) => Some(idle),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The task of what was started before.
    pub(crate) fn into_task(self) -> Task<R>
    where
        R: Send + 'static,
    {
        match self {
            Self::Started(task) => task,
            Self::Idle(_) | Self::Ended => Task::failed(TaskError::Cancelled),
        }
    }

    /// Polls what was started. `what` is its type, for the panic of one that has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, what: &str) -> Poll<Result<R, TaskError>> {
        let Self::Started(task) = self else { panic!("{what} was polled again after it had ended") };
        let ended = ready!(Pin::new(task).poll(cx));
        *self = Self::Ended;
        Poll::Ready(ended)
    }

    /// For `Debug`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Idle(_) => "not started",
            Self::Started(_) => "started",
            Self::Ended => "ended",
        }
    }
}

/// What a call that is awaited plainly ends in (C02).
pub(crate) fn plainly<R>(ended: Result<R, TaskError>, what: &str) -> R {
    match ended {
        Ok(output) => output,
        Err(TaskError::Panicked(panic)) => panic.resume(),
        Err(error) => panic!("{what} did not run to its end: {error}"),
    }
}
