//! The end of a pool, awaited.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use super::employment::is_own_thread;
use super::metrics::Metrics;
use super::queue::OWN;
use super::shared::{Shared, wake_all};
use crate::catch::drop_quietly;

/// The future of [`ThreadPool::shutdown`](crate::ThreadPool::shutdown).
#[must_use = "the pool is closed; await this to know when its threads have ended"]
pub struct Shutdown {
    shared: Arc<Shared>,
    key: Option<usize>,
    /// Asked for inside a call of the pool: refused wherever it is awaited, for the pool was not closed.
    refused: bool,
}

/// A pool cannot be shut down by a call that it runs itself: it would wait for its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InsideOwnCall;

impl fmt::Display for InsideOwnCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a pool cannot be shut down from inside a call that it runs: it would wait for itself. \
             Shut it down from outside, or drop its last handle",
        )
    }
}

impl std::error::Error for InsideOwnCall {}

impl Shutdown {
    pub(super) fn begin(shared: &Arc<Shared>) -> Self {
        let refused = is_own_thread(shared);
        if !refused {
            shared.close();
        }
        Self { shared: shared.clone(), key: None, refused }
    }
}

impl Future for Shutdown {
    type Output = Result<(), InsideOwnCall>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.refused || is_own_thread(&self.shared) {
            return Poll::Ready(Err(InsideOwnCall));
        }
        let fresh = cx.waker().clone();
        let this = &mut *self;
        let mut state = this.shared.lock();
        if state.is_over() {
            let staff = std::mem::take(&mut state.staff);
            drop(state);
            drop_quietly(fresh);
            // What is left to wait for is the end of the threads themselves.
            for handle in staff.into_iter().filter_map(|(_, member)| member.handle) {
                let _ = handle.join();
            }
            return Poll::Ready(Ok(()));
        }
        let old = match this.key {
            Some(key) => state.waiting[key].replace(fresh),
            None => {
                this.key = Some(state.waiting.insert(Some(fresh)));
                None
            }
        };
        drop(state);
        drop_quietly(old);
        Poll::Pending
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.shared.lock().waiting.try_remove(key);
            drop_quietly(waker);
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

/// What a shutdown with a time limit came to. A map's items and the calls of an actor on a pool are not among the calls: see
/// [`Metrics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Calls that ran to their end since the shutdown was asked for.
    pub finished: u64,
    /// Calls that were cancelled in the queue when the time was up.
    pub cancelled: usize,
    /// Calls that were still running then. They see
    /// [`from_thread::is_cancelled`](crate::from_thread::is_cancelled).
    pub still_running: usize,
}

/// The future of [`ThreadPool::shutdown_timeout`](crate::ThreadPool::shutdown_timeout).
#[must_use = "the pool is closed; await this to know when its threads have ended, or the time is up"]
pub struct ShutdownTimeout {
    shutdown: Shutdown,
    deadline: Option<Instant>,
    /// Calls that had ended before.
    finished_before: u64,
    /// Rings when the time is up; started at the first poll that has to wait.
    alarm: Option<Alarm>,
}

impl ShutdownTimeout {
    pub(super) fn begin(shared: &Arc<Shared>, limit: Duration) -> Self {
        let finished_before = finished(&shared.metrics(OWN));
        Self {
            shutdown: Shutdown::begin(shared),
            deadline: Instant::now().checked_add(limit),
            finished_before,
            alarm: None,
        }
    }
}

fn finished(metrics: &Metrics) -> u64 {
    metrics.completed + metrics.panicked
}

impl Future for ShutdownTimeout {
    type Output = Result<ShutdownReport, InsideOwnCall>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let ended = Pin::new(&mut this.shutdown).poll(cx)?;
        let shared = &this.shutdown.shared;
        let due = this.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if ended.is_pending() && !due {
            if this.alarm.is_none()
                && let Some(deadline) = this.deadline
            {
                this.alarm = Alarm::set(shared, deadline);
            }
            return Poll::Pending;
        }
        // Looked at first: who is told to end may do so at once.
        let finished = finished(&shared.metrics(OWN)) - this.finished_before;
        let (cancelled, still_running) = if ended.is_ready() { (0, 0) } else { shared.cancel_rest() };
        Poll::Ready(Ok(ShutdownReport { finished, cancelled, still_running }))
    }
}

impl fmt::Debug for ShutdownTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownTimeout").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A thread that wakes who awaits the shutdown at its deadline: core has no timers, and the pool's own threads
/// may all be busy.
struct Alarm(Arc<(Mutex<bool>, Condvar)>);

impl Alarm {
    fn set(shared: &Arc<Shared>, deadline: Instant) -> Option<Self> {
        let off = Arc::new((Mutex::new(false), Condvar::new()));
        let (alarm, shared) = (off.clone(), Arc::downgrade(shared));
        let body = move || {
            let (off, changed) = &*alarm;
            let left = deadline.saturating_duration_since(Instant::now());
            let waiting = off.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = changed.wait_timeout_while(waiting, left, |off| !*off);
            let off = *waited.unwrap_or_else(PoisonError::into_inner).0;
            if !off && let Some(shared) = shared.upgrade() {
                let waiting = shared.lock().take_waiting();
                wake_all(waiting);
            }
        };
        // Refused a thread, it goes on without a limit, as `shutdown` does, unless it is polled for another reason.
        let started = thread::Builder::new().name("anyloop-alarm".to_owned()).spawn(body);
        started.is_ok().then_some(Self(off))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let (off, changed) = &*self.0;
        *off.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_one();
    }
}
