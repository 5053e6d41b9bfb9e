//! A closure on a pool: one allocation that the pool's queue and the task's handle share.
//!
//! ```text
//! Queued --run/abort/refuse--> Running --end--> Finished --poll/abandon--> Taken
//!                                 \--end, abandoned--> Taken (who ran it drops the result)
//! ```
//!
//! Every transition happens under the mutex; whatever was taken out of the state (closure, result,
//! waker) is run, dropped or woken after the lock is gone. So a closure runs at most once and is
//! dropped exactly once: whoever moves the state away from `Queued` owns it (C06).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use super::carried::Carried;
use crate::catch::{catch, drop_quietly, quietly};
use crate::context::in_call;
use crate::error::TaskError;
use crate::limiter::Permit;
use crate::spin;

pub(crate) struct Closure<F, T> {
    state: Mutex<State<F, T>>,
    cancel_requested: AtomicBool,
    /// The state is `Finished`, or was: spares a poll the lock, and can be spun on.
    finished: AtomicBool,
    /// A thread was looking for this very job when it was submitted.
    soon: AtomicBool,
}

enum State<F, T> {
    Queued(Queued<F>),
    Running { waker: Option<Waker>, abandoned: bool },
    Finished(Result<T, TaskError>),
    Taken,
}

struct Queued<F> {
    closure: F,
    carried: Carried,
    waker: Option<Waker>,
    submission: Submission,
}

/// Who owns a closure that a pool gives up (`Job` dropped before it ran).
enum Submission {
    /// Nobody waits for it any more: it ends in the reason.
    Done,
    /// The submitter is still inside `Pool::execute`, and a refusal is its own affair.
    Underway,
    /// Given up while the submitter was inside `Pool::execute`, and why.
    GivenUp(TaskError),
}

/// The pool's side.
pub(crate) trait Runnable: Send + Sync {
    fn run(self: Arc<Self>);
    /// Ends without having run.
    fn refuse(&self, reason: TaskError);
    /// Whether there is nothing left to run.
    fn is_spent(&self) -> bool;
    /// Keeps a place under a limiter until the end.
    fn carry(&self, permit: Permit);
    /// A thread is looking for this very job: its end is worth a short spin.
    fn expect_soon(&self);
    /// A pool is about to be asked: if it gives the job up, that is no end yet.
    fn begin_submission(&self);
    /// The pool has answered: refused with a reason, or accepted. From now on, giving the job up ends
    /// the task.
    fn end_submission(&self, refused: Option<TaskError>);
}

/// What code inside a running call may ask of it.
pub(crate) trait CallState: Send + Sync {
    fn is_cancelled(&self) -> bool;
}

/// The task's side.
pub(crate) trait ClosureHandle<T>: Send + Sync {
    fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<T, TaskError>>;
    fn abort(&self);
    /// Cancels, and nobody wants the result.
    fn abandon(&self);
    fn is_finished(&self) -> bool;
}

