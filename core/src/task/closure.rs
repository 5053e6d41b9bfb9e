//! A closure on a pool: one allocation that the pool's queue and the task's handle share.
//!
//! ```text
//! queued --run/cancel/give up--> claimed --end--> finished --poll/abandon--> taken
//! ```
//!
//! Whoever claims it owns the closure, so it runs at most once and is dropped exactly once (C06); see
//! [`Cell`]. Closures, results and wakers are foreign code, run, dropped and woken under no lock.

#![expect(unsafe_code, reason = "passes on what `Cell` asks of the task; see `Awaiter`")]

use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use super::carried::{Carried, Rest};
use super::cell::{Beginning, Cell, Claim, Ending};
use crate::abandoned;
use crate::cancel_token::CancelToken;
use crate::catch::{catch, drop_quietly, quietly};
use crate::context::{Context, in_call};
use crate::error::{Panic, TaskError};
use crate::interrupts::Interrupts;
use crate::limiter::{Permit, holding};
use crate::spin;
use crate::warning;

pub(crate) struct Closure<F, T> {
    cell: Cell<Queued<F>, Finished<T>>,
    /// What the running closure wants done when it is cancelled.
    interrupts: Interrupts,
    /// The runtime that it runs under, by its driver's address; 0 for none.
    driver: usize,
    /// Where it was submitted.
    place: &'static Location<'static>,
}

struct Queued<F> {
    closure: F,
    carried: Carried,
}

/// The context comes back with the result: who takes that is most often who captured it, so that its
/// count is changed by one thread and not by two in turns.
struct Finished<T> {
    result: Result<T, TaskError>,
    context: Context,
}

/// What became of a job that a worker took from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    Returned,
    Panicked,
    /// It had been cancelled by [`Task::abort`](crate::Task::abort), or ended by its pool.
    Cancelled,
    /// Its task had been dropped.
    Dropped,
}

/// The pool's side.
pub(crate) trait Runnable: Send + Sync {
    /// Runs the closure; then `more`, with the call's runtime still in place.
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran;
    /// Ends without having run.
    fn refuse(&self, reason: TaskError);
    /// What became of it, if there is nothing left to run.
    fn spent(&self) -> Option<Ran>;
    /// Keeps a place under a limiter until the end.
    fn carry(&self, permit: Permit);
    /// A thread is looking for this very job: its end is worth a short spin.
    fn expect_soon(&self);
    /// A pool is about to be asked: if it gives the job up, that is no end yet.
    fn begin_submission(&self);
    /// The pool has answered: refused with a reason, or accepted. From now on, giving the job up ends
    /// the task.
    fn end_submission(&self, refused: Option<TaskError>);
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
    /// Cancels it if nobody has begun it.
    fn dismiss(&self);
    /// Cancels, and nobody wants the result.
    unsafe fn abandon(&self);
    fn is_finished(&self) -> bool;
    /// The pool refused it, with a better reason than the one that dropping the job has given.
    unsafe fn refused(&self, reason: TaskError);
}

