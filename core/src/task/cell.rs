//! What a pool and a task share of a closure: first the closure, later its result, and the waker of who
//! awaits it.
//!
//! One word of state says who may touch what. It replaces a mutex that was taken and released four times
//! for each call: see `docs/ARCHITECTURE.md`, "Unsafe code", for the figures.
//!
//! # Who owns what
//!
//! | field | owner |
//! |---|---|
//! | payload, not `CLAIMED` | nobody: it is read by no one until somebody claims it |
//! | payload, `CLAIMED` and not `FINISHED` | whoever set `CLAIMED` |
//! | payload, `FINISHED` | the task; if `ABANDONED` was set before, whoever set `FINISHED` |
//! | waker, not `WAKER` | the task |
//! | waker, `WAKER` and not `FINISHED` | nobody: the task takes it back by clearing the bit |
//! | waker, `WAKER` set when `FINISHED` was set | whoever set `FINISHED` |
//!
//! "The task" is the one [`Task`](crate::Task) of the closure: its `poll` and `drop` need it mutably, so that
//! there is one such thread at a time. Each bit is set once and stays, but for `WAKER`, `UNDERWAY`, `SOON`, and
//! `CLAIMED` in [`Cell::edit`].

#![expect(unsafe_code, reason = "a mutex in its place costs four lock operations a call: see the figures")]

#[cfg(all(test, loom))]
mod models;

use std::mem;
use std::task::{Poll, Waker};

use super::Urgency;
use crate::catch::drop_quietly;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU16, Ordering};

/// Somebody runs or ends the closure.
const CLAIMED: u16 = 1;
/// The result is in the payload, or was.
const FINISHED: u16 = 1 << 1;
/// There is a waker to be called at the end.
const WAKER: u16 = 1 << 2;
/// The task is gone.
const ABANDONED: u16 = 1 << 3;
/// Somebody asked it to end.
const CANCELLED: u16 = 1 << 4;
/// The submitter is inside `Pool::execute`: a refusal is its own affair.
const UNDERWAY: u16 = 1 << 5;
/// Claimed by a pool that gave the closure up while its submission was underway.
const GIVEN_UP: u16 = 1 << 6;
/// A thread was looking for this very closure.
const SOON: u16 = 1 << 7;
/// A call that lends its place waits for it, or may.
const AWAITED: u16 = 1 << 8;
/// It has a limiter's permit.
const HOLDS: u16 = 1 << 9;
/// Nobody needs it any more, and nobody has cancelled it either.
const DISMISSED: u16 = 1 << 10;
/// It runs what many wait for.
const SERVES: u16 = 1 << 11;

/// `Q` is what is queued, `R` what it ends in.
pub(super) struct Cell<Q, R> {
    state: AtomicU16,
    payload: UnsafeCell<Payload<Q, R>>,
    waker: UnsafeCell<Option<Waker>>,
}

/// What is known of a closure when it is made.
pub(super) enum Beginning {
    Plain,
    /// If its pool gives it up before it has answered, that is no end yet: see `reclaim` of the closure.
    Underway,
    /// The task has been polled, and this is whom to wake.
    Awaited(Waker),
}

enum Payload<Q, R> {
    Queued(Q),
    Finished(R),
    Empty,
}

// SAFETY: the payload and the waker are handed from thread to thread by the state, and no two threads
// have a reference to them at the same time.
unsafe impl<Q: Send, R: Send> Sync for Cell<Q, R> {}

/// What the end of a closure leaves to be done.
#[must_use]
pub(super) struct Ending<R> {
    /// Whom to wake.
    pub(super) waker: Option<Waker>,
    /// The result, if nobody wants it.
    pub(super) unwanted: Option<R>,
    /// Somebody had asked it to end.
    pub(super) cancelled: bool,
}

/// What became of a claim.
pub(super) enum Claim<Q> {
    Won(Q),
    Lost,
}

impl<Q, R> Cell<Q, R> {
    pub(super) fn new(queued: Q, beginning: Beginning) -> Self {
        let (state, waker) = match beginning {
            Beginning::Plain => (0, None),
            Beginning::Underway => (UNDERWAY, None),
            Beginning::Awaited(waker) => (WAKER, Some(waker)),
        };
        Self {
            state: AtomicU16::new(state),
            payload: UnsafeCell::new(Payload::Queued(queued)),
            waker: UnsafeCell::new(waker),
        }
    }

    /// SAFETY: the caller owns the payload, by the table above.
    unsafe fn replace_payload(&self, payload: Payload<Q, R>) -> Payload<Q, R> {
        // SAFETY: the owner alone has access, for as long as the closure below runs.
        self.payload.with_mut(|place| unsafe { mem::replace(&mut *place, payload) })
    }

