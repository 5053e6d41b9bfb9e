//! For code that runs inside a call: back into async, and whether to go on at all.

mod on_cancel;

pub use on_cancel::{OnCancel, on_cancel};

use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::context::{Place, current_call, forbid_in_poll, here};
use crate::park::{Parked, Place as LentPlace};
use crate::run::Drive;
use crate::runtime::{AnyRuntime, Runtime};
use crate::task::Task;
use crate::thread_pool::is_stopping;

/// How long [`block_on`] gives a runtime that seems to be driven by nobody, before it says so.
const UNDRIVEN_GRACE: Duration = Duration::from_secs(3);
/// How long it waits before it looks at that for the first time.
const UNDRIVEN_CHECK: Duration = Duration::from_millis(100);

/// Whether the call that this code runs in was cancelled: its [`Task`] or polled
/// [`Call`](crate::Call) was aborted or dropped. `false` outside a call.
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
    is_stopping() || current_call().is_some_and(|call| call.is_cancelled())
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
    if current_call().is_none() {
        panic!(
            "from_thread::block_on() was called outside a wrapped call: use the runtime's own block_on there"
        );
    }
    let mut watch = Watch::new(context.runtime().cloned());
    let mut future = std::pin::pin!(Drive::new(context, Place::PollInCall, future.into_future()));
    let parked = Parked::new();
    let mut place = None;
    loop {
        if let Poll::Ready(output) = parked.poll(future.as_mut()) {
            return output;
        }
        watch.wait(LentPlace::of_this_call(&mut place), &parked);
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
        let Some(runtime) = &self.runtime else {
            place.wait(parked, None);
            return;
        };
        while !place.wait(parked, Some(Instant::now() + UNDRIVEN_CHECK)) {
            if !runtime.driver().may_be_undriven() {
                self.heartbeat = None;
                continue;
            }
            let (task, since) =
                self.heartbeat.get_or_insert_with(|| (runtime.spawn(async {}), Instant::now()));
            match parked.poll(Pin::new(task)) {
                Poll::Ready(Ok(())) => self.heartbeat = None,
                Poll::Ready(Err(error)) => panic!(
                    "from_thread::block_on() cannot go on: the runtime {} is gone ({error})",
                    runtime.name()
                ),
                Poll::Pending if since.elapsed() > UNDRIVEN_GRACE => panic!(
                    "from_thread::block_on() would wait for ever: nobody drives the runtime {}. \
                     Keep a thread inside its block_on until the call has ended, or use a runtime \
                     that drives itself (for tokio: the multi-thread flavour)",
                    runtime.name()
                ),
                Poll::Pending => {}
            }
        }
    }
}
