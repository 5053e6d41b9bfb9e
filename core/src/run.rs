//! A program's main future: driven, then tidied up after (C19).

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context as TaskContext, Poll};
use std::thread;
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::catch::{catch, quietly};
use crate::context::{Context, EnterGuard, Place, Swapped, forbid_in_poll};
use crate::current::Installed;
use crate::runtime::BlockOn;
use crate::scope::Scope;

pin_project! {
    /// A future that is polled in a context of its own: what `block_on` drives.
    pub(crate) struct Drive<F> {
        #[pin]
        future: Option<F>,
        context: Context,
        place: Place,
    }

    impl<F> PinnedDrop for Drive<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _context = Swapped::new(this.context, *this.place);
            this.future.set(None);
        }
    }
}

impl<F> Drive<F> {
    /// `place` is one of the two in which code is polled.
    pub(crate) fn new(context: Context, place: Place, future: F) -> Self {
        Self { future: Some(future), context, place }
    }
}

impl<F: Future> Future for Drive<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        // A call's own `block_on` is on a thread that may be held.
        let _watched = if *this.place == Place::Poll { this.context.watched() } else { None };
        let _context = Swapped::new(this.context, *this.place);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => unreachable!("the future is there until the drop"),
        }
    }
}

/// How long [`BlockOn::run`] waits for the closures that were started under it: 30 seconds.
///
/// `asyncio.run` waits for the threads of its default executor for 5 minutes; a service manager waits for
/// a stopping process for 10 to 90 seconds. Half a minute lets a closure that writes a file end, and a
/// forgotten one not keep the program for long.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// What the end of a run left behind. As text: `2 calls and 1 task`, or `nothing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drain {
    /// Futures that were not dropped yet when the time was up.
    pub futures: usize,
    /// Calls that were still queued or running when the time was up.
    pub calls: usize,
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { futures, calls } = *self;
        let counted = |count, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match (calls, futures) {
            (0, 0) => f.write_str("nothing"),
            (_, 0) => f.write_str(&counted(calls, "call")),
            (0, _) => f.write_str(&counted(futures, "task")),
            _ => write!(f, "{} and {}", counted(calls, "call"), counted(futures, "task")),
        }
    }
}

/// A run with settings: [`BlockOn::run`] is `Run::new(&runtime).block_on(future).0`.
///
/// ```
/// use std::time::Duration;
///
/// use anyloop_core::{BlockOn, Drain, Run};
///
/// fn main_of(runtime: impl BlockOn) {
///     let run = Run::new(&runtime).drain_limit(Duration::from_secs(5));
///     let (answer, left) = run.block_on(async { 42 });
///     assert_eq!(answer, 42);
///     assert_eq!(left, Drain::default());
/// }
/// ```
#[derive(Debug)]
#[must_use = "a run does nothing until `block_on`"]
pub struct Run<'a, R> {
    runtime: &'a R,
    drain_limit: Duration,
}

impl<'a, R: BlockOn> Run<'a, R> {
    /// A run on `runtime`.
    pub fn new(runtime: &'a R) -> Self {
        Self { runtime, drain_limit: DRAIN_LIMIT }
    }

    /// How long to wait at the end for what was started under the run, on the runtime's clock.
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain_limit = limit;
        self
    }

    /// Drives `future` to its end, then cancels the futures and waits for the closures that were started
    /// under it. Gives the output and what was left when the time was up.
    ///
    /// # Panics
    ///
    /// With the future's panic, after the draining; and inside async code that anyloop polls (C08).
    #[track_caller]
    pub fn block_on<F: IntoFuture>(self, future: F) -> (F::Output, Drain) {
        forbid_in_poll("run()");
        let scope = Arc::new(Scope::default());
        let installed = Installed::new(self.runtime.to_any());
        let context = Context::new(&self.runtime.to_any(), Some(scope.clone()));
        let entered = EnterGuard::new(context);
        let output = catch(|| self.runtime.block_on(future));
        // What the draining itself starts (a sleep) belongs to nobody's run.
        drop(entered);
        // A runtime that panics here (shut down by the future it ran, say) has nothing left to drain.
        quietly(|| self.drain(&scope));
        drop(installed);
        let (futures, calls) = scope.outstanding();
        match output {
            Ok(output) => (output, Drain { futures, calls }),
            Err(panic) => panic.resume(),
        }
    }

    fn drain(&self, scope: &Arc<Scope>) {
        scope.close();
        if scope.outstanding() == (0, 0) {
            return;
        }
        let drained = std::future::poll_fn(|cx| scope.poll_drained(cx));
        // A runtime that somebody else has to drive may have no clock that goes: then the limit needs one of its own.
        let (ended, wait) = mpsc::channel::<()>();
        if self.runtime.to_any().driver().needs_driving() {
            let (scope, limit) = (scope.clone(), self.drain_limit);
            let clock = thread::Builder::new().name("anyloop-drain".to_owned());
            // Refused a thread, it relies on the runtime's clock alone.
            let _ = clock.spawn(move || {
                if wait.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    scope.give_up();
                }
            });
        }
        // Whether in time or not: what is left is counted afterwards.
        let _ = self.runtime.block_on(self.runtime.timeout(self.drain_limit, drained));
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_is_told_with_its_numbers() {
        let text = |calls, futures| Drain { futures, calls }.to_string();
        assert_eq!([text(0, 0), text(1, 0), text(0, 2)], ["nothing", "1 call", "2 tasks"]);
        assert_eq!([text(2, 1), text(1, 3)], ["2 calls and 1 task", "1 call and 3 tasks"]);
    }
}
