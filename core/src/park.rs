//! Waits for a future by parking the thread: needs no runtime.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

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

/// A thread that waits for wakes.
pub(crate) struct Parked {
    unparker: Arc<Unparker>,
    waker: Waker,
}

impl Parked {
    pub(crate) fn new() -> Self {
        let unparker = Arc::new(Unparker { thread: thread::current(), notified: AtomicBool::new(false) });
        Self { waker: Waker::from(unparker.clone()), unparker }
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

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let parked = Parked::new();
    loop {
        if let Poll::Ready(output) = parked.poll(future.as_mut()) {
            return output;
        }
        parked.wait(None);
    }
}
