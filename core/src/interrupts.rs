//! What code inside a running call wants done at once when the call is cancelled: its hooks.
//!
//! ```text
//! Closure, map, thread of a pool:  Interrupts ----> Hooks  <---- the thread that runs the call
//!        (what is cancelled)                     (one for each call that asks for it, made when it does)
//! ```
//!
//! Who cancels sets its mark first, and then looks for hooks; who registers leaves its hook first, and then looks for
//! the mark. Both look under the same lock, so one of the two sees the other: either the canceller runs the hook, or it
//! runs where it was registered. Only mutexes are used, and none is held while a hook runs or is dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::catch::{drop_each, drop_quietly, quietly};

/// What runs when the call is cancelled.
pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// The hooks of the calls that one cancellation reaches. No call pays more than two words for it that asks for nothing.
#[derive(Default)]
pub(crate) struct Interrupts(Mutex<Option<Box<Calls>>>);

type Calls = Vec<Arc<Hooks>>;

impl Interrupts {
    fn lock(&self) -> MutexGuard<'_, Option<Box<Calls>>> {
        // Pointers are moved under it, and nothing else.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, hooks: Arc<Hooks>) {
        self.lock().get_or_insert_default().push(hooks);
    }

    pub(crate) fn remove(&self, hooks: &Arc<Hooks>) {
        if let Some(calls) = &mut *self.lock() {
            // Not the last handle: the caller has one.
            calls.retain(|other| !Arc::ptr_eq(other, hooks));
        }
    }

    /// After the mark was set that says that it is cancelled: runs the hooks here.
    pub(crate) fn fire(&self) {
        let calls = self.lock().as_deref().cloned();
        for hooks in calls.into_iter().flatten() {
            hooks.fire();
        }
    }
}

/// The hooks of one running call.
#[derive(Default)]
pub(crate) struct Hooks {
    state: Mutex<State>,
    /// A hook has returned.
    returned: Condvar,
}

#[derive(Default)]
struct State {
    /// In the order in which they were registered.
    waiting: VecDeque<(u64, Hook)>,
    registered: u64,
    /// The hook that a canceller is in, and the canceller's thread.
    running: Option<(u64, ThreadId)>,
    stage: Stage,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Stage {
    #[default]
    Armed,
    /// Somebody runs the hooks, or has.
    Fired,
    /// The call has ended.
    Ended,
}

impl Hooks {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Hooks are moved under it, and neither run nor dropped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a hook and gives its number; gives it back if the call is cancelled already.
    pub(crate) fn register(&self, hook: Hook, is_cancelled: impl FnOnce() -> bool) -> Result<u64, Hook> {
        let mut state = self.lock();
        if state.stage != Stage::Armed || is_cancelled() {
            return Err(hook);
        }
        state.registered += 1;
        let number = state.registered;
        state.waiting.push_back((number, hook));
        Ok(number)
    }

    /// Takes a hook back. If a canceller is in it, waits until it has returned.
    pub(crate) fn remove(&self, number: u64) {
        let mut state = self.lock();
        let place = state.waiting.iter().position(|(other, _)| *other == number);
        let hook = place.and_then(|place| state.waiting.remove(place));
        self.wait_while(state, |(running, _)| running == number);
        drop_quietly(hook);
    }

    /// The call has ended: no hook begins from now on, and none is still running when this returns.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.stage = Stage::Ended;
        let hooks = std::mem::take(&mut state.waiting);
        self.wait_while(state, |_| true);
        drop_each(hooks.into_iter());
    }

    /// Waits while another thread is in a hook that `is_meant`. A hook may itself be what drops its guard.
    fn wait_while(&self, state: MutexGuard<'_, State>, is_meant: impl Fn((u64, ThreadId)) -> bool) {
        let here = thread::current().id();
        let waiting =
            |state: &mut State| state.running.is_some_and(|running| running.1 != here && is_meant(running));
        drop(self.returned.wait_while(state, waiting).unwrap_or_else(PoisonError::into_inner));
    }

    fn fire(&self) {
        let mut state = self.lock();
        if state.stage != Stage::Armed {
            return;
        }
        state.stage = Stage::Fired;
        while let Some((number, hook)) = state.waiting.pop_front() {
            state.running = Some((number, thread::current().id()));
            drop(state);
            quietly(hook);
            state = self.lock();
            state.running = None;
            self.returned.notify_all();
        }
    }
}
