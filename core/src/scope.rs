//! A run's books: which futures and calls were started under it, so that its end can cancel the ones
//! and wait for the others (C19).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::catch::{drop_quietly, quietly};

#[derive(Default)]
pub(crate) struct Scope {
    closing: AtomicBool,
    /// The time is up, and nobody waits for the rest.
    given_up: AtomicBool,
    /// Futures that were not dropped yet, and calls whose result was not delivered yet.
    futures: AtomicUsize,
    calls: AtomicUsize,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    /// One for each future that is pending: how the end of the run reaches it.
    futures: HashMap<Address, Waker>,
    drain: Option<Waker>,
}

/// A call that a run has to wait for.
pub(crate) struct CallTicket(Arc<Scope>);

impl CallTicket {
    /// For a call that [entered](Scope::enter_call) the scope.
    pub(crate) fn of_entered(scope: &Arc<Scope>) -> Self {
        Self(scope.clone())
    }
}

impl Drop for CallTicket {
    fn drop(&mut self) {
        self.0.leave(&self.0.calls);
    }
}

impl Scope {
    /// A call that the run has to wait for, until its [`CallTicket`] is dropped.
    pub(crate) fn enter_call(&self) {
        // ORDERING: the call is handed on through synchronized queues; the count itself publishes
        // nothing.
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// A future that the run has to wait for, until [`leave_future`](Self::leave_future).
    pub(crate) fn enter_future(&self) {
        // ORDERING: as in `enter_call`.
        self.futures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave_future(&self) {
        self.leave(&self.futures);
    }

    fn leave(&self, count: &AtomicUsize) {
        // ORDERING: SeqCst pairs with `poll_drained`, which stores its waker before it reads the
        // counts, while this lowers the count before it reads the waker: one of the two sees the other.
        count.fetch_sub(1, Ordering::SeqCst);
        if self.is_closing() && self.outstanding() == (0, 0) {
            self.wake_drain();
        }
    }

    /// Ends the draining with what is left.
    pub(crate) fn give_up(&self) {
        // ORDERING: SeqCst, see `poll_drained`.
        self.given_up.store(true, Ordering::SeqCst);
        self.wake_drain();
    }

    fn wake_drain(&self) {
        let waker = self.lock().drain.take();
        if let Some(waker) = waker {
            quietly(|| waker.wake());
        }
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
            wakers.futures.drain().map(|(_, waker)| waker).collect()
        };
        for waker in wakers {
            quietly(|| waker.wake());
        }
    }

    /// (futures, calls) that are left.
    pub(crate) fn outstanding(&self) -> (usize, usize) {
        // ORDERING: SeqCst pairs with the decrement in `leave`, see there.
        (self.futures.load(Ordering::SeqCst), self.calls.load(Ordering::SeqCst))
    }

    /// Ready when nothing is left.
    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let fresh = cx.waker().clone();
        let old = self.lock().drain.replace(fresh);
        drop_quietly(old);
        // ORDERING: SeqCst pairs with the store in `give_up`, as the counts do with `leave`.
        let ended = self.outstanding() == (0, 0) || self.given_up.load(Ordering::SeqCst);
        if ended { Poll::Ready(()) } else { Poll::Pending }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wakers> {
        // No foreign code runs under this lock, so that it cannot be poisoned half-way.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A future's place in the books: its address, which it keeps for as long as it is pending. A number
/// of its own would make every spawned future larger, and with the smallest ones the allocation too.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(usize);

impl Address {
    /// `future` must be pinned, and not of size zero.
    pub(crate) fn of<F>(future: &F) -> Self {
        Self(std::ptr::from_ref(future).addr())
    }
}

impl Scope {
    /// Leaves the waker of a pending future.
    pub(crate) fn register(&self, future: Address, waker: &Waker) {
        let fresh = {
            let wakers = self.lock();
            // Comparing runs no foreign code, while cloning does.
            wakers.futures.get(&future).is_none_or(|known| !known.will_wake(waker))
        };
        if fresh {
            let fresh = waker.clone();
            let old = self.lock().futures.insert(future, fresh);
            drop_quietly(old);
        }
        if self.is_closing() {
            waker.wake_by_ref();
        }
    }

    pub(crate) fn unregister(&self, future: Address) {
        let waker = self.lock().futures.remove(&future);
        drop_quietly(waker);
    }
}
