//! What a job keeps of a limiter: its place in the queue, and then its permits.

use std::cell::RefCell;
use std::ptr;

use super::{Limiter, Shared};
use crate::origin;
use crate::sync::thread_local;

/// Places under the limit, given back when dropped.
pub(crate) struct Permit {
    limiter: Shared,
    permits: usize,
    /// Lent by a call that waits for this one.
    awaited: bool,
    /// The place under the limiter that the job came through before this one.
    outer: Option<Box<Permit>>,
}

impl Permit {
    /// So many that were taken.
    pub(super) fn of(limiter: &Shared, permits: usize, awaited: bool) -> Self {
        Self { limiter: limiter.clone(), permits, awaited, outer: None }
    }

    /// Both places: this one is given back first.
    pub(crate) fn within(mut self, outer: Option<Self>) -> Self {
        self.outer = outer.map(Box::new);
        self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.give_back(self.permits, self.awaited);
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
        let permits = std::iter::successors(Some(permit), |permit| permit.outer.as_deref());
        Self(permits.map(|permit| permit.limiter.clone()).filter(Shared::step_aside).collect())
    }
}

impl Drop for StepAside {
    fn drop(&mut self) {
        self.0.iter().for_each(|limiter| limiter.step_back());
    }
}

/// Looks at the permits of the innermost call that this thread runs, which may have come through several limiters.
fn with_held<R: Default>(look: impl FnOnce(&mut dyn Iterator<Item = &Permit>) -> R) -> R {
    // Late in a thread's life it runs no call any more.
    let looked = HELD.try_with(|held| {
        let held = held.borrow();
        look(&mut std::iter::successors(held.last(), |permit| permit.outer.as_deref()))
    });
    looked.unwrap_or_default()
}

/// The limiters of those permits, by their addresses.
pub(crate) fn held_here() -> Vec<usize> {
    with_held(|held| held.map(|permit| address(&permit.limiter)).collect())
}

/// By which a limiter is told from others.
pub(super) fn address(limiter: &Limiter) -> usize {
    ptr::from_ref(limiter).addr()
}

/// Whether that call holds any.
pub(crate) fn is_any_held() -> bool {
    with_held(|held| held.next().is_some())
}

/// The permits of a call that waits for others: they may have them meanwhile (C17). Taken back when dropped, whether or
/// not there is room.
pub(crate) struct LentPermit(Vec<(Shared, usize)>);

impl LentPermit {
    /// Lends what the call holds that this thread runs, and hands on who waits for such permits.
    pub(crate) fn here() -> Self {
        let lent: Vec<_> =
            with_held(|held| held.map(|permit| (permit.limiter.clone(), permit.permits)).collect());
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