impl<F, T> Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(closure: F, place: &'static Location<'static>) -> Arc<Self> {
        Self::with(closure, Carried::capture(), place, Beginning::Plain)
    }

    /// For a call that begins when it is polled: `waker` is called at its end.
    pub(super) fn awaited(closure: F, place: &'static Location<'static>, waker: Waker) -> Arc<Self> {
        Self::with(closure, Carried::capture(), place, Beginning::Awaited(waker))
    }

    /// For `try_submit`, which wants the closure back: see [`reclaim`](Self::reclaim).
    pub(super) fn reclaimable(closure: F, place: &'static Location<'static>) -> Arc<Self> {
        Self::with(closure, Carried::capture(), place, Beginning::Underway)
    }

    /// Something that is to be done for calls, and is none itself: it puts in place by itself what is to be around it.
    pub(super) fn errand(closure: F, place: &'static Location<'static>) -> Arc<Self> {
        Self::with(closure, Carried::capture_for_errand(), place, Beginning::Plain)
    }

    fn with(
        closure: F,
        carried: Carried,
        place: &'static Location<'static>,
        beginning: Beginning,
    ) -> Arc<Self> {
        let driver = carried.context.runtime().map_or(0, |runtime| runtime.address());
        Arc::new(Self {
            cell: Cell::new(Queued { closure, carried }, beginning),
            interrupts: Interrupts::default(),
            driver,
            place,
        })
    }

    /// Lets `token` abort it, until it has ended.
    pub(crate) fn link(self: &Arc<Self>, token: &CancelToken) {
        let this = Arc::downgrade(self);
        let link = token.link(move || {
            if let Some(this) = this.upgrade() {
                this.abort();
            }
        });
        if let Some(link) = link {
            self.take_along(link, Carried::add_link);
        }
    }

    /// Gives it something that it keeps until it has ended, unless that has come already.
    fn take_along<V>(&self, value: V, add: impl FnOnce(&mut Carried, V)) {
        let mut value = Some(value);
        let edited = self.cell.edit(|queued| {
            if let Some(value) = value.take() {
                add(&mut queued.carried, value);
            }
        });
        drop(value);
        if let Err(queued) = edited {
            self.end(Claim::Won(queued), TaskError::Cancelled);
        }
    }

    /// The pool refused: the closure, unless it was run or cancelled all the same.
    pub(crate) fn reclaim(&self) -> Option<F> {
        let claim = match self.cell.end_submission() {
            Claim::Won(queued) => Claim::Won(queued),
            Claim::Lost => self.cell.claim(),
        };
        let Claim::Won(Queued { closure, carried }) = claim else { return None };
        let (context, surroundings, rest) = carried.into_parts();
        drop_quietly((context, surroundings, rest));
        Some(closure)
    }

    /// Ends what was queued in `reason`: the closure is dropped here and now (C03).
    fn end(&self, claim: Claim<Queued<F>>, reason: TaskError) {
        let Claim::Won(Queued { closure, carried }) = claim else { return };
        let (context, surroundings, rest) = carried.into_parts();
        drop_quietly(closure);
        drop_quietly(surroundings);
        self.finish(Err(reason), context, rest);
    }

    /// Why somebody else has claimed it.
    fn unrun(&self) -> Ran {
        if self.cell.is_abandoned() { Ran::Dropped } else { Ran::Cancelled }
    }

    /// It was cancelled, and somebody else has claimed it: if that one runs it, it goes on.
    fn leave_running(&self) {
        if !self.cell.is_finished() {
            // First of all: to enter it may start a thread.
            self.interrupts.fire();
            abandoned::enter(self.address(), self.place, || self.cell.is_finished());
        }
    }

    /// The same that [`Job::address`](crate::Job) gives.
    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Delivers the result.
    fn finish(&self, result: Result<T, TaskError>, context: Context, rest: Rest) {
        let Ending { waker, unwanted, cancelled } = self.cell.finish(Finished { result, context });
        if cancelled {
            abandoned::strike_out(self.address());
        }
        if let Some(Finished { result, context }) = unwanted {
            drop_quietly(result);
            drop(context);
        }
        if let Some(waker) = waker {
            quietly(|| waker.wake());
        }
        if !rest.is_nothing() {
            drop_quietly(rest);
        }
    }

    /// Runs the closure in its context, and delivers its result.
    fn call(
        self: &Arc<Self>,
        closure: impl FnOnce() -> Result<T, Panic>,
        mut context: Context,
        mut rest: Rest,
    ) -> Ran {
        let (result, permit) = holding(rest.take_permit(), || in_call(&mut context, self.clone(), closure));
        if let Some(permit) = permit {
            rest.put_back(permit);
        }
        let ran = if result.is_ok() { Ran::Returned } else { Ran::Panicked };
        self.finish(result.map_err(TaskError::Panicked), context, rest);
        ran
    }
}

