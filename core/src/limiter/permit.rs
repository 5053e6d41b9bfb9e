//! What a job keeps of a limiter: its place in the queue, and then its permits.

use std::cell::{Cell, RefCell};
use std::ptr;

use super::{Limiter, Shared};
use crate::origin;
use crate::sync::thread_local;

/// Places under limits, given back when dropped.
pub(crate) struct Permit {
    /// There until it is put within another one, or dropped.
    place: Option<Place>,
    /// Under the limiters that the job came through before.
    outer: Vec<Place>,
}

/// Under one limiter.
struct Place {
    limiter: Shared,
    permits: usize,
    /// Lent by a call that waits for this one.
    awaited: bool,
}

impl Permit {
    /// So many that were taken.
    pub(super) fn of(limiter: &Shared, permits: usize, awaited: bool) -> Self {
        let place = Place { limiter: limiter.clone(), permits, awaited };
        Self { place: Some(place), outer: Vec::new() }
    }

    /// Both places: this one is given back first.
    pub(crate) fn within(mut self, outer: Option<Self>) -> Self {
        if let Some(mut outer) = outer {
            self.outer.extend(outer.place.take());
            self.outer.append(&mut outer.outer);
        }
        self
    }

    /// The innermost first.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.place.iter().chain(&self.outer)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let is_awaited: Vec<_> =
            self.places().filter(|place| place.limiter.give_back(place.permits, place.awaited)).collect();
        // When all are back: to hand on may be to run a call here, which takes its time, and waits for one of these perhaps.
        for place in is_awaited {
            place.limiter.pump();
        }
    }
}

/// A job's place in a limiter's queue, which the job keeps. If it is dropped there, the job was cancelled: those behind it
/// may have waited for nothing else.
pub(crate) struct InLine(Option<Shared>);

impl InLine {
    pub(super) fn of(limiter: &Shared) -> Self {
        Self(Some(limiter.clone()))
    }

    /// The job has left the queue by having its turn.
    pub(crate) fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        if let Some(limiter) = self.0.take() {
            limiter.pump();
        }
    }
}

thread_local! {
    /// The permits of the calls that this thread is running, the innermost call's last.
    static HELD: RefCell<Vec<Permit>> = const { RefCell::new(Vec::new()) };
    /// So many of them, the first, are those of calls that wait already, and that have run another one in place meanwhile.
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// A call on this thread waits, until this is dropped: its permits, and those of the calls around it, are its own to be lent.
pub(crate) struct WaitUnder {
    before: usize,
}

impl WaitUnder {
    pub(crate) fn begin() -> Self {
        let held = HELD.try_with(|held| held.borrow().len()).unwrap_or(0);
        Self { before: WAITING.with(|waiting| waiting.replace(held)) }
    }
}

impl Drop for WaitUnder {
    fn drop(&mut self) {
        WAITING.with(|waiting| waiting.set(self.before));
    }
}

/// Runs a call, which does not unwind, that holds `permit`, and gives that back.
pub(crate) fn holding<R>(permit: Option<Permit>, call: impl FnOnce() -> R) -> (R, Option<Permit>) {
    let Some(permit) = permit else { return (call(), None) };
    let aside = StepAside::of(&permit);
    let mut kept = Some(permit);
    // Late in the thread's life, when what it has kept is dropped, there is no such place any more.
    let is_held = HELD.try_with(|held| held.borrow_mut().extend(kept.take())).is_ok();
    // A pool may run it where it was handed on.
    let result = origin::nowhere(call);
    let held = if is_held { HELD.try_with(|held| held.borrow_mut().pop()).ok().flatten() } else { kept };
    drop(aside);
    (result, held)
}

/// While a call runs that this thread hands on, in place, others hand on under its limiters.
struct StepAside(Vec<Shared>);

impl StepAside {
    fn of(permit: &Permit) -> Self {
        if !origin::is_handing_on() {
            return Self(Vec::new());
        }
        Self(permit.places().map(|place| place.limiter.clone()).filter(Shared::step_aside).collect())
    }
}

impl Drop for StepAside {
    fn drop(&mut self) {
        self.0.iter().for_each(|limiter| limiter.step_back());
    }
}

/// Looks at the permits of the calls that this thread runs, the innermost call's first, without the outermost ones, so many: the others
/// wait with that one.
fn with_held<R: Default>(without: usize, look: impl FnOnce(&mut dyn Iterator<Item = &Place>) -> R) -> R {
    // Late in a thread's life it runs no call any more.
    let looked = HELD.try_with(|held| {
        let held = held.borrow();
        let rest = held.get(without..).unwrap_or_default();
        look(&mut rest.iter().rev().flat_map(Permit::places))
    });
    looked.unwrap_or_default()
}

/// The limiters of those permits, by their addresses.
pub(crate) fn held_here() -> Vec<usize> {
    with_held(0, |held| held.map(|place| address(&place.limiter)).collect())
}

/// By which a limiter is told from others.
pub(super) fn address(limiter: &Limiter) -> usize {
    ptr::from_ref(limiter).addr()
}

/// Whether such a call holds any.
pub(crate) fn is_any_held() -> bool {
    with_held(0, |held| held.next().is_some())
}

/// The permits of a call that waits for others: they may have them meanwhile (C17). Taken back when dropped, whether or
/// not there is room.
pub(crate) struct LentPermit(Vec<(Shared, usize)>);

impl LentPermit {
    /// Lends what the calls hold that this thread runs, but for those that had come to wait before, and hands on who waits for such
    /// permits.
    pub(crate) fn here(wait: &WaitUnder) -> Self {
        let lent: Vec<_> =
            with_held(wait.before, |held| held.map(|place| (place.limiter.clone(), place.permits)).collect());
        let lent = Self(lent);
        for (limiter, permits) in &lent.0 {
            let mut state = limiter.lock();
            state.taken -= permits;
            state.lent += permits;
            drop(state);
            limiter.pump_before_waiting();
        }
        lent
    }
}

impl Drop for LentPermit {
    fn drop(&mut self) {
        for (limiter, permits) in &self.0 {
            let mut state = limiter.lock();
            state.taken += permits;
            state.lent -= permits;
        }
    }
}
