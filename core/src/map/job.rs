//! A job of the map in its pool: a runner, or the watcher.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::batch::{Hub, Shared};
use crate::error::TaskError;
use crate::origin::{handing_on, nowhere};
use crate::pool::{Job, Pool};
use crate::task::{Awaiter, Handle};

thread_local! {
    /// This thread is submitting a job from within another one.
    static SUBMITTING: Cell<bool> = const { Cell::new(false) };
}

/// Counts a job as queued until it begins, or is dropped without.
pub(super) struct Ticket<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    shared: Arc<Shared<I, F, T>>,
    queued: bool,
}

impl<I, F, T> Ticket<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    pub(super) fn new(shared: Arc<Shared<I, F, T>>) -> Self {
        shared.lock().queued += 1;
        Self { shared, queued: true }
    }

    /// The job begins: `enter` runs in the same breath, so that a map is never seen with nobody at it, nor with a runner
    /// too many, for whom the watcher would find no room.
    pub(super) fn begin<R>(mut self, enter: impl FnOnce(&mut Hub<I, F>) -> R) -> (Arc<Shared<I, F, T>>, R) {
        self.queued = false;
        let entered = {
            let mut hub = self.shared.lock();
            hub.queued -= 1;
            enter(&mut hub)
        };
        (self.shared.clone(), entered)
    }
}

impl<I, F, T> Drop for Ticket<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        if self.queued {
            self.shared.lock().queued -= 1;
        }
    }
}

/// Puts back what was there before.
struct Submitting(bool);

impl Drop for Submitting {
    fn drop(&mut self) {
        SUBMITTING.set(self.0);
    }
}

/// Gives a job to the pool. An error means that it will not run. Calls may wait for it if it `serves` them.
pub(super) fn submit<I, F, T>(
    shared: &Arc<Shared<I, F, T>>,
    job: impl FnOnce() + Send + 'static,
    serves: bool,
) -> Result<(), TaskError>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let submitting = Submitting(SUBMITTING.replace(true));
    // A pool may run it here and now, and what it submits is its own then.
    let (mut awaiter, closure) = Awaiter::errand(move || nowhere(job), shared.place, serves);
    if shared.is_awaited() {
        awaiter.note_awaited();
    }
    // Somebody awaits the map, so it can wait for room in a full queue (C14).
    let answer = handing_on(shared.origin.clone(), || shared.tenant().execute_patiently(Job::new(closure)));
    awaiter.answered(answer);
    drop(submitting);
    match awaiter.poll(&mut Context::from_waker(&shared.waker()), false) {
        Poll::Ready(answer) => answer,
        Poll::Pending => {
            shared.keep(awaiter);
            Ok(())
        }
    }
}

/// Whether this job is run by its own submitter, inside [`submit`]: on a pool that runs jobs in place.
pub(super) fn is_in_place() -> bool {
    SUBMITTING.get()
}

/// In what a job that is finished has ended.
pub(super) fn ended(mut job: Awaiter<()>) -> Option<Result<(), TaskError>> {
    match job.poll(&mut Context::from_waker(Waker::noop()), false) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}
