//! Waits for a future by parking the thread: needs no runtime.

mod spot;

use std::cell::Cell;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use self::spot::Spot;
use crate::limiter::{self, LentPermit, WaitUnder};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::thread_pool::{Lender, Lent, Next};

struct Unparker {
    thread: Thread,
    notified: AtomicBool,
    /// What the call that waits has lent; only where there is a call.
    place: Option<Spot<Loan>>,
}

impl Unparker {
    /// For this thread, which `lends` its place while it waits.
    fn here(lends: bool) -> Self {
        Self {
            thread: thread::current(),
            notified: AtomicBool::new(false),
            place: if lends { Some(Spot::new()) } else { None },
        }
    }
}

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: Release pairs with the Acquire in `Parked::is_woken`: what the waker's caller wrote is seen by the poll that
        // follows. Only the first of several wakes makes the system call.
        let is_first = !self.notified.swap(true, Ordering::Release);
        let returned = self.place.as_ref().and_then(|place| place.clear(Loan::take_back));
        if returned.is_some() || is_first {
            self.thread.unpark();
        }
        // What it takes to start a thread is not to keep the one that waits.
        if let Some(next) = returned {
            next.call();
        }
    }
}

/// A thread that waits for wakes. A wake may come from somebody whom it waited for earlier.
pub(crate) struct Parked {
    unparker: Arc<Unparker>,
    waker: Waker,
    /// The last poll has come upon a job of a pool.
    awaits_job: Cell<bool>,
}

thread_local! {
    /// What this thread waited with last, for its next wait: to make it anew would be most of what a short one costs.
    static SPARE: Cell<Option<Parked>> = const { Cell::new(None) };
    /// What this thread polls.
    static POLLED: Cell<Polled> = const { Cell::new(Polled::Other) };
    /// Calls wait for what this thread does.
    static SERVES: Cell<bool> = const { Cell::new(false) };
}

/// What a thread polls (C17).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    Other,
    /// What a call waits for, which lends its place.
    Awaited,
    /// The same, and it has come upon a job of a pool that has not ended.
    AwaitedJob,
}

/// Whether this is the poll of what a call waits for, which lends its place (C17). Asked by a job of a pool that has not ended: that is
/// noted, for a call which waits for anything else may wait for as long as it likes.
pub(crate) fn is_job_awaited() -> bool {
    let is_awaited = POLLED.get() != Polled::Other;
    if is_awaited {
        POLLED.set(Polled::AwaitedJob);
    }
    is_awaited
}

/// Polls what ends by itself, whatever becomes of a job that it comes upon: it has a deadline. What others have come upon stays noted.
pub(crate) fn ends_anyhow<R>(poll: impl FnOnce() -> R) -> R {
    let before = POLLED.get();
    let polled = poll();
    POLLED.set(before);
    polled
}

/// For one who polls a part of what it waits for, and has a job among it, or came upon one `before`: notes that again. Whether it was so.
pub(crate) fn is_job_still_awaited(before: bool) -> bool {
    match POLLED.get() {
        Polled::Other => before,
        Polled::AwaitedJob => true,
        Polled::Awaited => before && is_job_awaited(),
    }
}

/// Calls wait for what this thread does, most likely, and so for what it waits for: it is an actor's, until this is dropped.
pub(crate) fn serving_calls() -> impl Drop {
    struct Restore(bool);

    impl Drop for Restore {
        fn drop(&mut self) {
            SERVES.set(self.0);
        }
    }

    Restore(SERVES.replace(true))
}

impl Parked {
    /// Its thread's own, to be [given back](Spare) when the wait is over; nested waits have one each.
    pub(crate) fn here() -> Spare {
        let lends = Lender::is_here() || limiter::is_any_held();
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let spare = spare.filter(|spare| spare.unparker.place.is_some() == lends);
        Spare(Some(spare.unwrap_or_else(|| {
            let unparker = Arc::new(Unparker::here(lends));
            Self { waker: Waker::from(unparker.clone()), unparker, awaits_job: Cell::new(false) }
        })))
    }

