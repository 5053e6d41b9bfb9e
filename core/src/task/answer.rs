//! The handle of an actor's call, whose closure ends in a result of its own.

use std::task::{Context, Poll};

use super::inline::Handle;
use super::{Awaiter, Ended};
use crate::actor::forbid_in_turn;
use crate::error::TaskError;

/// A call that an actor answers.
pub(crate) struct Answer<T> {
    awaiter: Awaiter<Result<T, TaskError>>,
    /// The actor's mailbox, by its address.
    mailbox: usize,
}

impl<T: Send + 'static> Answer<T> {
    /// `mailbox` is the address of the actor's.
    pub(crate) fn new(awaiter: Awaiter<Result<T, TaskError>>, mailbox: usize) -> Self {
        Self { awaiter, mailbox }
    }
}

impl<T> Handle<T> for Answer<T> {
    fn poll(&mut self, cx: &mut Context<'_>, aborted: bool) -> Poll<Ended<T>> {
        match self.awaiter.poll(cx, aborted) {
            Poll::Ready(ended) => Poll::Ready(ended.and_then(|answer| answer)),
            Poll::Pending => {
                forbid_in_turn(self.mailbox);
                Poll::Pending
            }
        }
    }

    fn abort(&self) {
        self.awaiter.abort();
    }

    fn abandon(&mut self) {
        self.awaiter.abandon();
    }

    fn is_finished(&self) -> bool {
        self.awaiter.is_finished()
    }
}
