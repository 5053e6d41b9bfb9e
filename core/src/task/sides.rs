//! A closure on a pool, as it is seen from each side: by the pool, by code inside the running call, and by its task.

#![expect(unsafe_code, reason = "declares what `Cell` asks of the task; see `Awaiter`")]

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use crate::error::TaskError;
use crate::interrupts::Interrupts;
use crate::limiter::{InLine, Permit};

/// What became of a job that a worker took from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    Returned,
    Panicked,
    /// It had been cancelled by [`Task::abort`](crate::Task::abort), or ended by its pool.
    Cancelled,
    /// Its task had been dropped.
    Dropped,
    /// A job of a map's that had nothing left to do: no call of anybody's.
    Dismissed,
}

/// What is known of a job that calls which lend their places may wait for (C17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    None,
    /// It has a limiter's permit, which what they wait for may need.
    Holds,
    /// One of them has polled its task, or waits for the actor or the map that it works for.
    Awaited,
}

/// The pool's side.
pub(crate) trait Runnable: Send + Sync {
    /// Runs the closure; then `more`, with the call's runtime still in place.
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran;
    /// Ends without having run.
    fn refuse(&self, reason: TaskError);
    /// What became of it, if there is nothing left to run.
    fn spent(&self) -> Option<Ran>;
    /// Keeps a place in a limiter's queue until it carries a permit, or ends.
    fn stand_in_line(&self, place: InLine);
    /// Keeps a place under a limiter until the end.
    fn carry(&self, permit: Permit);
    /// A thread is looking for this very job: its end is worth a short spin.
    fn expect_soon(&self);
    /// A pool is about to be asked: if it gives the job up, that is no end yet.
    fn begin_submission(&self);
    /// The pool has answered: refused with a reason, or accepted. From now on, giving the job up ends
    /// the task.
    fn end_submission(&self, refused: Option<TaskError>);
    /// Whether calls may wait for it.
    fn urgency(&self) -> Urgency;
    /// The runtime that it runs under, by its driver's address; 0 for none.
    fn driver(&self) -> usize;
    /// Where it was submitted.
    fn place(&self) -> &'static Location<'static>;
}

/// What code inside a running call may ask of it.
pub(crate) trait CallState: Send + Sync {
    fn is_cancelled(&self) -> bool;
    /// Where it leaves what is to be done when it is cancelled.
    fn interrupts(&self) -> &Interrupts;
}

/// The task's side.
///
/// # Safety
///
/// Of `poll`, `abandon` and `refused`: for the one task of the closure, so that no two of them run at the same
/// time, nor after `poll` was ready or `abandon` was called.
pub(crate) trait ClosureHandle<T>: Send + Sync {
    unsafe fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<T, TaskError>>;
    fn abort(&self);
    /// A call that lends its place waits for what it serves, if it serves anybody.
    fn note_awaited(&self);
    /// Cancels it if nobody has begun it.
    fn dismiss(&self);
    /// Cancels, and nobody wants the result.
    unsafe fn abandon(&self);
    fn is_finished(&self) -> bool;
    /// The pool refused it, with a better reason than the one that dropping the job has given.
    unsafe fn refused(&self, reason: TaskError);
}
