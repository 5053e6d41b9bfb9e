//! A call of an actor that has not started yet.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Actor;
use crate::error::TaskError;
use crate::stage::{Stage, plainly};
use crate::task::Task;

/// A call of an [`Actor`] that begins when it is awaited: what [`Actor::call`] gives. `R` is what it ends in.
///
/// It does nothing until its first poll. Then it is queued, and waits for room if the queue has a limit.
/// Dropping it before that leaves the work undone; dropping it later cancels, as dropping a [`Task`] does (C03).
///
/// # Panics
///
/// Awaited plainly, it goes on with the closure's own panic, and panics with the text of any other
/// [`TaskError`]. [`settle`](Self::settle) gives a `Result` instead (C02).
///
/// ```
/// use anyloop_core::Actor;
///
/// let names = Actor::new(|| vec!["ada", "alan"]);
/// # pollster::block_on(async {
/// assert_eq!(names.call(|names| names.len()).await, 2);
/// assert!(names.call(|names| names[7]).settle().await.is_err());
/// # });
/// ```
#[must_use = "a call does nothing until it is awaited; `.start()` starts it"]
pub struct ActorCall<T: 'static, F, R> {
    stage: Stage<(Actor<T>, F), R>,
    /// Where it was made.
    place: &'static Location<'static>,
}

// Neither the closure nor the task is pinned through the call.
impl<T: 'static, F, R> Unpin for ActorCall<T, F, R> {}

impl<T, F, R> ActorCall<T, F, R>
where
    T: 'static,
    F: FnOnce(&mut T) -> R + Send + 'static,
    R: Send + 'static,
{
    pub(super) fn new(actor: Actor<T>, f: F, place: &'static Location<'static>) -> Self {
        Self { stage: Stage::Idle((actor, f)), place }
    }

    /// Starts the call without awaiting it. If the queue is full, it ends in [`TaskError::Full`].
    pub fn start(mut self) -> Task<R> {
        match self.stage.take_idle() {
            Some((actor, f)) => actor.submit(f, false, self.place),
            None => self.stage.into_task(),
        }
    }

    /// The same call, ending in a `Result` where this one would panic.
    pub fn settle(self) -> ActorSettle<T, F, R> {
        ActorSettle { call: self }
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, TaskError>> {
        if let Some((actor, f)) = self.stage.take_idle() {
            self.stage = Stage::Started(actor.submit(f, true, self.place));
        }
        self.stage.poll(cx, "an ActorCall")
    }
}

impl<T, F, R> Future for ActorCall<T, F, R>
where
    T: 'static,
    F: FnOnce(&mut T) -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        self.poll_settled(cx).map(|ended| plainly(ended, "an actor's call"))
    }
}

impl<T: 'static, F, R> fmt::Debug for ActorCall<T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorCall").field("stage", &self.stage.name()).finish_non_exhaustive()
    }
}

/// The future of [`ActorCall::settle`].
#[must_use = "a call does nothing until it is awaited"]
pub struct ActorSettle<T: 'static, F, R> {
    call: ActorCall<T, F, R>,
}

impl<T, F, R> Future for ActorSettle<T, F, R>
where
    T: 'static,
    F: FnOnce(&mut T) -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = Result<R, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.call.poll_settled(cx)
    }
}

impl<T: 'static, F, R> fmt::Debug for ActorSettle<T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSettle").field("call", &self.call).finish()
    }
}
