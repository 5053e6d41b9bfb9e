//! A call that waits for another one lends its place meanwhile (C17).
//!
//! Without that, a pool whose threads all wait for calls in its own queue would wait for ever. While a call
//! waits, its thread does not count as busy, so that another may be started in its stead; when it goes on, it
//! counts again, at once, and until the pool is back at `max_threads` no further job is started. At most
//! `max_threads` places are lent. When those have come to wait as well, one more thread serves all of them, or two: see
//! `State::recruit_for_calls`. So the pool has no more than twice as many threads, and those two.

use std::sync::Arc;
use std::time::Duration;

use super::employment::{employer, tenant};
use super::progress::Recruit;
use super::shared::{Shared, State};
use super::sync::Instant;

/// How long a pool may look stuck before a waiting call says so.
const STUCK: Duration = Duration::from_secs(3);

/// A call that waits.
pub(crate) struct Lender {
    shared: Arc<Shared>,
    tenant: usize,
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
        Some(Self { shared: employer()?, tenant: tenant()? })
    }

    /// Lends its place. Somebody may have to be [called](Next::call) for it then, without any lock.
    pub(crate) fn lend(&self) -> (Lent, Next) {
        let (shared, tenant) = (self.shared.clone(), self.tenant);
        let mut state = shared.lock();
        state.waits += 1;
        state.queues.begin_wait(tenant);
        state.strict = true;
        shared.recall(&mut state);
        state.search_for_calls();
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

    /// Whether every thread of the pool has waited for a while, with jobs in the queue that the calls may wait for, and that none
    /// can take. With none of those, they wait for something else, which will end; or so it is taken to be. For it may be another job
    /// whose part in it cannot be seen: after a while the next one is run as if it was waited for, if there is a thread left.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut state = self.shared.lock();
        // More wait than can lend their places: also where no other thread was to be had.
        let nobody_runs = state.waits > state.lent() && state.running() == state.waits;
        if !nobody_runs || !self.shared.has_work(&state) {
            state.stuck = None;
            return false;
        }
        state.search_for_calls();
        let taken = self.shared.taken(&state);
        let (since, before) = *state.stuck.get_or_insert_with(|| (Instant::now(), taken));
        // Nobody is on the way either.
        let is_over = since.elapsed() >= STUCK && state.growth.searching == 0;
        let is_stuck = before == taken && is_over && state.queues.may_hold_up_calls();
        if before != taken || is_over {
            // One call says so, and one job is run as if it was waited for: for all of them.
            state.stuck = None;
        }
        if before == taken && is_over && !is_stuck && state.is_anybody_left() {
            state.queues.promote_next();
        }
        self.shared.go_on(state);
        is_stuck
    }

    /// What to say then.
    pub(crate) fn stuck_text(&self) -> String {
        let max_threads = self.shared.settings.max_threads;
        format!(
            "a call would wait for ever: all threads of the pool {:?}, twice its max_threads of {max_threads} and two, run \
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
