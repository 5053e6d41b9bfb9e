//! An actor whose factory can fail.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Actor;
use super::mailbox::Manner;
use super::value::Core;
use crate::context::forbid_in_poll;
use crate::error::TaskError;
use crate::park;
use crate::task::Task;

/// An actor that is being made: what [`Actor::try_new`] gives. The factory is at work already.
///
/// Ready when the factory has returned: with the actor, or the factory's error, after which the thread ends. A panic of
/// the factory is [`TaskError::Panicked`]; where the system gives no thread, it ends in [`TaskError::NoThread`].
#[must_use = "dropping it drops the actor that is being made: await it"]
pub struct ActorStart<T: 'static, E> {
    made: Task<Result<(), E>>,
    actor: Option<Actor<T>>,
}

impl<T: 'static, E: Send + 'static> ActorStart<T, E> {
    pub(super) fn begin(
        core: Arc<Core<T>>,
        place: &'static Location<'static>,
        make: impl FnOnce(&Core<T>) -> Result<(), E> + Send + 'static,
    ) -> Self {
        let making = core.clone();
        let made = core.submit(Manner::First, move || Ok(make(&making)), place);
        Self { made, actor: Some(Actor::from_core(core)) }
    }
}

impl<T: 'static, E> ActorStart<T, E> {
    /// Blocks this thread until it is ready. For threads without a runtime.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    ///
    /// # Panics
    ///
    /// Inside async code that anyloop polls (C08).
    #[track_caller]
    pub fn wait(self) -> Result<Result<Actor<T>, E>, TaskError> {
        forbid_in_poll("ActorStart::wait()");
        park::block_on(self)
    }
}

impl<T: 'static, E> Unpin for ActorStart<T, E> {}

impl<T: 'static, E> Future for ActorStart<T, E> {
    type Output = Result<Result<Actor<T>, E>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let made = std::task::ready!(Pin::new(&mut self.made).poll(cx));
        // If there is no value, this is the last handle.
        let actor = self.actor.take();
        Poll::Ready(made.map(|made| {
            made.map(|()| match actor {
                Some(actor) => actor,
                None => unreachable!("a task that has ended is not polled again"),
            })
        }))
    }
}

impl<T: 'static, E> fmt::Debug for ActorStart<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorStart").field("made", &self.made).finish_non_exhaustive()
    }
}
