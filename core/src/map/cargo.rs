//! What a job of the map has around it while it runs items (C34), and the map's end, which waits until all of it has gone.
//!
//! A job is an errand: it puts its cargo in place by itself and takes its leave of the map after that. With the call's
//! own means, what was carried would go after the job has ended, when the results may have been seen.

use std::sync::Arc;

use super::batch::Shared;
use crate::error::Panic;
use crate::task::Surroundings;

/// Dropped in this order.
pub(super) struct Cargo<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    surroundings: Surroundings,
    /// None for nothing: the end need not wait for a job that brings nothing along.
    brake: Option<Brake<I, F, T>>,
}

impl<I, F, T> Cargo<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    /// Taken at the submission. The submitter holds the map's end up.
    pub(super) fn load(shared: &Arc<Shared<I, F, T>>) -> Self {
        let surroundings = Surroundings::capture();
        if surroundings.is_nothing() {
            return Self { surroundings, brake: None };
        }
        match Brake::new(shared) {
            Some(brake) => Self { surroundings, brake: Some(brake) },
            // It has nothing left to run, and nothing is to outlive the end.
            None => Self { surroundings: Surroundings::none(), brake: None },
        }
    }

    /// Runs `f` inside, which tells of each item by itself. All of it has gone when this returns.
    pub(super) fn run<R>(self, f: impl FnOnce() -> R) -> Result<R, Panic> {
        let Self { surroundings, brake } = self;
        let ended = surroundings.run(None, f);
        drop(brake);
        ended
    }
}

/// While it lives, the end of the map cannot be seen.
pub(super) struct Brake<I, F, T>(Arc<Shared<I, F, T>>)
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static;

impl<I, F, T> Brake<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    /// `None` when the map's end can be seen already.
    pub(super) fn new(shared: &Arc<Shared<I, F, T>>) -> Option<Self> {
        let mut hub = shared.lock();
        if hub.brakes == 0 {
            return None;
        }
        hub.brakes += 1;
        drop(hub);
        Some(Self(shared.clone()))
    }
}

impl<I, F, T> Drop for Brake<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        self.0.release();
    }
}
