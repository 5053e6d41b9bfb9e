//! For code that runs inside a call: back into async, and whether to go on at all.

mod cancelled;
mod checked;
mod on_cancel;

pub use cancelled::{Cancelled, WhenCancelled, cancelled, check_cancelled, sleep};
pub use checked::{Checked, checked};
pub use on_cancel::{OnCancel, on_cancel};

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::context::{Place, forbid_in_poll, here, is_call_cancelled, is_in_call, limited_call};
use crate::current;
use crate::park::{Parked, Place as LentPlace};
use crate::run::Drive;
use crate::runtime::{AnyRuntime, Runtime};
use crate::task::Task;
use crate::thread_pool::is_stopping;

/// How long [`block_on`] gives a runtime that seems to be driven by nobody, before it says so.
const UNDRIVEN_GRACE: Duration = Duration::from_secs(3);

/// Whether the call that this code runs in was cancelled: its [`Task`] or polled
/// [`Call`](crate::Call) was aborted or dropped, or its [`deadline`] has come. `false` outside a call.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool, from_thread};
///
/// let pool = ThreadPool::new(1)?;
/// let task = pool.submit(|| {
///     while !from_thread::is_cancelled() {
///         std::thread::yield_now();
///     }
///     "stopped early"
/// });
/// # while pool.metrics().queued > 0 { std::thread::yield_now(); }
/// let ended = pollster::block_on(task.cancel());
/// # if ended.is_ok() {
/// assert_eq!(ended.unwrap(), "stopped early");
/// # }
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use]
pub fn is_cancelled() -> bool {
    is_call_cancelled() || is_stopping() || is_overdue()
}

#[inline]
fn is_overdue() -> bool {
    limited_call().is_some_and(|context| context.is_overdue())
}

/// When the call that this code runs in is to have ended: the earliest of its own deadline
/// ([`Call::timeout`](crate::Call::timeout)) and those of the calls that it was made in. On the clock of its runtime, which is
/// the system's unless it is paused. `None` outside a call.
///
/// It is for what has timeouts of its own, such as a socket. A call that is made inside a call has its deadline, awaited or not; a
/// task that is spawned there has none. When a deadline comes, [`is_cancelled`], [`check_cancelled`] and [`sleep`] know it
/// wherever it is seen; [hooks](on_cancel) and [`cancelled`] hear of it when the call that it was given to is aborted for it.
#[must_use]
pub fn deadline() -> Option<Instant> {
    limited_call().and_then(|context| context.deadline())
}

/// Runs a future to its end on this thread, inside a call, with the caller's runtime current: its timers
/// and spawns work in it, on every runtime (C33).
///
/// # Panics
///
/// - Outside a call: use the runtime's `block_on` there.
/// - Inside async code (C08): `.await` instead.
/// - On a runtime that nobody drives, where it would wait for ever: after 3 seconds.
/// - With the future's own panic.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool, from_thread};
///
/// let pool = ThreadPool::new(2)?;
/// let inner = pool.clone();
/// let sum = pool.submit(move || from_thread::block_on(inner.submit(|| 20)).unwrap() + 22);
/// assert_eq!(sum.wait().unwrap(), 42);
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[track_caller]
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    forbid_in_poll("from_thread::block_on()");
    let context = here();
    if !is_in_call() {
        panic!(
            "from_thread::block_on() was called outside a wrapped call: use the runtime's own block_on there"
        );
    }
    let mut watch = None;
    let mut is_first = true;
    let mut future = std::pin::pin!(Drive::new(context, Place::PollInCall, future.into_future()));
    let parked = Parked::here();
    let mut place = None;
    loop {
        if let Poll::Ready(output) = parked.poll(future.as_mut()) {
            return output;
        }
        // Lending the place takes longer than one more poll; but one that always wakes itself may wait for others, too.
        if std::mem::take(&mut is_first) && parked.is_woken() {
            continue;
        }
        let watch = watch.get_or_insert_with(|| Watch::new(here().runtime().cloned()));
        watch.wait(LentPlace::of_this_call(&mut place), &parked);
    }
}

/// Starts a future as a task of the runtime that the call was made under.
///
/// # Panics
///
/// Outside a call, and in a call that was made under no runtime. The text says what to do.
///
/// ```
/// # use anyloop_core::{PoolExt, ThreadPool, from_thread};
/// let outside = std::panic::catch_unwind(|| from_thread::spawn(async {}));
/// assert!(outside.is_err());
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    if !is_in_call() {
        panic!(
            "from_thread::spawn() was called outside a wrapped call: use the runtime's own spawn there, or \
             `anyloop::spawn`"
        );
    }
    match current::current() {
        Ok(runtime) => runtime.spawn(future),
        Err(error) => panic!(
            "from_thread::spawn() was called in a call that was made under no runtime: await or start the call \
             inside one ({error})"
        ),
    }
}

/// Waits for wakes, and meanwhile makes sure that somebody drives the runtime.
struct Watch {
    /// Only a runtime that has to be driven is watched.
    runtime: Option<AnyRuntime>,
    /// A task that ends as soon as the runtime polls it, and when it was started.
    heartbeat: Option<(Task<()>, Instant)>,
}

impl Watch {
    fn new(runtime: Option<AnyRuntime>) -> Self {
        let runtime = runtime.filter(|runtime| runtime.driver().needs_driving());
        Self { runtime, heartbeat: None }
    }

    /// Returns after a wake.
    fn wait(&mut self, place: &mut LentPlace, parked: &Parked) {
        let Self { runtime, heartbeat } = self;
        let Some(runtime) = runtime else { return place.wait(parked, None) };
        place.wait(parked, Some(&mut || look_at(runtime, heartbeat)));
    }
}

/// # Panics
///
/// If nobody has driven the runtime for a while.
fn look_at(runtime: &AnyRuntime, heartbeat: &mut Option<(Task<()>, Instant)>) {
    if !runtime.driver().may_be_undriven() {
        *heartbeat = None;
        return;
    }
    let (task, since) = heartbeat.get_or_insert_with(|| (runtime.spawn(async {}), Instant::now()));
    // It wakes nobody: the next look will do.
    match Pin::new(task).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => *heartbeat = None,
        Poll::Ready(Err(error)) => {
            panic!("from_thread::block_on() cannot go on: the runtime {} is gone ({error})", runtime.name())
        }
        Poll::Pending if since.elapsed() > UNDRIVEN_GRACE => panic!(
            "from_thread::block_on() would wait for ever: nobody drives the runtime {}. Keep a thread inside its \
             block_on until the call has ended, or use a runtime that drives itself (for tokio: the multi-thread flavour)",
            runtime.name()
        ),
        Poll::Pending => {}
    }
}
