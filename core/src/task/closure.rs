//! A closure on a pool: one allocation that the pool's queue and the task's handle share.
//!
//! ```text
//! queued --run/cancel/give up--> claimed --end--> finished --poll/abandon--> taken
//! ```
//!
//! Whoever claims it owns the closure, so it runs at most once and is dropped exactly once (C06); see
//! [`Cell`]. Closures, results and wakers are foreign code, run, dropped and woken under no lock.

mod pool_side;
mod task_side;

use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::task::Waker;

use super::carried::{Carried, Rest};
use super::cell::{Beginning, Cell, Claim, Ending};
use super::{CallState, ClosureHandle, Ran, Urgency};
use crate::abandoned;
use crate::cancel_token::CancelToken;
use crate::catch::{drop_quietly, quietly};
use crate::context::{Context, in_call};
use crate::error::{Panic, TaskError};
use crate::interrupts::Interrupts;
use crate::limiter::holding;
use crate::park::is_job_awaited;

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
        let this = Self::with(closure, Carried::capture(), place, Beginning::Awaited(waker));
        if is_job_awaited() {
            this.cell.mark(Urgency::Awaited);
        }
        this
    }

    /// For `try_submit`, which wants the closure back: see [`reclaim`](Self::reclaim).
    pub(super) fn reclaimable(closure: F, place: &'static Location<'static>) -> Arc<Self> {
        Self::with(closure, Carried::capture(), place, Beginning::Underway)
    }

    /// Something that is to be done for calls, and is none itself: it puts in place by itself what is to be around it.
    /// Calls may wait for it if it `serves` them: see [`ClosureHandle::note_awaited`].
    pub(super) fn errand(closure: F, place: &'static Location<'static>, serves: bool) -> Arc<Self> {
        let errand = Self::with(closure, Carried::capture_for_errand(), place, Beginning::Plain);
        if serves {
            errand.cell.note_serving();
        }
        errand
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

    /// Why somebody else has claimed it. Where a drop comes while an abort is still at it, on another thread, it counts as the drop.
    fn unrun(&self) -> Ran {
        if self.cell.is_dismissed() {
            Ran::Dismissed
        } else if self.cell.is_abandoned() {
            Ran::Dropped
        } else {
            Ran::Cancelled
        }
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