impl<F, T> Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(closure: F) -> Arc<Self> {
        Self::with_submission(closure, Submission::Done)
    }

    /// For `try_submit`, which wants the closure back: see [`reclaim`](Self::reclaim).
    pub(crate) fn reclaimable(closure: F) -> Arc<Self> {
        Self::with_submission(closure, Submission::Underway)
    }

    fn with_submission(closure: F, submission: Submission) -> Arc<Self> {
        let carried = Carried::capture();
        Arc::new(Self {
            state: Mutex::new(State::Queued(Queued { closure, carried, waker: None, submission })),
            cancel_requested: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            soon: AtomicBool::new(false),
        })
    }

    /// The pool refused: the closure, unless it was run or cancelled all the same.
    pub(crate) fn reclaim(&self) -> Option<F> {
        let (closure, carried) = self.take_queued()?;
        drop_quietly(carried);
        Some(closure)
    }

    /// The pool refused, with a better reason than the one that dropping the job has given.
    pub(crate) fn refused(&self, reason: TaskError) {
        self.end_queued(TaskError::Shutdown);
        let mut state = self.lock();
        let old = match &mut *state {
            State::Finished(result @ Err(TaskError::Shutdown)) => {
                Some(std::mem::replace(result, Err(reason)))
            }
            // A pool that ran the job although it says that it refused it.
            _ => None,
        };
        drop(state);
        drop_quietly(old);
    }

    /// Notes how far the submission is, and tells how far it was.
    fn set_submission(&self, submission: Submission) -> Option<Submission> {
        match &mut *self.lock() {
            State::Queued(queued) => Some(std::mem::replace(&mut queued.submission, submission)),
            _ => None,
        }
    }

    /// Spins for the result, if a thread was looking for the job: parking and being woken would take
    /// longer than the call.
    fn ends_soon(&self) -> bool {
        // ORDERING: Relaxed, a hint; and the result is looked for with Acquire.
        self.soon.load(Ordering::Relaxed)
            && self.soon.swap(false, Ordering::Relaxed)
            && spin::until(|| self.finished.load(Ordering::Acquire))
    }

    fn lock(&self) -> MutexGuard<'_, State<F, T>> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the closure out; from here on the state is that of a running call, so that an awaiter that
    /// comes meanwhile leaves its waker. `None` if the closure is not there any more.
    fn take_queued(&self) -> Option<(F, Carried)> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Queued(Queued { closure, carried, waker, .. }) => {
                *state = State::Running { waker, abandoned: false };
                Some((closure, carried))
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Ends a queued closure in `reason`: the closure is dropped here and now (C03).
    fn end_queued(&self, reason: TaskError) {
        let Some((closure, Carried { context, span, tail })) = self.take_queued() else { return };
        drop_quietly(closure);
        drop_quietly((context, span));
        self.finish(Err(reason));
        drop_quietly(tail);
    }

    /// Delivers the result of a run.
    fn finish(&self, result: Result<T, TaskError>) {
        let mut state = self.lock();
        let (waker, unwanted) = match std::mem::replace(&mut *state, State::Taken) {
            State::Running { waker, abandoned: true } => (waker, Some(result)),
            State::Running { waker, abandoned: false } => {
                *state = State::Finished(result);
                // ORDERING: Release pairs with the Acquire in `is_finished`; the result itself is
                // taken under the lock.
                self.finished.store(true, Ordering::Release);
                (waker, None)
            }
            other => {
                *state = other;
                (None, Some(result))
            }
        };
        drop(state);
        drop_quietly(unwanted);
        if let Some(waker) = waker {
            quietly(|| waker.wake());
        }
    }
}

impl<F, T> Drop for Closure<F, T> {
    fn drop(&mut self) {
        // The last to hold a detached task may be a worker, and its value may panic as it drops (C07).
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !matches!(state, State::Taken) {
            drop_quietly(std::mem::replace(state, State::Taken));
        }
    }
}

