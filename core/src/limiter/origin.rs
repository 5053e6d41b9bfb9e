//! Where a job comes from that waits in a line, or that others like it submit: whoever hands it on has nothing to do with that, most often.

use std::cell::{Cell, RefCell};
use std::ptr;

use super::Limiter;
use super::permit::held_here;
use crate::thread_pool::employer_address;

/// What the call that has submitted a job, and waits for it most likely, was run by.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    /// The address of its pool; 0 for none.
    pool: usize,
    /// The addresses of the limiters that it holds permits of.
    held: Vec<usize>,
}

thread_local! {
    /// Whether this thread hands on a job that had waited.
    static IS_HANDING_ON: Cell<bool> = const { Cell::new(false) };
    /// Where that comes from.
    static ORIGIN: RefCell<Origin> = RefCell::new(Origin::default());
}

impl Origin {
    /// Of what is submitted here.
    pub(crate) fn here() -> Self {
        if IS_HANDING_ON.get() {
            return ORIGIN.with_borrow(Self::clone);
        }
        Self { pool: employer_address(), held: held_here() }
    }

    pub(super) fn holds(&self, limiter: &Limiter) -> bool {
        self.held.contains(&ptr::from_ref(limiter).addr())
    }
}

/// Keeps what was there before, to be put back.
struct Restore {
    was_handing_on: bool,
    origin: Option<Origin>,
}

impl Drop for Restore {
    fn drop(&mut self) {
        IS_HANDING_ON.set(self.was_handing_on);
        if let Some(origin) = self.origin.take() {
            ORIGIN.set(origin);
        }
    }
}

/// Hands a job on, to another limiter perhaps.
pub(crate) fn handing_on<R>(origin: Origin, hand_on: impl FnOnce() -> R) -> R {
    let before = ORIGIN.replace(origin);
    let _restore = Restore { was_handing_on: IS_HANDING_ON.replace(true), origin: Some(before) };
    hand_on()
}

/// Runs a call: what it submits is its own.
pub(crate) fn nowhere<R>(call: impl FnOnce() -> R) -> R {
    let _restore = Restore { was_handing_on: IS_HANDING_ON.replace(false), origin: None };
    call()
}

/// Another number for each thread that there is.
pub(super) fn this_thread() -> usize {
    IS_HANDING_ON.with(|here| ptr::from_ref(here).addr())
}

/// Where a job comes from that is being handed on here: the address of the pool whose call has submitted it, or 0. `None` for one that
/// is submitted here.
pub(crate) fn handed_on() -> Option<usize> {
    IS_HANDING_ON.get().then(|| ORIGIN.with_borrow(|origin| origin.pool))
}
