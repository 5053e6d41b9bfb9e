//! Where a job comes from that waits in a line, or that others like it submit: whoever hands it on has nothing to do with that, most often.

use std::cell::{Cell, RefCell};
use std::ptr;

use crate::limiter::held_here;
use crate::sync::thread_local;
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
    static ORIGIN: RefCell<Origin> = const { RefCell::new(Origin { pool: 0, held: Vec::new() }) };
}

/// Late in a thread's life, when what it has kept is dropped, it has gone; and what is handed on then comes from nowhere.
fn with_origin<R: Default>(look: impl FnOnce(&RefCell<Origin>) -> R) -> R {
    ORIGIN.try_with(look).unwrap_or_default()
}

impl Origin {
    /// Of what is submitted here.
    pub(crate) fn here() -> Self {
        if is_handing_on() {
            return with_origin(|origin| origin.borrow().clone());
        }
        Self { pool: employer_address(), held: held_here() }
    }

    /// Permits of the limiter at this address.
    pub(crate) fn holds(&self, limiter: usize) -> bool {
        self.held.contains(&limiter)
    }
}

/// Keeps what was there before, to be put back.
struct Restore {
    was_handing_on: bool,
    origin: Option<Origin>,
}

impl Drop for Restore {
    fn drop(&mut self) {
        IS_HANDING_ON.with(|here| here.set(self.was_handing_on));
        if let Some(origin) = self.origin.take() {
            with_origin(|here| here.replace(origin));
        }
    }
}

/// Hands a job on, to another limiter perhaps.
pub(crate) fn handing_on<R>(origin: Origin, hand_on: impl FnOnce() -> R) -> R {
    let before = with_origin(|here| here.replace(origin));
    let was_handing_on = IS_HANDING_ON.with(|here| here.replace(true));
    let _restore = Restore { was_handing_on, origin: Some(before) };
    hand_on()
}

/// Runs a call: what it submits is its own.
pub(crate) fn nowhere<R>(call: impl FnOnce() -> R) -> R {
    let was_handing_on = IS_HANDING_ON.with(|here| here.replace(false));
    let _restore = Restore { was_handing_on, origin: None };
    call()
}

/// Whether this thread hands on a job that had waited, and has not begun to run it.
pub(crate) fn is_handing_on() -> bool {
    IS_HANDING_ON.with(Cell::get)
}

/// Another number for each thread that there is.
pub(crate) fn this_thread() -> usize {
    IS_HANDING_ON.with(|here| ptr::from_ref(here).addr())
}

/// Where a job comes from that is being handed on here: the address of the pool whose call has submitted it, or 0. `None` for one that
/// is submitted here.
pub(crate) fn handed_on() -> Option<usize> {
    is_handing_on().then(|| with_origin(|origin| origin.borrow().pool))
}
