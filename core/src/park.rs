//! Waits for a future by parking the thread: needs no runtime.

use std::cell::Cell;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::limiter::LentPermit;
use crate::thread_pool::Lent;

struct Unparker {
    thread: Thread,
    notified: AtomicBool,
}

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: Release pairs with the Acquire in `Parked::wait`: what the waker's caller wrote is
        // seen by the poll that follows. Only the first of several wakes makes the system call.
        if !self.notified.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

/// A thread that waits for wakes. A wake may come from somebody whom it waited for earlier.
pub(crate) struct Parked {
    unparker: Arc<Unparker>,
    waker: Waker,
}

thread_local! {
    /// What this thread waited with last, for its next wait: to make it anew would be most of what a short one costs.
    static SPARE: Cell<Option<Parked>> = const { Cell::new(None) };
}

impl Parked {
    /// Its thread's own, to be [given back](Spare) when the wait is over; nested waits have one each.
    pub(crate) fn here() -> Spare {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        Spare(Some(spare.unwrap_or_else(|| {
            let unparker = Arc::new(Unparker { thread: thread::current(), notified: AtomicBool::new(false) });
            Self { waker: Waker::from(unparker.clone()), unparker }
        })))
    }

    /// Whether there was a wake, without waiting for one.
    pub(crate) fn is_woken(&self) -> bool {
        // ORDERING: Acquire, as in `wait`.
        self.unparker.notified.swap(false, Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(crate) fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&self.waker))
    }

    /// Waits for a wake, at most until `deadline`. Returns whether there was one.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        loop {
            // ORDERING: Acquire pairs with the Release in `wake_by_ref`.
            if self.unparker.notified.swap(false, Ordering::Acquire) {
                return true;
            }
            match deadline {
                None => thread::park(),
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    None => return false,
                    Some(left) => thread::park_timeout(left),
                },
            }
        }
    }
}

/// Keeps what it holds for the thread's next wait when it is dropped.
pub(crate) struct Spare(
    /// There until the drop.
    Option<Parked>,
);

impl Deref for Spare {
    type Target = Parked;

    fn deref(&self) -> &Parked {
        match &self.0 {
            Some(parked) => parked,
            None => unreachable!("it is taken by the drop alone"),
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        // Late in the thread's life it goes at once.
        let parked = self.0.take();
        let _ = SPARE.try_with(|spare| spare.set(parked));
    }
}

/// Waits for `future`, and lends the place of the call that does so (C17).
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let parked = Parked::here();
    let mut place = None;
    loop {
        if let Poll::Ready(output) = parked.poll(future.as_mut()) {
            return output;
        }
        Place::of_this_call(&mut place).wait(&parked, None);
    }
}

/// How often a call that could not lend its place looks whether the pool is stuck.
const STUCK_CHECK: Duration = Duration::from_millis(100);

/// The place of a call that waits.
pub(crate) struct Place {
    thread: Option<Lent>,
    #[expect(dead_code, reason = "held for its destructor alone")]
    permit: LentPermit,
}

impl Place {
    /// Lent at the first wait; taken back when `place` is dropped.
    pub(crate) fn of_this_call(place: &mut Option<Self>) -> &mut Self {
        place.get_or_insert_with(|| Self { thread: Lent::here(), permit: LentPermit::here() })
    }

    /// Waits for a wake, at most until `deadline`. Returns whether there was one.
    ///
    /// # Panics
    ///
    /// If the pool is stuck for good.
    pub(crate) fn wait(&mut self, parked: &Parked, deadline: Option<Instant>) -> bool {
        let Some(lent) = self.thread.as_mut().filter(|lent| lent.needs_watching()) else {
            return parked.wait(deadline);
        };
        loop {
            let check = Instant::now() + STUCK_CHECK;
            if parked.wait(Some(deadline.map_or(check, |deadline| deadline.min(check)))) {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            if lent.is_stuck() {
                panic!("{}", lent.stuck_text());
            }
        }
    }
}