    /// SAFETY: the caller owns the waker, by the table above.
    unsafe fn replace_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: as in `replace_payload`.
        self.waker.with_mut(|place| unsafe { mem::replace(&mut *place, waker) })
    }

    /// SAFETY: the caller owns the payload, which is what is queued.
    unsafe fn take_queued(&self) -> Claim<Q> {
        // SAFETY: the caller's promise.
        match unsafe { self.replace_payload(Payload::Empty) } {
            Payload::Queued(queued) => Claim::Won(queued),
            _ => unreachable!("what is claimed first is queued"),
        }
    }

    /// Takes out what is queued, to run it or to end it. One caller wins.
    pub(super) fn claim(&self) -> Claim<Q> {
        // ORDERING: Acquire pairs with the Release of `edit`; what the submitter wrote comes through the
        // pool's own synchronization, or from this thread.
        if self.state.fetch_or(CLAIMED, Ordering::Acquire) & CLAIMED != 0 {
            return Claim::Lost;
        }
        // SAFETY: this set `CLAIMED`.
        unsafe { self.take_queued() }
    }

    /// Changes what is queued. `false` if somebody has claimed it.
    ///
    /// If it is cancelled meanwhile, the canceller leaves it to this thread: it is given back then.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Q)) -> Result<bool, Q> {
        // ORDERING: Acquire, as in `claim`.
        if self.state.fetch_or(CLAIMED, Ordering::Acquire) & CLAIMED != 0 {
            return Ok(false);
        }
        self.payload.with_mut(|place| {
            // SAFETY: this set `CLAIMED`.
            if let Payload::Queued(queued) = unsafe { &mut *place } {
                change(queued);
            }
        });
        let mut state = self.state.load(Ordering::Relaxed);
        while state & CANCELLED == 0 {
            // ORDERING: Release pairs with the Acquire of the next claim. On failure the state says that
            // it was cancelled, or something that concerns the task alone.
            let unclaimed = self.state.compare_exchange_weak(
                state,
                state & !CLAIMED,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match unclaimed {
                Ok(_) => return Ok(true),
                Err(now) => state = now,
            }
        }
        // SAFETY: `CLAIMED` is still set, by this.
        match unsafe { self.take_queued() } {
            Claim::Won(queued) => Err(queued),
            Claim::Lost => unreachable!("a claim of our own"),
        }
    }

    /// Delivers the result. Once, by who has claimed.
    pub(super) fn finish(&self, result: R) -> Ending<R> {
        // SAFETY: the caller has claimed, and this is not finished: see the assertion.
        let old = unsafe { self.replace_payload(Payload::Finished(result)) };
        debug_assert!(matches!(old, Payload::Empty), "finished once, after a claim");
        // ORDERING: AcqRel: Release hands payload and all that the closure did to the task's Acquire in
        // `poll`; Acquire pairs with the Release of the poll that left its waker.
        let before = self.state.fetch_or(FINISHED, Ordering::AcqRel);
        // SAFETY: `WAKER` was set when `FINISHED` was: the waker is this thread's.
        let waker = if before & WAKER == 0 { None } else { unsafe { self.replace_waker(None) } };
        let mut unwanted = None;
        if before & ABANDONED != 0 {
            // SAFETY: the task is gone, so the payload is this thread's.
            if let Payload::Finished(result) = unsafe { self.replace_payload(Payload::Empty) } {
                unwanted = Some(result);
            }
        }
        Ending { waker, unwanted, cancelled: before & CANCELLED != 0 }
    }

    /// The result, or `waker` is called when it is there.
    ///
    /// # Safety
    ///
    /// For the task alone, which does not call this again after it was ready.
    pub(super) unsafe fn poll(&self, waker: &Waker) -> Poll<R> {
        // ORDERING: Acquire pairs with the Release of `finish`.
        let state = self.state.load(Ordering::Acquire);
        if state & FINISHED != 0 {
            // SAFETY: finished and not abandoned, so the payload is the task's.
            return Poll::Ready(unsafe { self.take_result() });
        }
        let mut old = None;
        if state & WAKER != 0 {
            // ORDERING: Acquire pairs with the Release of `finish`, if it has come; the waker was written
            // by the task itself.
            if self.state.fetch_and(!WAKER, Ordering::Acquire) & FINISHED != 0 {
                // SAFETY: as above. The waker stays with who finished.
                return Poll::Ready(unsafe { self.take_result() });
            }
            // SAFETY: `WAKER` is cleared and was not there to be seen at the end: the waker is the task's.
            old = unsafe { self.replace_waker(None) };
        }
        let fresh = match old {
            Some(old) if old.will_wake(waker) => old,
            // Both are foreign code; neither leaves anything behind if it panics.
            old => {
                drop_quietly(old);
                waker.clone()
            }
        };
        // SAFETY: `WAKER` is not set: the waker is the task's.
        unsafe { self.replace_waker(Some(fresh)) };
        // ORDERING: AcqRel: Release hands the waker to `finish`; Acquire pairs with its Release, if it has come.
        if self.state.fetch_or(WAKER, Ordering::AcqRel) & FINISHED != 0 {
            // SAFETY: `FINISHED` was set without `WAKER`: both are the task's.
            let (fresh, result) = unsafe { (self.replace_waker(None), self.take_result()) };
            drop_quietly(fresh);
            return Poll::Ready(result);
        }
        Poll::Pending
    }

    /// SAFETY: the caller is the task, and `FINISHED` was read with Acquire.
    unsafe fn take_result(&self) -> R {
        // SAFETY: the caller's promise.
        match unsafe { self.replace_payload(Payload::Empty) } {
            Payload::Finished(result) => result,
            _ => unreachable!("polled again after it was ready"),
        }
    }

    /// The result, if it is there: for the submitter, as long as nobody else knows the task.
    ///
    /// # Safety
    ///
    /// As [`poll`](Self::poll).
    pub(super) unsafe fn edit_result(&self, change: impl FnOnce(&mut R)) {
        if self.is_finished() {
            self.payload.with_mut(|place| {
                // SAFETY: finished, so the payload is the task's, which the caller stands for.
                if let Payload::Finished(result) = unsafe { &mut *place } {
                    change(result);
                }
            });
        }
    }

    /// Asks it to end, and claims it if nobody has.
    pub(super) fn cancel(&self) -> Claim<Q> {
        // ORDERING: Acquire, as in `claim`. Release, too: `edit` leaves the rest to who cancels or sees it.
        if self.state.fetch_or(CANCELLED | CLAIMED, Ordering::AcqRel) & CLAIMED != 0 {
            return Claim::Lost;
        }
        // SAFETY: this set `CLAIMED`.
        unsafe { self.take_queued() }
    }

    /// The task's last act: cancels, and nobody wants the result. Gives back what is left of the closure, and
    /// the result if it is there.
    ///
    /// # Safety
    ///
    /// For the task alone, which uses nothing of this afterwards.
    pub(super) unsafe fn abandon(&self) -> (Claim<Q>, Option<R>) {
        // ORDERING: Acquire pairs with the Release of `finish`, as in `poll`. Relaxed would do for `WAKER`: whether the task has left one
        // is its own knowledge.
        let state = self.state.load(Ordering::Acquire);
        if state & FINISHED != 0 {
            // Not marked as abandoned: what has ended before, by an abort for one, was not cancelled by this.
            // SAFETY: finished before it was abandoned: the payload is the task's. The waker stays with who finished.
            return (Claim::Lost, unsafe { self.take_leftover() });
        }
        if state & WAKER != 0
            // ORDERING: Acquire pairs with the Release of `finish`, as in `poll`.
            && self.state.fetch_and(!WAKER, Ordering::Acquire) & FINISHED == 0
        {
            // SAFETY: the waker is the task's again, as in `poll`.
            let waker = unsafe { self.replace_waker(None) };
            drop_quietly(waker);
        }
        // ORDERING: AcqRel: Acquire as in `claim` and pairing with `finish`; Release for `edit`, as in `cancel`.
        let before = self.state.fetch_or(ABANDONED | CANCELLED | CLAIMED, Ordering::AcqRel);
        if before & CLAIMED == 0 {
            // SAFETY: this set `CLAIMED`.
            return (unsafe { self.take_queued() }, None);
        }
        if before & FINISHED == 0 {
            return (Claim::Lost, None);
        }
        // SAFETY: as above.
        (Claim::Lost, unsafe { self.take_leftover() })
    }

    /// The result; taken already, it is empty.
    ///
    /// SAFETY: as [`take_result`](Self::take_result).
    unsafe fn take_leftover(&self) -> Option<R> {
        // SAFETY: the caller's promise.
        match unsafe { self.replace_payload(Payload::Empty) } {
            Payload::Finished(result) => Some(result),
            _ => None,
        }
    }

    /// For a pool that gives it up: claims it; but while its submission is underway, leaves it there, with a
    /// change made, for the submitter to find.
    pub(super) fn give_up(&self, change: impl FnOnce(&mut Q)) -> Claim<Q> {
        // ORDERING: Acquire, as in `claim`.
        let before = self.state.fetch_or(CLAIMED, Ordering::Acquire);
        if before & CLAIMED != 0 {
            return Claim::Lost;
        }
        if before & UNDERWAY != 0 {
            self.payload.with_mut(|place| {
                // SAFETY: this set `CLAIMED`.
                if let Payload::Queued(queued) = unsafe { &mut *place } {
                    change(queued);
                }
            });
            // ORDERING: AcqRel: Release hands the payload to the submitter's Acquire in `end_submission`.
            if self.state.fetch_or(GIVEN_UP, Ordering::AcqRel) & UNDERWAY != 0 {
                return Claim::Lost;
            }
        }
        // SAFETY: this set `CLAIMED`, and no submitter has seen `GIVEN_UP`.
        unsafe { self.take_queued() }
    }

    pub(super) fn begin_submission(&self) {
        // ORDERING: Relaxed: the submitter's own mark, handed to the pool with the job.
        self.state.fetch_or(UNDERWAY, Ordering::Relaxed);
    }

    /// Gives back what the pool gave up meanwhile.
    pub(super) fn end_submission(&self) -> Claim<Q> {
        // ORDERING: AcqRel pairs with `give_up`: one of the two sees the other.
        // Of two submitters, one behind the other, the first to get here has it: `GIVEN_UP` stays.
        let both = UNDERWAY | GIVEN_UP;
        if self.state.fetch_and(!UNDERWAY, Ordering::AcqRel) & both != both {
            return Claim::Lost;
        }
        // SAFETY: `GIVEN_UP` was set while the submission was underway: the payload was left to this thread.
        unsafe { self.take_queued() }
    }

    pub(super) fn is_claimed(&self) -> bool {
        // ORDERING: Relaxed: a hint for a pool that clears away what is spent.
        self.state.load(Ordering::Relaxed) & CLAIMED != 0
    }

    pub(super) fn is_finished(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `finish`.
        self.state.load(Ordering::Acquire) & FINISHED != 0
    }

    pub(super) fn is_cancelled(&self) -> bool {
        // ORDERING: Relaxed: it is advice, and publishes nothing.
        self.state.load(Ordering::Relaxed) & CANCELLED != 0
    }

    pub(super) fn is_abandoned(&self) -> bool {
        // ORDERING: Relaxed: for the books.
        self.state.load(Ordering::Relaxed) & ABANDONED != 0
    }

    /// Whatever is left in it, for the end of the cell.
    pub(super) fn clear(&mut self) -> Option<impl Sized + use<Q, R>> {
        // SAFETY: `&mut self`: nobody else has access.
        match unsafe { self.replace_payload(Payload::Empty) } {
            Payload::Empty => None,
            left => Some(left),
        }
    }

    pub(super) fn note_serving(&self) {
        // ORDERING: Relaxed, a hint.
        self.state.fetch_or(SERVES, Ordering::Relaxed);
    }

    pub(super) fn is_serving(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        self.state.load(Ordering::Relaxed) & SERVES != 0
    }

    pub(super) fn note_dismissed(&self) {
        // ORDERING: Relaxed: for the books, and before the claim by which it ends.
        self.state.fetch_or(DISMISSED, Ordering::Relaxed);
    }

    pub(super) fn is_dismissed(&self) -> bool {
        // ORDERING: Relaxed: for the books.
        self.state.load(Ordering::Relaxed) & DISMISSED != 0
    }

    pub(super) fn mark(&self, urgency: Urgency) {
        if self.urgency() < urgency {
            // ORDERING: Relaxed, a hint.
            self.state.fetch_or(if urgency == Urgency::Awaited { AWAITED } else { HOLDS }, Ordering::Relaxed);
        }
    }

    pub(super) fn urgency(&self) -> Urgency {
        // ORDERING: Relaxed, a hint.
        match self.state.load(Ordering::Relaxed) {
            state if state & AWAITED != 0 => Urgency::Awaited,
            state if state & HOLDS != 0 => Urgency::Holds,
            _ => Urgency::None,
        }
    }

    pub(super) fn expect_soon(&self) {
        // ORDERING: Relaxed, a hint.
        self.state.fetch_or(SOON, Ordering::Relaxed);
    }

    /// Whether it was expected soon; once.
    pub(super) fn was_expected_soon(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        self.state.load(Ordering::Relaxed) & SOON != 0
            && self.state.fetch_and(!SOON, Ordering::Relaxed) & SOON != 0
    }
}