impl<F, T> Runnable for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Arc<Self>) {
        let Some((closure, Carried { mut context, span, tail })) = self.take_queued() else { return };
        let closure = || span.in_scope(closure);
        let runtime = context.runtime().cloned();
        let result = in_call(&mut context, self.clone(), || match &runtime {
            None => catch(closure),
            Some(runtime) => {
                let mut closure = Some(closure);
                let mut result = None;
                // An adapter's code: after a panic of it the task must end all the same.
                let scoped = catch(|| runtime.scope(&mut || result = closure.take().map(catch)));
                match (scoped, result) {
                    (Ok(()), Some(result)) => result,
                    (Ok(()), None) => catch(|| panic!("{NOT_RUN}")),
                    (Err(panic), unwanted) => {
                        drop_quietly(unwanted);
                        Err(panic)
                    }
                }
            }
        });
        // C06: what the call carried goes before its result can be seen.
        drop_quietly((runtime, context, span));
        self.finish(result.map_err(TaskError::Panicked));
        drop_quietly(tail);
    }

    fn refuse(&self, reason: TaskError) {
        let mut state = self.lock();
        match &mut *state {
            State::Queued(Queued { submission: submission @ Submission::Underway, .. }) => {
                *submission = Submission::GivenUp(reason);
            }
            _ => {
                drop(state);
                self.end_queued(reason);
            }
        }
    }

    fn is_spent(&self) -> bool {
        !matches!(*self.lock(), State::Queued(_))
    }

    fn carry(&self, permit: Permit) {
        let mut state = self.lock();
        if let State::Queued(queued) = &mut *state {
            let outer = queued.carried.tail.permit.take();
            queued.carried.tail.permit = Some(permit.within(outer));
        } else {
            // It was cancelled. Giving the place back calls the next one in line.
            drop(state);
            drop(permit);
        }
    }

    fn expect_soon(&self) {
        // ORDERING: Relaxed, a hint.
        self.soon.store(true, Ordering::Relaxed);
    }

    fn begin_submission(&self) {
        self.set_submission(Submission::Underway);
    }

    fn end_submission(&self, refused: Option<TaskError>) {
        let given_up = match self.set_submission(Submission::Done) {
            Some(Submission::GivenUp(reason)) => Some(reason),
            _ => None,
        };
        if let Some(reason) = refused.or(given_up) {
            self.end_queued(reason);
        }
    }
}

const NOT_RUN: &str = "the runtime's `Driver::scope` did not run its body";

impl<F, T> CallState for Closure<F, T>
where
    F: Send,
    T: Send,
{
    fn is_cancelled(&self) -> bool {
        // ORDERING: Relaxed: it is advice, and publishes nothing.
        self.cancel_requested.load(Ordering::Relaxed)
    }
}

impl<F, T> ClosureHandle<T> for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<T, TaskError>> {
        // Cloning a waker is foreign code, so it is done before the lock.
        let fresh = if self.is_finished() || self.ends_soon() { None } else { Some(cx.waker().clone()) };
        let mut state = self.lock();
        let old = match &mut *state {
            State::Queued(Queued { waker, .. }) | State::Running { waker, .. } => {
                std::mem::replace(waker, fresh)
            }
            State::Finished(_) => {
                let State::Finished(result) = std::mem::replace(&mut *state, State::Taken) else {
                    unreachable!("matched just above");
                };
                drop(state);
                drop_quietly(fresh);
                return Poll::Ready(result);
            }
            // Only `&mut Task` polls, and it does not once it has its result.
            State::Taken => None,
        };
        drop(state);
        drop_quietly(old);
        Poll::Pending
    }

    fn abort(&self) {
        // ORDERING: Relaxed, as in `is_cancelled`.
        self.cancel_requested.store(true, Ordering::Relaxed);
        self.end_queued(TaskError::Cancelled);
    }

    fn abandon(&self) {
        self.abort();
        let unwanted = {
            let mut state = self.lock();
            match &mut *state {
                State::Running { abandoned, waker } => {
                    *abandoned = true;
                    let waker = waker.take();
                    drop(state);
                    drop_quietly(waker);
                    return;
                }
                State::Finished(_) => std::mem::replace(&mut *state, State::Taken),
                State::Queued(_) | State::Taken => return,
            }
        };
        drop_quietly(unwanted);
    }

    fn is_finished(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `finish`.
        self.finished.load(Ordering::Acquire)
    }
}

// With the feature `tracing`, the caller's span comes on top: 40 bytes.
#[cfg(all(test, not(feature = "tracing")))]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_one_word_is_one_allocation_of_at_most_128_bytes() {
        fn size<F: FnOnce() -> usize>(_: &F) -> usize {
            size_of::<Closure<F, usize>>() + 2 * size_of::<usize>()
        }
        let word = std::hint::black_box(1);
        let size = size(&move || word);
        assert!(size <= 128, "{size} bytes with the counts of its Arc");
    }
}
