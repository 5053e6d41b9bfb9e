//! What a pool is given to run.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::{Pool, Refused};
use crate::catch::{catch, drop_quietly};
use crate::error::TaskError;
use crate::gather;
use crate::limiter::{InLine, Permit};
use crate::task::{Ran, Runnable, Urgency, glance};

/// A closure on its way to a thread, with everything the contract asks for around it.
///
/// Running it never panics. Dropping it unrun ends its task in [`TaskError::Shutdown`].
#[must_use = "a job that is dropped ends its task in `Shutdown`"]
pub struct Job {
    closure: Option<Arc<dyn Runnable>>,
}

impl Job {
    pub(crate) fn new(closure: Arc<dyn Runnable>) -> Self {
        Self { closure: Some(closure) }
    }

    /// Gives the closure a place under a limiter; it keeps it until it has ended, or is cancelled.
    pub(crate) fn with_permit(self, permit: Permit) -> Self {
        if let Some(closure) = &self.closure {
            closure.carry(permit);
        }
        self
    }

    /// Gives the closure its place in a limiter's queue; it keeps it until it is given a permit, or is cancelled.
    pub(crate) fn in_line(self, place: InLine) -> Self {
        if let Some(closure) = &self.closure {
            closure.stand_in_line(place);
        }
        self
    }

    /// Passes the job to a pool from a place that cannot report a refusal to the submitter: the task
    /// is told the reason instead.
    pub(crate) fn hand_on(self, pool: &dyn Pool) {
        let Some(closure) = self.closure.clone() else { return };
        closure.begin_submission();
        let refused = self.offer(pool);
        closure.end_submission(refused);
    }

    /// Gives the job to a pool, and says why that did not take it: a panic is an answer too.
    ///
    /// It has waited its turn already, so it can wait for room, too.
    pub(crate) fn offer(self, pool: &dyn Pool) -> Option<TaskError> {
        match catch(|| pool.execute_patiently(self)) {
            Ok(answer) => answer.err().map(TaskError::from),
            Err(panic) => {
                drop_quietly(panic);
                Some(TaskError::Shutdown)
            }
        }
    }

    /// Runs the closure, unless it was cancelled, on this thread. Panics are caught.
    pub fn run(mut self) {
        if let Some(closure) = self.closure.take() {
            closure.run(&mut || {});
            // Where it was submitted, perhaps.
            glance::recommend();
        }
    }

    /// Runs it, then `more` with its runtime still in place.
    pub(crate) fn run_then(mut self, more: &mut dyn FnMut()) -> Ran {
        self.closure.take().map_or(Ran::Cancelled, |closure| closure.run(more))
    }

    /// Whether calls that lend their places may wait for it.
    pub(crate) fn urgency(&self) -> Urgency {
        self.closure.as_ref().map_or(Urgency::None, |closure| closure.urgency())
    }

    /// The runtime that it runs under, by its driver's address; 0 for none.
    pub(crate) fn driver(&self) -> usize {
        self.closure.as_ref().map_or(0, |closure| closure.driver())
    }

    /// Where it was submitted.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.closure.as_ref().map_or(Location::caller(), |closure| closure.place())
    }

    /// Where its closure is; 0 if there is none. No two that are alive have the same.
    pub(crate) fn address(&self) -> usize {
        self.closure.as_ref().map_or(0, |closure| Arc::as_ptr(closure).addr())
    }

    /// A thread is looking for this very job.
    pub(crate) fn expect_soon(&self) {
        // In a gather of many, others are to be queued before anybody is waited for.
        if let Some(closure) = &self.closure
            && !gather::is_polling_many()
        {
            closure.expect_soon();
            glance::recommend();
        }
    }

    /// Ends the task in the reason, without running it.
    pub fn refuse(mut self, reason: Refused) {
        if let Some(closure) = self.closure.take() {
            closure.refuse(TaskError::from(reason));
            glance::recommend();
        }
    }

    /// Whether nothing is left to run, because the task was cancelled while it was queued.
    pub fn is_cancelled(&self) -> bool {
        self.spent().is_some()
    }

    /// What became of it, if nothing is left to run.
    pub(crate) fn spent(&self) -> Option<Ran> {
        self.closure.as_ref().map_or(Some(Ran::Cancelled), |closure| closure.spent())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(closure) = self.closure.take() {
            closure.refuse(TaskError::Shutdown);
            glance::recommend();
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}
