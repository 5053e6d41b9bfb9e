//! What a job keeps of a limiter: its place in the queue, and then its permits.

use std::cell::{Cell, RefCell};
use std::ptr;

use super::{Limiter, Shared};

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
    /// While this thread hands on a job that had waited: whether that is nested.
    static HANDING_ON: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Runs a call, which does not unwind, that holds `permit`, and gives that back.
pub(crate) fn holding<R>(permit: Option<Permit>, call: impl FnOnce() -> R) -> (R, Option<Permit>) {
    let Some(permit) = permit else { return (call(), None) };
    HELD.with_borrow_mut(|held| held.push(permit));
    let result = call();
    (result, HELD.with_borrow_mut(Vec::pop))
}

/// Looks at the permits of the innermost call that this thread runs, which may have come through several limiters.
fn with_held<R>(look: impl FnOnce(&mut dyn Iterator<Item = &Permit>) -> R) -> R {
    HELD.with_borrow(|held| look(&mut std::iter::successors(held.last(), |permit| permit.outer.as_deref())))
}

/// Whether that call holds any.
pub(crate) fn is_any_held() -> bool {
    HELD.with_borrow(|held| !held.is_empty())
}

/// Hands a job on, to another limiter perhaps. This thread may have nothing to do with who submitted it, `nested` or not.
pub(super) fn handing_on<R>(nested: bool, hand_on: impl FnOnce() -> R) -> R {
    struct Restore(Option<bool>);

    impl Drop for Restore {
        fn drop(&mut self) {
            HANDING_ON.set(self.0);
        }
    }

    let _restore = Restore(HANDING_ON.replace(Some(nested)));
    hand_on()
}

/// While this thread hands on a job that had waited: whether that is nested.
pub(crate) fn handed_on() -> Option<bool> {
    HANDING_ON.get()
}

/// Whether what is submitted here comes from a call that holds some of this limiter, and waits for it, most likely.
pub(super) fn is_nested(limiter: &Limiter) -> bool {
    let holds = |permit: &Permit| ptr::eq(&*permit.limiter, limiter);
    handed_on().unwrap_or_else(|| with_held(|mut held| Iterator::any(&mut held, holds)))
}

/// The permits of a call that waits for others: they may have them meanwhile (C17). Taken back when dropped, whether or
/// not there is room.
pub(crate) struct LentPermit(Vec<(Shared, usize)>);

impl LentPermit {
    /// Lends what the call holds that this thread runs, and hands on who waits for such permits.
    pub(crate) fn here() -> Self {
        let lent = with_held(|held| held.map(|permit| (permit.limiter.clone(), permit.permits)).collect());
        let lent = Self(lent);
        for (limiter, permits) in &lent.0 {
            let mut state = limiter.lock();
            state.taken -= permits;
            state.lent += permits;
            drop(state);
            limiter.pump();
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
