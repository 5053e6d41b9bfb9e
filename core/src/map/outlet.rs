//! Where runners leave results, and the awaiter finds them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::bundle::Bundle;
use crate::catch::{drop_quietly, quietly};
use crate::error::TaskError;

pub(super) struct Outlet<T> {
    inside: Mutex<Inside<T>>,
    /// The awaiter wants each result as it comes.
    each: AtomicBool,
}

struct Inside<T> {
    bundles: Vec<Bundle<T>>,
    /// Why there will be no more results.
    error: Option<TaskError>,
    /// What comes from now on is not wanted any more.
    closed: bool,
    /// Nothing more comes.
    over: bool,
    waker: Option<Waker>,
}

/// What the awaiter finds.
pub(super) struct Delivery<T> {
    pub(super) bundles: Vec<Bundle<T>>,
    pub(super) error: Option<TaskError>,
    pub(super) over: bool,
}

impl<T> Outlet<T> {
    pub(super) fn new() -> Self {
        let inside = Inside { bundles: Vec::new(), error: None, closed: false, over: false, waker: None };
        Self { inside: Mutex::new(inside), each: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<T>> {
        // Results, errors and wakers are moved under it, and nothing else.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to deliver each result at once.
    pub(super) fn wants_each(&self) -> bool {
        // ORDERING: Relaxed: it says how to deliver, not what.
        self.each.load(Ordering::Relaxed)
    }

    pub(super) fn want_each(&self) {
        // ORDERING: Relaxed, as above.
        self.each.store(true, Ordering::Relaxed);
    }

    pub(super) fn deliver(&self, bundle: Bundle<T>) {
        if bundle.is_empty() {
            return;
        }
        let waker = {
            let mut inside = self.lock();
            if inside.closed {
                drop(inside);
                drop(bundle);
                return;
            }
            inside.bundles.push(bundle);
            if self.wants_each() { inside.waker.take() } else { None }
        };
        wake(waker);
    }

    /// The first error is the one that counts.
    pub(super) fn fail(&self, error: TaskError) {
        let mut error = Some(error);
        {
            let mut inside = self.lock();
            if !inside.closed && !inside.over {
                inside.closed = true;
                inside.error = error.take();
            }
        }
        drop_quietly(error);
    }

    /// Nothing more comes: the awaiter is called.
    pub(super) fn finish(&self) {
        // Put in order here, on a pool's thread, and not in the awaiter's poll.
        let whole = if self.wants_each() { None } else { Some(std::mem::take(&mut self.lock().bundles)) };
        let mut whole = whole.map(Bundle::merge).map(Bundle::whole);
        let waker = {
            let mut inside = self.lock();
            inside.over = true;
            if !inside.closed {
                inside.bundles.extend(whole.take());
            }
            inside.waker.take()
        };
        drop(whole);
        wake(waker);
    }

    /// Nobody awaits it any more.
    pub(super) fn abandon(&self) {
        let (bundles, error, waker) = {
            let mut inside = self.lock();
            inside.closed = true;
            (std::mem::take(&mut inside.bundles), inside.error.take(), inside.waker.take())
        };
        drop(bundles);
        drop_quietly((error, waker));
    }

    /// What is there: each result as it comes, if that is wanted, else everything at the end.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<Delivery<T>> {
        if let Some(delivery) = self.lock().take(self.wants_each()) {
            return Poll::Ready(delivery);
        }
        // A waker is foreign code, cloned and dropped without the lock.
        let fresh = waker.clone();
        let (delivery, old) = {
            let mut inside = self.lock();
            match inside.take(self.wants_each()) {
                None => (None, inside.waker.replace(fresh)),
                some => (some, Some(fresh)),
            }
        };
        drop_quietly(old);
        delivery.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Inside<T> {
    fn take(&mut self, each: bool) -> Option<Delivery<T>> {
        if !self.over && (!each || self.bundles.is_empty()) {
            return None;
        }
        let (over, error) = if self.over { (true, self.error.take()) } else { (false, None) };
        Some(Delivery { bundles: std::mem::take(&mut self.bundles), error, over })
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| waker.wake());
    }
}