    /// Whether there was a wake, without waiting for one.
    pub(crate) fn is_woken(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `wake_by_ref`.
        self.unparker.notified.swap(false, Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(crate) fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        struct Restore<'a>(Polled, &'a Parked);

        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                self.1.awaits_job.set(POLLED.replace(self.0) == Polled::AwaitedJob);
            }
        }

        let is_awaited = self.unparker.place.is_some() || SERVES.get();
        let polled = if is_awaited { Polled::Awaited } else { Polled::Other };
        let _restore = Restore(POLLED.replace(polled), self);
        future.poll(&mut Context::from_waker(&self.waker))
    }

    /// Waits for a wake, at most until `deadline`. Returns whether there was one.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        loop {
            if self.is_woken() {
                return true;
            }
            if !park_until(deadline) {
                return false;
            }
        }
    }

    /// The same without a deadline, and lends the place of the call that waits. It has that back when this returns.
    fn wait_lending(&self, place: &mut Place, mut look: Option<&mut dyn FnMut()>) {
        struct Lending<'a>(&'a Spot<Loan>);

        impl Drop for Lending<'_> {
            fn drop(&mut self) {
                if let Some(next) = self.0.clear(Loan::take_back) {
                    next.call();
                }
            }
        }

        let Unparker { notified, place: Some(spot), .. } = &*self.unparker else {
            while !self.wait(look.is_some().then(|| Instant::now() + LOOK)) {
                look.iter_mut().for_each(|look| look());
            }
            return;
        };
        let under = WaitUnder::begin();
        let _lending = Lending(spot);
        while !self.is_woken() {
            if !spot.is_filled() {
                // First, so that what is waited for stands in the pool's queue before somebody is called for the place.
                let permits = LentPermit::here(&under);
                let awaits_job = self.awaits_job.get();
                if let Some(next) = spot.fill(notified, || place.lend(permits, awaits_job)) {
                    next.call();
                }
            }
            // In place, others may have been run here meanwhile, who have used up what was to wake this thread.
            // ORDERING: Relaxed: `is_woken` looks again.
            if notified.load(Ordering::Relaxed) {
                continue;
            }
            let watched = look.is_some() || place.needs_watching();
            // Wakes that come meanwhile do not put it off.
            let due = watched.then(|| *place.next_look.get_or_insert_with(|| Instant::now() + LOOK));
            park_until(due);
            // Who was woken has its place back already, by which the pool would not seem stuck.
            if due.is_some_and(|due| Instant::now() >= due) {
                place.next_look = None;
                place.panic_if_stuck(self.awaits_job.get());
                look.iter_mut().for_each(|look| look());
            }
        }
    }
}

/// Parks this thread, at most until then; not at all when that has come, and says so.
fn park_until(deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        thread::park();
        return true;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::park_timeout(left);
    }
    !left.is_zero()
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

/// How often a call that waits looks whether that is in vain.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// What a call lends while it waits.
struct Loan {
    thread: Option<Lent>,
    permits: LentPermit,
}

impl Loan {
    /// On whatever thread. Counts are changed by it, and nothing else; somebody may have to be called afterwards.
    fn take_back(self) -> Next {
        drop(self.permits);
        self.thread.map(Lent::take_back).unwrap_or_default()
    }
}

/// The place of a call that waits: on its thread, and under limiters. On other threads, nothing.
pub(crate) struct Place {
    lender: Option<Lender>,
    /// When to look whether it waits in vain, if somebody has to.
    next_look: Option<Instant>,
}

impl Place {
    pub(crate) fn of_this_call(place: &mut Option<Self>) -> &mut Self {
        place.get_or_insert_with(|| Self { lender: Lender::here(), next_look: None })
    }

    /// Lends it, together with the permits.
    fn lend(&self, permits: LentPermit, awaits_job: bool) -> (Loan, Next) {
        let (thread, next) = self.lender.as_ref().map(|lender| lender.lend(awaits_job)).unzip();
        (Loan { thread, permits }, next.unwrap_or_default())
    }

    /// Waits for a wake, and lends the place meanwhile. With `look`, that is called ten times a second.
    ///
    /// # Panics
    ///
    /// If the pool is stuck for good; and when `look` does.
    pub(crate) fn wait(&mut self, parked: &Parked, look: Option<&mut dyn FnMut()>) {
        parked.wait_lending(self, look);
    }

    /// Whether somebody has to look, now and then, if the pool is stuck. While the place is lent, as below.
    fn needs_watching(&self) -> bool {
        self.lender.as_ref().is_some_and(Lender::needs_watching)
    }

    fn panic_if_stuck(&self, awaits_job: bool) {
        if let Some(lender) = &self.lender
            && lender.is_stuck(awaits_job)
        {
            panic!("{}", lender.stuck_text());
        }
    }
}
