//! Where runners leave results, and the awaiter finds them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use super::slots::{Bundle, Slots};
use crate::catch::{drop_each, drop_quietly, quietly};
use crate::error::TaskError;
use crate::sync::{Mutex, MutexGuard};

pub(super) struct Outlet<T> {
    inside: Mutex<Inside<T>>,
    /// The awaiter wants each result as it comes.
    each: AtomicBool,
    items: usize,
}

struct Inside<T> {
    /// None before the first result that is not wanted as it comes.
    slots: Option<Arc<Slots<T>>>,
    bundles: Vec<Bundle<T>>,
    each: Vec<(usize, T)>,
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
    /// At the end, the places of what is in all bundles.
    pub(super) slots: Option<Arc<Slots<T>>>,
    pub(super) bundles: Vec<Bundle<T>>,
    /// Results that have come one by one, with their indices.
    pub(super) each: Vec<(usize, T)>,
    pub(super) error: Option<TaskError>,
    pub(super) over: bool,
}

impl<T> Outlet<T> {
    pub(super) fn new(items: usize) -> Self {
        let inside = Inside {
            slots: None,
            bundles: Vec::new(),
            each: Vec::new(),
            error: None,
            closed: false,
            over: false,
            waker: None,
        };
        Self { inside: Mutex::new(inside), each: AtomicBool::new(false), items }
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

    /// For results that need not come one by one.
    pub(super) fn bundle(&self) -> Bundle<T> {
        self.lock().slots.get_or_insert_with(|| Slots::new(self.items)).bundle()
    }

    pub(super) fn deliver(&self, bundle: Bundle<T>) {
        if !bundle.is_empty() {
            self.leave(bundle, |inside| &mut inside.bundles);
        }
    }

    pub(super) fn deliver_one(&self, index: usize, value: T) {
        self.leave((index, value), |inside| &mut inside.each);
    }

    fn leave<R>(&self, result: R, place: impl FnOnce(&mut Inside<T>) -> &mut Vec<R>) {
        let waker = {
            let mut inside = self.lock();
            if inside.closed {
                drop(inside);
                drop_quietly(result);
                return;
            }
            place(&mut inside).push(result);
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
        let waker = {
            let mut inside = self.lock();
            inside.over = true;
            inside.waker.take()
        };
        wake(waker);
    }

    /// Nobody awaits it any more.
    pub(super) fn abandon(&self) {
        let (bundles, each, error, waker) = {
            let mut inside = self.lock();
            inside.closed = true;
            let bundles = std::mem::take(&mut inside.bundles);
            (bundles, std::mem::take(&mut inside.each), inside.error.take(), inside.waker.take())
        };
        drop(bundles);
        drop_each(each.into_iter());
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
        if !self.over && (!each || (self.bundles.is_empty() && self.each.is_empty())) {
            return None;
        }
        let (slots, error) = if self.over { (self.slots.take(), self.error.take()) } else { (None, None) };
        let (bundles, each) = (std::mem::take(&mut self.bundles), std::mem::take(&mut self.each));
        Some(Delivery { slots, bundles, each, error, over: self.over })
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| waker.wake());
    }
}
