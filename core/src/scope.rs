//! A run's books: which futures and calls were started under it, so that its end can cancel the ones
//! and wait for the others (C19).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::catch::{drop_quietly, quietly};

#[derive(Default)]
pub(crate) struct Scope {
    closing: AtomicBool,
    /// Futures that were not dropped yet, and calls whose result was not delivered yet.
    futures: AtomicUsize,
    calls: AtomicUsize,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    /// One for each future that is pending: how the end of the run reaches it.
    futures: Slab<Option<Waker>>,
    drain: Option<Waker>,
}

/// One future or call that a run has to wait for.
pub(crate) struct Ticket {
    scope: Arc<Scope>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Future,
    Call,
}

impl Scope {
    fn count(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Future => &self.futures,
            Kind::Call => &self.calls,
        }
    }

    fn enlist(self: &Arc<Self>, kind: Kind) -> Ticket {
        // ORDERING: the ticket's owner is handed on through synchronized queues; the count itself
        // publishes nothing.
        self.count(kind).fetch_add(1, Ordering::Relaxed);
        Ticket { scope: self.clone(), kind }
    }

    pub(crate) fn enlist_future(self: &Arc<Self>) -> Ticket {
        self.enlist(Kind::Future)
    }

    pub(crate) fn enlist_call(self: &Arc<Self>) -> Ticket {
        self.enlist(Kind::Call)
    }

    pub(crate) fn is_closing(&self) -> bool {
        // ORDERING: SeqCst, see `close`.
        self.closing.load(Ordering::SeqCst)
    }

    /// Tells every future of this run to end.
    pub(crate) fn close(&self) {
        // ORDERING: SeqCst pairs with the load in `is_closing` after a registration: either the lock
        // below finds the waker, or the future that registers it sees the flag.
        self.closing.store(true, Ordering::SeqCst);
        let wakers: Vec<Waker> = {
            let mut wakers = self.lock();
            wakers.futures.iter_mut().filter_map(|(_, waker)| waker.take()).collect()
        };
        for waker in wakers {
            quietly(|| waker.wake());
        }
    }

    /// (futures, calls) that are left.
    pub(crate) fn outstanding(&self) -> (usize, usize) {
        // ORDERING: SeqCst pairs with the decrement in `Ticket::drop`, see there.
        (self.futures.load(Ordering::SeqCst), self.calls.load(Ordering::SeqCst))
    }

    /// Ready when nothing is left.
    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let fresh = cx.waker().clone();
        let old = self.lock().drain.replace(fresh);
        drop_quietly(old);
        if self.outstanding() == (0, 0) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wakers> {
        // No foreign code runs under this lock, so that it cannot be poisoned half-way.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // ORDERING: SeqCst pairs with `poll_drained`, which stores its waker before it reads the
        // counts, while this lowers the count before it reads the waker: one of the two sees the other.
        self.scope.count(self.kind).fetch_sub(1, Ordering::SeqCst);
        if self.scope.is_closing() && self.scope.outstanding() == (0, 0) {
            let waker = self.scope.lock().drain.take();
            if let Some(waker) = waker {
                quietly(|| waker.wake());
            }
        }
    }
}

/// Where a pending future left its waker.
pub(crate) struct Registration {
    key: usize,
    /// Tells whether the waker is still the same one; a task's own waker hardly ever changes.
    data: usize,
}

impl Registration {
    fn same(&self, waker: &Waker) -> bool {
        self.data == waker.data().addr()
    }
}

impl Ticket {
    pub(crate) fn is_closing(&self) -> bool {
        self.scope.is_closing()
    }

    /// Leaves the waker of a pending future, once unless it changes.
    pub(crate) fn register(&self, registration: &mut Option<Registration>, waker: &Waker) {
        if registration.as_ref().is_some_and(|registration| registration.same(waker)) {
            return;
        }
        let fresh = waker.clone();
        let mut wakers = self.scope.lock();
        let old = match registration {
            Some(registration) => {
                registration.data = waker.data().addr();
                wakers.futures[registration.key].replace(fresh)
            }
            None => {
                let key = wakers.futures.insert(Some(fresh));
                *registration = Some(Registration { key, data: waker.data().addr() });
                None
            }
        };
        drop(wakers);
        drop_quietly(old);
        if self.is_closing() {
            waker.wake_by_ref();
        }
    }

    pub(crate) fn unregister(&self, registration: &mut Option<Registration>) {
        if let Some(registration) = registration.take() {
            let waker = self.scope.lock().futures.remove(registration.key);
            drop_quietly(waker);
        }
    }
}
