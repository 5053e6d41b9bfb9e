//! What travels from a caller into what it starts: the current runtime (with its pool), the run it belongs to, and the
//! call's deadline (C19, C34, C38). Where it lives on a thread is in `ambient`.

mod ambient;

use std::cell::Cell;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;

pub use ambient::EnterGuard;
pub(crate) use ambient::{
    Place, Swapped, call_address, forbid_in_poll, forbid_in_spawned_poll, here, hooks_of_this_call, in_call,
    is_call_cancelled, is_in_call, is_in_task_poll, limited_call, poll_in,
};

use crate::catch::{catch, drop_quietly};
use crate::current;
use crate::runtime::{AnyRuntime, Runtime};
use crate::scope::Scope;
use crate::watchdog::{self, Watched};

/// The part that is handed on to tasks and calls: one pointer, shared by all that have it in common, so
/// that handing it on costs one reference count.
#[derive(Clone, Default)]
pub(crate) struct Context(Option<Arc<Inner>>);

// In this order.
#[repr(C)]
struct Inner {
    _apart: Apart,
    /// There until the drop.
    runtime: Option<AnyRuntime>,
    scope: Option<Arc<Scope>>,
    /// Of a task that was spawned while the watchdog was on: where.
    place: Option<&'static Location<'static>>,
    /// On the runtime's clock, so that there is a runtime.
    deadline: Option<Instant>,
}

/// A cache line between the reference counts and the rest: submitters change those for each call, while
/// workers read this. (A type aligned to a cache line would do the same, but malloc has only a slow way for that.)
#[derive(Default)]
struct Apart(#[expect(dead_code, reason = "it is there to be between")] [usize; 8]);

impl Drop for Inner {
    fn drop(&mut self) {
        // The last handle of a runtime may go with it, whose destructor is an adapter's: a panic of it
        // must not get out of whatever drops a context.
        drop_quietly(self.runtime.take());
    }
}

impl Context {
    /// Of code that anyloop has nothing to do with.
    const NONE: Self = Self(None);

    /// Does not keep the runtime's owner alive.
    pub(crate) fn new(runtime: &impl SameRuntime, scope: Option<Arc<Scope>>) -> Self {
        Self::with(Some(runtime.to_runtime()), scope, None, None)
    }

    fn with(
        runtime: Option<AnyRuntime>,
        scope: Option<Arc<Scope>>,
        deadline: Option<Instant>,
        place: Option<&'static Location<'static>>,
    ) -> Self {
        Self(Some(Arc::new(Inner { _apart: Apart::default(), runtime, scope, deadline, place })))
    }

    /// The context of what is started under `runtime` here: this thread's own, if the runtime is
    /// the current one, and otherwise a new one of the same run.
    #[inline]
    pub(crate) fn under(runtime: &impl SameRuntime) -> Self {
        let here = here();
        match here.runtime() {
            Some(current) if runtime.is_same(current) => here,
            _ => Self::with(Some(runtime.to_runtime()), here.scope().cloned(), here.deadline(), None),
        }
    }

    /// The context of a future that is started as a task under `runtime` here, at `place`: its caller's deadline is not
    /// its own.
    #[inline]
    pub(crate) fn of_task(runtime: &impl SameRuntime, place: &'static Location<'static>) -> Self {
        let context = Self::under(runtime);
        if context.deadline().is_none() && !watchdog::is_on() {
            return context;
        }
        context.changed(None, watchdog::is_on().then_some(place))
    }

    /// The same for the watchdog to know its place, if that is on.
    pub(crate) fn at(self, place: &'static Location<'static>) -> Self {
        if watchdog::is_on() { self.changed(self.deadline(), Some(place)) } else { self }
    }

    /// The same with a deadline, no later than the one that it has.
    pub(crate) fn with_deadline(&self, deadline: Instant) -> Self {
        let deadline = self.deadline().into_iter().chain([deadline]).min();
        self.changed(deadline, self.place())
    }

    /// Another one of the same runtime and run.
    fn changed(&self, deadline: Option<Instant>, place: Option<&'static Location<'static>>) -> Self {
        Self::with(self.runtime().cloned(), self.scope().cloned(), deadline, place)
    }

    fn place(&self) -> Option<&'static Location<'static>> {
        self.0.as_ref().and_then(|inner| inner.place)
    }

    /// Notes for the watchdog that a task of this context is polled.
    #[inline]
    pub(crate) fn watched(&self) -> Option<Watched> {
        Watched::begin(|| self.place())
    }

    /// The context of this thread; where anyloop put none, the runtime that an adapter recognizes.
    pub(crate) fn capture() -> Self {
        let here = here();
        if here.0.is_some() {
            return here;
        }
        if let Some(known) = recognized() {
            return known;
        }
        let context = current::probe().map_or(here, |runtime| Self::new(&runtime, None));
        remember(&context);
        context
    }

    /// Whether it is one that anyloop set.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub(crate) fn runtime(&self) -> Option<&AnyRuntime> {
        self.0.as_ref().and_then(|inner| inner.runtime.as_ref())
    }

    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|inner| inner.deadline)
    }

    /// Whether its deadline has come.
    #[inline]
    pub(crate) fn is_overdue(&self) -> bool {
        self.deadline().is_some_and(|deadline| {
            // An adapter's code, whose panic concerns nobody here.
            let now = catch(|| self.runtime().map(Runtime::now));
            now.ok().flatten().is_some_and(|now| now >= deadline)
        })
    }

    #[inline]
    pub(crate) fn scope(&self) -> Option<&Arc<Scope>> {
        self.0.as_ref().and_then(|inner| inner.scope.as_ref())
    }
}

thread_local! {
    /// The context of the runtime that was recognized last on this thread. Weak: only what is outstanding under
    /// the runtime keeps it, not a thread that has long gone on to something else.
    static RECOGNIZED: Cell<Weak<Inner>> = const { Cell::new(Weak::new()) };
}

/// The context that was recognized last, if it is still in use and its runtime still drives this thread.
fn recognized() -> Option<Context> {
    // Taken out meanwhile: an adapter's code is asked below.
    let weak = RECOGNIZED.try_with(Cell::take).ok()?;
    let context = Context(weak.upgrade());
    let still = context.runtime().is_some_and(current::is_ambient);
    if still {
        remember(&context);
    }
    still.then_some(context)
}

/// Late in a thread's life nothing is remembered any more.
fn remember(context: &Context) {
    let weak = context.0.as_ref().map_or_else(Weak::new, Arc::downgrade);
    let _ = RECOGNIZED.try_with(|last| last.set(weak));
}

/// Tells whether a runtime is the one of a context without making an [`AnyRuntime`] of it.
pub(crate) trait SameRuntime {
    fn is_same(&self, other: &AnyRuntime) -> bool;
    /// Without what keeps its owner.
    fn to_runtime(&self) -> AnyRuntime;
}
