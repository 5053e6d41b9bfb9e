//! An actor without a thread of its own: a job of some pool runs its calls, for a turn.

use std::any::Any;
use std::cell::Cell;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::mailbox::{Engine, Mailbox};
use super::turn::in_turn;
use crate::catch::{drop_quietly, quietly};
use crate::error::TaskError;
use crate::limiter::{InLine, Permit, holding};
use crate::pool::{AnyPool, Job, TURN};
use crate::task::{Ran, Runnable, Urgency};
use crate::thread_pool::{is_stopping_job, running_inside};

thread_local! {
    /// This thread is queueing up again.
    static SUBMITTING: Cell<bool> = const { Cell::new(false) };
}

/// A pool's threads, in turns.
pub(super) struct Rented {
    pub(super) pool: AnyPool,
    /// The actor's value between two calls.
    pub(super) value: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Rented {
    pub(super) fn swap(&self, value: Option<Box<dyn Any + Send>>) -> Option<Box<dyn Any + Send>> {
        std::mem::replace(&mut *self.value.lock().unwrap_or_else(PoisonError::into_inner), value)
    }
}

impl Drop for Rented {
    fn drop(&mut self) {
        drop_quietly(self.swap(None));
    }
}

impl Rented {
    /// Lets the pool run what is queued.
    pub(super) fn start(&self, mailbox: &Arc<Mailbox>) {
        if let Some(reason) = self.submit(mailbox) {
            mailbox.staff_failed(&reason);
        }
    }

    /// Queues a pump; the reason if it will not run.
    fn submit(&self, mailbox: &Arc<Mailbox>) -> Option<TaskError> {
        let pump = Arc::new(Pump { mailbox: mailbox.clone(), state: Mutex::default() });
        pump.begin_submission();
        let refused = Job::new(pump.clone()).offer(&self.pool);
        pump.settle(refused)
    }
}

/// One turn. It has no context of its own: each call brings one along.
struct Pump {
    mailbox: Arc<Mailbox>,
    state: Mutex<Underway>,
}

#[derive(Default)]
struct Underway {
    /// It has run, or its end was reported.
    done: bool,
    /// Its submitter is inside `Pool::execute`.
    submitting: bool,
    /// Why the pool gave it up meanwhile.
    given_up: Option<TaskError>,
    permit: Option<Permit>,
}

impl Pump {
    fn lock(&self) -> MutexGuard<'_, Underway> {
        // Values are moved under it, and nothing is dropped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool has answered. Returns the reason if the pump will not run.
    fn settle(&self, refused: Option<TaskError>) -> Option<TaskError> {
        let (reason, unused) = {
            let mut state = self.lock();
            state.submitting = false;
            let given_up = state.given_up.take();
            let (reason, unused) = match refused {
                Some(refused) => (Some(refused), given_up),
                None => (given_up, None),
            };
            if state.done || reason.is_none() {
                (None, reason.or(unused))
            } else {
                state.done = true;
                (reason, unused)
            }
        };
        drop_quietly(unused);
        reason
    }
}

impl Runnable for Pump {
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        let permit = {
            let mut state = self.lock();
            if std::mem::replace(&mut state.done, true) {
                return Ran::Cancelled;
            }
            state.permit.take()
        };
        let address = Arc::as_ptr(&self).addr();
        let ((), permit) = holding(permit, || self.mailbox.pump(address));
        drop_quietly(permit);
        more();
        Ran::Returned
    }

    fn refuse(&self, reason: TaskError) {
        let lost = {
            let mut state = self.lock();
            if state.done || state.submitting {
                let before = if state.done { Some(reason) } else { state.given_up.replace(reason) };
                drop(state);
                drop_quietly(before);
                return;
            }
            state.done = true;
            (reason, state.permit.take())
        };
        self.mailbox.staff_failed(&lost.0);
        drop_quietly(lost);
    }

    fn spent(&self) -> Option<Ran> {
        self.lock().done.then_some(Ran::Cancelled)
    }

    /// Nobody cancels a turn.
    fn stand_in_line(&self, _: InLine) {}

    fn carry(&self, permit: Permit) {
        let mut state = self.lock();
        if state.done {
            drop(state);
            drop_quietly(permit);
        } else {
            let outer = state.permit.take();
            state.permit = Some(permit.within(outer));
        }
    }

    fn expect_soon(&self) {}

    fn urgency(&self) -> Urgency {
        if self.mailbox.is_awaited() {
            Urgency::Awaited
        } else if self.lock().permit.is_some() {
            Urgency::Holds
        } else {
            Urgency::None
        }
    }

    fn begin_submission(&self) {
        self.lock().submitting = true;
    }

    fn end_submission(&self, refused: Option<TaskError>) {
        if let Some(reason) = self.settle(refused) {
            self.mailbox.staff_failed(&reason);
        }
    }

    fn driver(&self) -> usize {
        0
    }

    fn place(&self) -> &'static Location<'static> {
        self.mailbox.place
    }
}

impl Mailbox {
    /// Runs calls for a turn, as the pool's job at this address.
    fn pump(self: &Arc<Self>, job: usize) {
        let Engine::Pool(rented) = &self.engine else { return };
        // On a pool that runs jobs in place, queueing up again is only a deeper call.
        let in_place = SUBMITTING.replace(false);
        let mut begun = Instant::now();
        loop {
            match self.next_or_leave() {
                Ok(call) => {
                    let closure = call.address();
                    in_turn(self.address(), || running_inside(closure, || quietly(|| call.run())));
                }
                Err(closed) => {
                    if closed {
                        drop_quietly(rented.swap(None));
                    }
                    return;
                }
            }
            if is_stopping_job(job) {
                // The time of the pool's shutdown is up: what nobody has begun is not begun any more (C15).
                self.staff_failed(&TaskError::Shutdown);
                return;
            }
            if !in_place && begun.elapsed() >= TURN && self.has_work() {
                SUBMITTING.set(true);
                let refused = rented.submit(self);
                SUBMITTING.set(false);
                if refused.is_none() {
                    return;
                }
                // If the pool does not take that, this turn goes on.
                drop_quietly(refused);
                begun = Instant::now();
            }
        }
    }
}
