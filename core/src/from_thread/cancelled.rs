//! Obeying a cancellation: as an error, as a future, and in a sleep.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{OnCancel, is_cancelled, is_overdue, on_cancel};
use crate::catch::{drop_quietly, quietly};
use crate::context::{forbid_in_spawned_poll, limited_call};
use crate::park::Parked;
use crate::runtime::Runtime;

/// The call that this code runs in was cancelled: nobody waits for what it would come to.
///
/// As an [`io::Error`] its kind is [`Other`](io::ErrorKind::Other), or [`TimedOut`](io::ErrorKind::TimedOut) when the call's
/// deadline has come; and not `Interrupted`, which std's loops (`read_to_end`, `write_all`, `io::copy`) take for a reason to
/// try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    timed_out: bool,
}

impl Cancelled {
    /// Whether the call's deadline has come, rather than somebody cancelled it before.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.timed_out
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.timed_out { "the call's deadline has come" } else { "the call was cancelled" })
    }
}

impl std::error::Error for Cancelled {}

impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> Self {
        let kind = if cancelled.timed_out { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        Self::new(kind, cancelled)
    }
}

/// [`is_cancelled`], as an error: `check_cancelled()?` between two steps of a long piece of work.
///
/// # Errors
///
/// [`Cancelled`], when the call that this code runs in was. Outside a call there is none.
///
/// ```
/// use std::io;
/// use anyloop_core::from_thread;
///
/// fn sum(numbers: &[u64]) -> io::Result<u64> {
///     let mut sum = 0;
///     for part in numbers.chunks(10_000) {
///         from_thread::check_cancelled()?;
///         sum += part.iter().sum::<u64>();
///     }
///     Ok(sum)
/// }
/// assert_eq!(sum(&[20, 22])?, 42);
/// # Ok::<(), io::Error>(())
/// ```
#[inline]
pub fn check_cancelled() -> Result<(), Cancelled> {
    if is_cancelled() { Err(Cancelled { timed_out: is_overdue() }) } else { Ok(()) }
}

/// Ends when the call that this code runs in is cancelled: to race with others inside
/// [`block_on`](super::block_on). Outside a call, never.
///
/// It belongs to the call in which it was made. It may be polled again when it was ready, and dropping it loses nothing.
///
/// What is to end with it is a gather's, which drops its children then:
///
/// ```
/// use anyloop_core::{Call, from_thread, gather};
///
/// fn answer(asking: impl Future<Output = u32>) -> Option<u32> {
///     let gathered = gather((asking,)).until(from_thread::cancelled());
///     from_thread::block_on(gathered).ok().map(|(answer,)| answer)
/// }
/// let call = Call::new(|| answer(async { 42 }));
/// assert_eq!(pollster::block_on(call), Some(42));
/// ```
///
/// By itself, it tells of the cancellation:
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool, from_thread};
///
/// let pool = ThreadPool::new(1)?;
/// let (started, starting) = std::sync::mpsc::channel();
/// let task = pool.submit(move || {
///     started.send(()).unwrap();
///     from_thread::block_on(from_thread::cancelled());
///     "heard of it"
/// });
/// starting.recv().unwrap();
/// assert_eq!(pollster::block_on(task.cancel()).unwrap(), "heard of it");
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
pub fn cancelled() -> WhenCancelled {
    let bell = Arc::new(Bell::default());
    let ringing = bell.clone();
    WhenCancelled { _guard: on_cancel(move || ringing.ring()), bell }
}

/// The future of [`cancelled`].
#[must_use = "futures do nothing until they are awaited"]
pub struct WhenCancelled {
    bell: Arc<Bell>,
    _guard: OnCancel,
}

#[derive(Default)]
struct Bell(Mutex<(bool, Option<Waker>)>);

impl Bell {
    fn ring(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            quietly(|| waker.wake());
        }
    }

    /// Whether it has rung; if not, it will wake `waker`.
    fn ask(&self, waker: Waker) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (rung, old) = if state.0 { (true, Some(waker)) } else { (false, state.1.replace(waker)) };
        drop(state);
        drop_quietly(old);
        rung
    }
}

impl Future for WhenCancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.bell.ask(cx.waker().clone()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for WhenCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhenCancelled").finish_non_exhaustive()
    }
}

/// [`std::thread::sleep`] that ends early when the call that this code runs in is cancelled.
///
/// It goes by the system's clock. Outside a call nothing ends it early.
///
/// # Errors
///
/// [`Cancelled`], at once, when the call is, or its deadline comes.
///
/// # Panics
///
/// Inside async code that anyloop polls, where it would block the runtime (C08): await the runtime's own sleep there.
///
/// ```
/// use std::time::Duration;
/// use anyloop_core::{PoolExt, ThreadPool, from_thread};
///
/// let pool = ThreadPool::new(1)?;
/// let (started, starting) = std::sync::mpsc::channel();
/// let task = pool.submit(move || {
///     started.send(()).unwrap();
///     from_thread::sleep(Duration::MAX)
/// });
/// starting.recv().unwrap();
/// assert!(pollster::block_on(task.cancel()).unwrap().is_err());
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Result<(), Cancelled> {
    forbid_in_spawned_poll("from_thread::sleep()");
    let left = limited_call().and_then(|context| {
        let now = context.runtime()?.now();
        Some(context.deadline()?.saturating_duration_since(now))
    });
    let is_limited = left.is_some_and(|left| left < duration);
    let end = Instant::now().checked_add(left.map_or(duration, |left| left.min(duration)));
    let parked = Parked::here();
    let waker = parked.waker();
    let _guard = on_cancel(move || waker.wake());
    loop {
        check_cancelled()?;
        if !parked.wait(end) {
            return if is_limited { Err(Cancelled { timed_out: true }) } else { Ok(()) };
        }
    }
}
