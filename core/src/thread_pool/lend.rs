//! A call that waits for another one lends its place meanwhile (C17).
//!
//! Without that, a pool whose threads all wait for calls in its own queue would wait for ever. While a call
//! waits, its thread does not count as busy, so that another may be started in its stead; when it goes on, it
//! counts again, at once, and until the pool is back at `max_threads` no further job is started. At most
//! `max_threads` places are lent, so that the pool has no more than twice as many threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::employment::{employer, tenant};
use super::progress::Recruit;
use super::shared::{Shared, State};

/// How long a pool may look stuck before a waiting call says so.
const STUCK: Duration = Duration::from_secs(3);

/// A call that waits.
pub(crate) struct Lender {
    shared: Arc<Shared>,
    tenant: usize,
    /// Since when nothing has moved, and how many jobs had been taken then.
    stuck: Option<(Instant, u64)>,
}

/// The place of a call that waits; taken back on whatever thread: by who wakes the call.
#[must_use]
pub(crate) struct Lent {
    shared: Arc<Shared>,
    tenant: usize,
}

/// Who has to be called after a place was lent or taken back, without any lock. Nobody, by default.
#[derive(Default)]
#[must_use]
pub(crate) struct Next {
    shared: Option<Arc<Shared>>,
    recruit: Option<Recruit>,
    holds_back: bool,
}

impl Next {
    pub(crate) fn call(self) {
        let Self { shared: Some(shared), recruit, holds_back } = self else { return };
        let monitor = holds_back.then_some(Recruit::Monitor);
        for recruit in recruit.into_iter().chain(monitor) {
            shared.call_in(recruit);
        }
    }
}

impl Lender {
    /// Whether this thread runs a call of a pool of ours.
    pub(crate) fn is_here() -> bool {
        tenant().is_some()
    }

    /// The call that this thread runs; `None` on a thread that belongs to no pool of ours.
    pub(crate) fn here() -> Option<Self> {
        Some(Self { shared: employer()?, tenant: tenant()?, stuck: None })
    }

    /// Lends its place. Somebody may have to be [called](Next::call) for it then, without any lock.
    pub(crate) fn lend(&self) -> (Lent, Next) {
        let (shared, tenant) = (self.shared.clone(), self.tenant);
        let mut state = shared.lock();
        state.waits += 1;
        state.queues.begin_wait(tenant);
        state.strict = true;
        shared.recall(&mut state);
        let recruit = shared.keep_going(&mut state);
        drop(state);
        let next = Next { shared: Some(shared.clone()), recruit, holds_back: false };
        (Lent { shared, tenant }, next)
    }

    /// Whether somebody has to look, now and then, if the pool [is stuck](Self::is_stuck): more wait than can lend
    /// their places.
    pub(crate) fn needs_watching(&self) -> bool {
        let state = self.shared.lock();
        state.waits >= state.lendable
    }

    /// Whether every thread of the pool has waited for a while, with calls in the queue that one of them has submitted, and that none
    /// can take. With none of those, they wait for something else, which will end.
    pub(crate) fn is_stuck(&mut self) -> bool {
        let taken = {
            let state = self.shared.lock();
            let all_wait = state.waits > state.lent() && state.running() == state.waits;
            let for_calls = self.shared.has_work(&state) && state.queues.may_hold_up_calls();
            (all_wait && for_calls).then(|| self.shared.taken(&state))
        };
        match (taken, self.stuck) {
            (None, _) => self.stuck = None,
            (Some(taken), Some((since, before))) if taken == before => return since.elapsed() >= STUCK,
            (Some(taken), _) => self.stuck = Some((Instant::now(), taken)),
        }
        false
    }

    /// What to say then.
    pub(crate) fn stuck_text(&self) -> String {
        let max_threads = self.shared.settings.max_threads;
        format!(
            "a call would wait for ever: all threads of the pool {:?}, twice its max_threads of {max_threads}, run \
             calls that wait for others in its queue. Raise max_threads, nest calls less deeply, or \
             run the inner ones on another pool",
            self.shared.settings.name
        )
    }
}

impl Lent {
    pub(crate) fn take_back(self) -> Next {
        let Self { shared, tenant } = self;
        let mut state = shared.lock();
        state.waits -= 1;
        state.queues.end_wait(tenant);
        shared.relax(&mut state);
        // Another's turn may have been its place.
        let holds_back = shared.begins_to_hold_back(&mut state, tenant);
        // Another call that waits may lend its place now.
        let recruit = if state.waits >= state.lendable { shared.keep_going(&mut state) } else { None };
        drop(state);
        Next { shared: Some(shared), recruit, holds_back }
    }
}

impl Shared {
    /// Lets workers take jobs without a look at the counts again, when these are back in order.
    pub(super) fn relax(&self, state: &mut State) {
        if state.strict && state.waits == 0 && state.busy() <= self.settings.max_threads.get() {
            state.strict = false;
        }
    }
}
