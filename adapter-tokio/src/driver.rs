//! What anyloop asks of tokio.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, Weak};
use std::time::{Duration, Instant};

use anyloop_core::{AnyPool, BoxFuture, Driver, Hold, NativeTask};
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use crate::clock;
use crate::native;
use crate::task::Joined;

pub(crate) const NAME: &str = "tokio";

#[derive(Debug)]
pub(crate) struct TokioDriver {
    pub(crate) handle: Handle,
    /// The runtime, if it goes with the adapter's value: that holds it, see [`Owned`].
    owned: Weak<Owned>,
    native: OnceLock<AnyPool>,
    /// Threads inside `drive`.
    driving: AtomicUsize,
}

impl TokioDriver {
    pub(crate) fn new(handle: Handle, owned: Weak<Owned>) -> Self {
        Self { handle, owned, native: OnceLock::new(), driving: AtomicUsize::new(0) }
    }

    fn is_current_thread(&self) -> bool {
        self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread
    }

    pub(crate) fn sleep(&self, duration: Duration) -> tokio::time::Sleep {
        let _entered = self.handle.enter();
        tokio::time::sleep(duration)
    }

    pub(crate) fn drive<F: Future>(&self, future: F) -> F::Output {
        match self.owned.upgrade().as_deref() {
            Some(Owned(Some(runtime))) => {
                let _driving = Driving::new(&self.driving);
                runtime.block_on(future)
            }
            // Of the current-thread flavour, this drives the future alone, not the runtime.
            _ => self.handle.block_on(future),
        }
    }

    pub(crate) fn native_pool(&self) -> AnyPool {
        self.native.get_or_init(|| native::pool(self.handle.clone())).clone()
    }
}

/// Counts a thread that drives the runtime.
struct Driving<'a>(&'a AtomicUsize);

impl<'a> Driving<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        // ORDERING: Relaxed: a count that is looked at now and then, and publishes nothing.
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        // ORDERING: Relaxed, as above.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Driver for TokioDriver {
    fn name(&self) -> &'static str {
        NAME
    }

    fn spawn_boxed(&self, future: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
        Box::new(Joined(self.handle.spawn(future)))
    }

    fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep(duration))
    }

    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        self.drive(future);
    }

    fn now(&self) -> Instant {
        let _entered = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }

    fn is_ambient(&self) -> bool {
        Handle::try_current().is_ok_and(|current| current.id() == self.handle.id())
    }

    fn native(&self) -> Option<AnyPool> {
        Some(self.native_pool())
    }

    fn scope(&self, body: &mut dyn FnMut()) {
        let _entered = self.handle.enter();
        body();
    }

    fn hold_clock(&self) -> Option<Hold> {
        if self.is_current_thread() { clock::hold(&self.handle) } else { None }
    }

    fn needs_driving(&self) -> bool {
        self.is_current_thread()
    }

    fn may_be_undriven(&self) -> bool {
        // ORDERING: Relaxed, see `Driving`. Somebody else may drive a borrowed runtime unseen.
        self.is_current_thread() && self.driving.load(Ordering::Relaxed) == 0
    }
}

/// A runtime of the adapter's own. It is taken only by the drop.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) Option<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // C35: tokio panics when a runtime is dropped in async code, because it would block.
            runtime.shutdown_background();
        }
    }
}