impl<F, T> Runnable for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        let Queued { closure, carried } = match self.cell.claim() {
            Claim::Won(queued) if queued.carried.context.is_overdue() => {
                self.end(Claim::Won(queued), TaskError::TimedOut);
                return Ran::Cancelled;
            }
            Claim::Won(queued) => queued,
            Claim::Lost => return self.unrun(),
        };
        let (context, surroundings, rest) = carried.into_parts();
        let place = if rest.is_errand() { None } else { Some(self.place) };
        let closure = move || surroundings.run(place, closure);
        let runtime = context.runtime().filter(|runtime| !runtime.is_entered()).cloned();
        let Some(runtime) = runtime else {
            let ran = self.call(closure, context, rest);
            // A result that nobody takes goes now, and not after what comes next.
            drop(self);
            more();
            return ran;
        };
        let mut work = Some((self, closure, context, rest));
        let mut ran = Ran::Panicked;
        // An adapter's code: after a panic of it the task must end all the same.
        let scoped = catch(|| {
            runtime.scope(&mut || {
                let Some((this, closure, context, rest)) = work.take() else { return };
                ran = this.call(closure, context, rest);
                drop(this);
                more();
            });
        });
        let failed = match scoped {
            Err(panic) => Some(panic),
            Ok(()) if work.is_some() => catch(|| panic!("{NOT_RUN}")).err(),
            Ok(()) => None,
        };
        match (work, failed) {
            (Some((this, closure, context, rest)), Some(panic)) => {
                drop_quietly(closure);
                this.finish(Err(TaskError::Panicked(panic)), context, rest);
            }
            // The call itself has ended: the adapter's panic concerns nobody any more.
            (_, failed) => drop_quietly(failed),
        }
        drop_quietly(runtime);
        ran
    }

    fn refuse(&self, reason: TaskError) {
        let mut reason = Some(reason);
        let claim = self.cell.give_up(|queued| {
            if let Some(reason) = reason.take() {
                queued.carried.note_given_up(reason);
            }
        });
        match claim {
            Claim::Won(mut queued) => {
                let reason = reason.or_else(|| queued.carried.take_given_up());
                self.end(Claim::Won(queued), reason.unwrap_or(TaskError::Shutdown));
            }
            Claim::Lost => drop_quietly(reason),
        }
    }

    fn spent(&self) -> Option<Ran> {
        self.cell.is_claimed().then(|| self.unrun())
    }

    fn carry(&self, permit: Permit) {
        // If it was cancelled before, giving the place back calls the next one in line.
        self.take_along(permit, Carried::add_permit);
    }

    fn expect_soon(&self) {
        self.cell.expect_soon();
    }

    fn begin_submission(&self) {
        self.cell.begin_submission();
    }

    fn end_submission(&self, refused: Option<TaskError>) {
        match self.cell.end_submission() {
            Claim::Won(mut queued) => {
                let given_up = queued.carried.take_given_up();
                let reason = refused.or(given_up).unwrap_or(TaskError::Shutdown);
                self.end(Claim::Won(queued), reason);
            }
            Claim::Lost => {
                if let Some(reason) = refused {
                    self.end(self.cell.claim(), reason);
                }
            }
        }
    }

    fn driver(&self) -> usize {
        self.driver
    }

    fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

const NOT_RUN: &str = "the runtime's `Driver::scope` did not run its body";

impl<F, T> CallState for Closure<F, T>
where
    F: Send,
    T: Send,
{
    fn is_cancelled(&self) -> bool {
        self.cell.is_cancelled()
    }

    fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }
}

impl<F, T> ClosureHandle<T> for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    unsafe fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<T, TaskError>> {
        // Parking and being woken would take longer than a call that a thread was looking for.
        if self.cell.was_expected_soon() {
            spin::until(|| self.cell.is_finished());
        }
        // SAFETY: the caller's promise.
        let Finished { result, context } = std::task::ready!(unsafe { self.cell.poll(cx.waker()) });
        // C06: what the call carried goes before its result can be seen.
        drop(context);
        Poll::Ready(result)
    }

    fn abort(&self) {
        match self.cell.cancel() {
            Claim::Lost => self.leave_running(),
            won => self.end(won, TaskError::Cancelled),
        }
    }

    fn dismiss(&self) {
        self.end(self.cell.cancel(), TaskError::Cancelled);
    }

    unsafe fn abandon(&self) {
        // SAFETY: the caller's promise.
        let (claim, unwanted) = unsafe { self.cell.abandon() };
        match claim {
            Claim::Lost => self.leave_running(),
            won => {
                warning::dropped_in_queue(self.place);
                self.end(won, TaskError::Cancelled);
            }
        }
        if let Some(Finished { result, context }) = unwanted {
            drop_quietly(result);
            drop(context);
        }
    }

    fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    unsafe fn refused(&self, reason: TaskError) {
        self.end(self.cell.claim(), TaskError::Shutdown);
        let mut reason = Some(reason);
        // SAFETY: the caller's promise. A pool that ran the job although it says that it refused it has
        // the last word.
        unsafe {
            self.cell.edit_result(|finished| {
                if let (Err(TaskError::Shutdown), Some(reason)) = (&finished.result, reason.take()) {
                    finished.result = Err(reason);
                }
            });
        }
        drop_quietly(reason);
    }
}

impl<F, T> Drop for Closure<F, T> {
    fn drop(&mut self) {
        // The last to hold a detached task may be a worker, and its value may panic as it drops (C07).
        if let Some(left) = self.cell.clear() {
            drop_quietly(left);
        }
    }
}

#[cfg(all(test, not(loom)))]
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
