//! A runtime without a type of its own.

use std::cell::Cell;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use super::binding::is_same;
use super::{Binding, BlockOn, Driver, Runtime};
use crate::context::{Context, SameRuntime};
use crate::hold::Hold;
use crate::pool::{AnyPool, Pool, Unavailable};
use crate::supervise::Supervised;
use crate::task::{NativeTask, Outcome, Task};

/// Any runtime: what `current()` gives.
///
/// Spawning through it costs two allocations more than through the adapter's own type.
#[derive(Clone, Debug)]
pub struct AnyRuntime(pub(super) Binding<dyn Driver>);

impl AnyRuntime {
    pub(crate) fn driver(&self) -> &dyn Driver {
        self.0.driver()
    }

    pub(crate) fn own_pool(&self) -> Option<&AnyPool> {
        self.0.pool.as_ref()
    }

    /// The blocking pool that the runtime brings, if it brings one.
    #[must_use]
    pub fn native(&self) -> Option<AnyPool> {
        self.driver().native()
    }

    pub(crate) fn native_or_unavailable(&self) -> AnyPool {
        self.native().unwrap_or_else(|| {
            let name = self.driver().name();
            let text = format!("the runtime {name} brings no blocking pool: use the default one");
            Unavailable(text).to_any()
        })
    }

    /// Runs `body` once with the runtime's own thread-locals set.
    pub(crate) fn scope(&self, body: &mut dyn FnMut()) {
        let _entered = Entered::new(self.address());
        self.driver().scope(body);
    }

    /// Whether this thread is inside [`scope`](Self::scope), and in no other runtime's since.
    pub(crate) fn is_entered(&self) -> bool {
        ENTERED.with(Cell::get) == self.address()
    }

    /// What tells one runtime from another, whatever their pools.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0.driver).addr()
    }

    pub(crate) fn hold_clock(&self) -> Option<Hold> {
        self.driver().hold_clock()
    }
}

thread_local! {
    /// The runtime whose scope this thread is in; 0 for none.
    static ENTERED: Cell<usize> = const { Cell::new(0) };
}

struct Entered(usize);

impl Entered {
    fn new(address: usize) -> Self {
        Self(ENTERED.replace(address))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.set(self.0);
    }
}

impl Runtime for AnyRuntime {
    #[track_caller]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let future = Supervised::new(Context::of_task(self, Location::caller()), future);
        let filling = slot.clone();
        let native = self.driver().spawn_boxed(Box::pin(async move {
            let outcome = future.await;
            *filling.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }));
        Task::from_native(Erased { native, slot })
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.driver().sleep_boxed(duration)
    }

    fn to_any(&self) -> AnyRuntime {
        self.clone()
    }

    fn with_pool(&self, pool: &(impl Pool + ?Sized)) -> Self {
        Self(self.0.with_pool(pool))
    }

    fn name(&self) -> &'static str {
        self.driver().name()
    }

    fn now(&self) -> Instant {
        self.driver().now()
    }
}

impl BlockOn for AnyRuntime {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        let filling = async { output = Some(future.await) };
        self.driver().drive_boxed(std::pin::pin!(filling));
        output
            .unwrap_or_else(|| panic!("the runtime {} gave up a future before its end", self.driver().name()))
    }
}

impl SameRuntime for AnyRuntime {
    fn is_same(&self, other: &AnyRuntime) -> bool {
        is_same(&self.0, other)
    }

    fn to_runtime(&self) -> AnyRuntime {
        let Binding { driver, pool, .. } = self.0.clone();
        Self(Binding { driver, pool, keep: None })
    }
}

/// A task of which the runtime knows the end but not the type.
struct Erased<T> {
    native: Box<dyn NativeTask<()>>,
    slot: Arc<Mutex<Option<Outcome<T>>>>,
}

impl<T: Send + 'static> NativeTask<Outcome<T>> for Erased<T> {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Outcome<T>>> {
        std::task::ready!(self.native.poll(cx));
        Poll::Ready(self.slot.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    fn abort(&self) {
        self.native.abort();
    }

    fn is_finished(&self) -> bool {
        self.native.is_finished()
    }

    fn detach(&mut self) {
        self.native.detach();
    }
}
