//! The object-safe half of an adapter.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::hold::Hold;
use crate::pool::AnyPool;
use crate::task::NativeTask;

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a runtime does, without generic parameters, so that [`AnyRuntime`](crate::AnyRuntime) can hold it.
///
/// An adapter is a newtype over a [`Binding`](crate::Binding) of its driver.
pub trait Driver: Debug + Send + Sync + 'static {
    /// The runtime's name.
    fn name(&self) -> &'static str;

    /// Starts a future at once. It never panics: [`Supervised`](crate::Supervised) is around it.
    fn spawn_boxed(&self, future: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>>;

    /// Ends after `duration` on the runtime's clock.
    fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Drives `future` to its end on this thread.
    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>);

    /// The runtime's time. Overridden where the clock can be paused.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Whether this is the runtime that drives the calling thread now, as the adapter's
    /// [`ambient`](crate::Adapter::ambient) would say. Answered quickly, it saves each call that is made where
    /// anyloop set no context from recognizing its runtime anew; `false` costs that time and nothing else.
    fn is_ambient(&self) -> bool {
        false
    }

    /// The blocking pool that the runtime brings, if it brings one.
    fn native(&self) -> Option<AnyPool> {
        None
    }

    /// Runs `body` once with the runtime's own thread-locals set, where it has any that code inside a
    /// call would look for (C34).
    fn scope(&self, body: &mut dyn FnMut()) {
        body();
    }

    /// Called at each submission under this runtime; what it returns is kept until the call's result
    /// was delivered. For a clock that must not run ahead of a call that is outstanding.
    fn hold_clock(&self) -> Option<Hold> {
        None
    }

    /// Whether tasks go on only while some thread is inside the runtime's `block_on`.
    fn needs_driving(&self) -> bool {
        false
    }

    /// Whether no thread drives the runtime now, as far as the adapter knows; only asked if
    /// [`needs_driving`](Driver::needs_driving). `from_thread::block_on` makes sure then, instead of
    /// waiting for ever (C33).
    fn may_be_undriven(&self) -> bool {
        self.needs_driving()
    }
}
