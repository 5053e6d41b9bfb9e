//! What travels from a caller into what it starts: the current runtime (with its pool) and the run it
//! belongs to (C19, C34). It lives in one thread-local.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::catch::{catch, drop_quietly};
use crate::current;
use crate::error::Panic;
use crate::interrupts::Hooks;
use crate::runtime::{AnyRuntime, Runtime};
use crate::scope::Scope;
use crate::task::CallState;
use crate::thread_pool;
use crate::watchdog::{self, Watched};

/// The part that is handed on to tasks and calls: one pointer, shared by all that have it in common, so
/// that handing it on costs one reference count.
#[derive(Clone, Default)]
pub(crate) struct Context(Option<Arc<Inner>>);

struct Inner {
    /// There until the drop.
    runtime: Option<AnyRuntime>,
    scope: Option<Arc<Scope>>,
    /// Of a task that was spawned while the watchdog was on: where.
    place: Option<&'static Location<'static>>,
    /// On the runtime's clock, so that there is a runtime.
    deadline: Option<Instant>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The last handle of a runtime may go with it, whose destructor is an adapter's: a panic of it
        // must not get out of whatever drops a context.
        drop_quietly(self.runtime.take());
    }
}

impl Context {
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
        Self(Some(Arc::new(Inner { runtime, scope, deadline, place })))
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
        Self::with(context.runtime().cloned(), context.scope().cloned(), None, None).at(place)
    }

    /// The same for the watchdog to know its place, if that is on.
    pub(crate) fn at(self, place: &'static Location<'static>) -> Self {
        if !watchdog::is_on() {
            return self;
        }
        Self::with(self.runtime().cloned(), self.scope().cloned(), self.deadline(), Some(place))
    }

    /// The same with a deadline, no later than the one that it has.
    pub(crate) fn with_deadline(&self, deadline: Instant) -> Self {
        let deadline = self.deadline().into_iter().chain([deadline]).min();
        Self::with(self.runtime().cloned(), self.scope().cloned(), deadline, self.place())
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

/// All that the thread-local holds. In cells, so that a poll costs a few loads and stores; and without a
/// destructor, since a thread-local that has one asks at each access whether it is still there. What a
/// thread leaves behind at its end is [`Sweep`]'s.
struct Ambient {
    context: Cell<ManuallyDrop<Context>>,
    /// The call that this thread is running.
    call: Cell<ManuallyDrop<Option<Arc<dyn CallState>>>>,
    /// What that call wants done when it is cancelled; made when it asks for it.
    hooks: Cell<ManuallyDrop<Option<Arc<Hooks>>>>,
    place: Cell<Place>,
}

/// Where code runs, as far as anyloop knows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// Outside.
    Elsewhere,
    /// In a call, on a thread of a pool.
    Call,
    /// In a poll that anyloop drives: blocking would block a runtime (C08).
    Poll,
    /// In such a poll by a call's own `from_thread::block_on`.
    PollInCall,
}

thread_local! {
    static AMBIENT: Ambient = const {
        Ambient {
            context: Cell::new(ManuallyDrop::new(Context(None))),
            call: Cell::new(ManuallyDrop::new(None)),
            hooks: Cell::new(ManuallyDrop::new(None)),
            place: Cell::new(Place::Elsewhere),
        }
    };
}

/// Replaces what is in a cell of the thread's, which owns it.
#[inline]
fn replace<T>(cell: &Cell<ManuallyDrop<T>>, value: T) -> T {
    ManuallyDrop::into_inner(cell.replace(ManuallyDrop::new(value)))
}

/// A clone of what is in the cell.
#[inline]
fn cloned<T: Clone + Default>(cell: &Cell<ManuallyDrop<T>>) -> T {
    let value = replace(cell, T::default());
    let clone = value.clone();
    cell.set(ManuallyDrop::new(value));
    clone
}

/// This thread's context, as anyloop set it.
#[inline]
pub(crate) fn here() -> Context {
    AMBIENT.with(|ambient| cloned(&ambient.context))
}

/// Whether this code runs in a call.
#[inline]
pub(crate) fn is_in_call() -> bool {
    matches!(AMBIENT.with(|ambient| ambient.place.get()), Place::Call | Place::PollInCall)
}

/// The call that this code runs in.
pub(crate) fn current_call() -> Option<Arc<dyn CallState>> {
    AMBIENT.with(|ambient| match ambient.place.get() {
        Place::Call | Place::PollInCall => cloned(&ambient.call),
        Place::Elsewhere | Place::Poll => None,
    })
}

/// The context of the call that this code runs in, if it has a deadline.
#[inline]
pub(crate) fn limited_call() -> Option<Context> {
    let is_limited = AMBIENT.with(|ambient| match ambient.place.get() {
        Place::Call | Place::PollInCall => {
            let context = replace(&ambient.context, Context(None));
            let is_limited = context.deadline().is_some();
            // What is dropped here is empty.
            drop(replace(&ambient.context, context));
            is_limited
        }
        Place::Elsewhere | Place::Poll => false,
    });
    is_limited.then(here)
}

/// Whether that call was cancelled. No reference count moves.
#[inline]
pub(crate) fn is_call_cancelled() -> bool {
    AMBIENT.with(|ambient| match ambient.place.get() {
        Place::Call | Place::PollInCall => {
            let call = replace(&ambient.call, None);
            let cancelled = call.as_ref().is_some_and(|call| call.is_cancelled());
            // What is dropped here is empty.
            drop(replace(&ambient.call, call));
            cancelled
        }
        Place::Elsewhere | Place::Poll => false,
    })
}

/// The hooks of the call that this code runs in.
pub(crate) fn hooks_of_this_call() -> Option<Arc<Hooks>> {
    let call = current_call()?;
    let known = AMBIENT.with(|ambient| cloned(&ambient.hooks));
    if known.is_some() {
        return known;
    }
    let hooks = Arc::new(Hooks::default());
    call.interrupts().add(hooks.clone());
    thread_pool::add_interrupt(&hooks);
    AMBIENT.with(|ambient| replace(&ambient.hooks, Some(hooks.clone())));
    Some(hooks)
}

/// After the end of a call that had hooks.
#[cold]
fn end_hooks(call: Option<Arc<dyn CallState>>, hooks: &Arc<Hooks>) {
    hooks.end();
    thread_pool::remove_interrupt(hooks);
    if let Some(call) = call {
        call.interrupts().remove(hooks);
    }
}

/// Makes a context the thread's own while the guard lives, then gives it back with whatever changed in
/// it, and the thread its own. No reference count moves.
pub(crate) struct Swapped<'a> {
    home: &'a mut Context,
    /// What was there before.
    context: Context,
    place: Place,
}

impl<'a> Swapped<'a> {
    #[inline]
    pub(crate) fn new(home: &'a mut Context, place: Place) -> Self {
        let (context, place) = exchange(std::mem::take(home), place);
        Self { home, context, place }
    }
}

impl Drop for Swapped<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.home = exchange(std::mem::take(&mut self.context), self.place).0;
    }
}

/// Polls in a context, and catches a panic. What [`Swapped`] does, without a guard: this is on the path
/// of every poll of every task.
#[inline]
pub(crate) fn poll_in<R>(context: &mut Context, poll: impl FnOnce() -> R) -> Result<R, Panic> {
    let watched = context.watched();
    let before = exchange(std::mem::take(context), Place::Poll);
    let polled = catch(poll);
    drop(watched);
    // It was taken: there is none to drop.
    std::mem::forget(std::mem::replace(context, exchange(before.0, before.1).0));
    polled
}

/// Sets the thread's context and place, and gives back what was there.
#[inline]
fn exchange(context: Context, place: Place) -> (Context, Place) {
    AMBIENT.with(|ambient| (replace(&ambient.context, context), ambient.place.replace(place)))
}

/// Runs `f` as the body of `call`.
pub(crate) fn in_call<R>(context: &mut Context, call: Arc<dyn CallState>, f: impl FnOnce() -> R) -> R {
    type Call = (Option<Arc<dyn CallState>>, Option<Arc<Hooks>>);

    struct Restore(Call);

    impl Drop for Restore {
        fn drop(&mut self) {
            let (call, hooks) = exchange_call(std::mem::take(&mut self.0));
            if let Some(hooks) = hooks {
                end_hooks(call, &hooks);
            }
        }
    }

    fn exchange_call((call, hooks): Call) -> Call {
        AMBIENT.with(|ambient| (replace(&ambient.call, call), replace(&ambient.hooks, hooks)))
    }

    let _restore = Restore(exchange_call((Some(call), None)));
    // A pool may run it where it was submitted, inside a poll, which it must not block any more than the code
    // around it.
    let place = match AMBIENT.with(|ambient| ambient.place.get()) {
        Place::Poll | Place::PollInCall => Place::PollInCall,
        Place::Elsewhere | Place::Call => Place::Call,
    };
    let _context = Swapped::new(context, place);
    f()
}

/// Keeps a runtime current on this thread; what was current before comes back when it is dropped.
///
/// Made by [`Runtime::enter`](crate::Runtime::enter).
#[must_use = "the runtime is current only while the guard lives"]
pub struct EnterGuard {
    previous: Context,
    /// Belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl EnterGuard {
    pub(crate) fn new(context: Context) -> Self {
        // Late in a thread's life it cannot be had any more: then a context that is left behind leaks.
        let _ = SWEEP.try_with(|_| {});
        Self { previous: replace_context(context), not_send: PhantomData }
    }
}

fn replace_context(context: Context) -> Context {
    AMBIENT.with(|ambient| replace(&ambient.context, context))
}

/// Drops, at the end of a thread, the context that guards have left there: those that were forgotten, or
/// dropped in another order than made. Everything else gives back what it found.
struct Sweep;

thread_local! {
    static SWEEP: Sweep = const { Sweep };
}

impl Drop for Sweep {
    fn drop(&mut self) {
        drop(replace_context(Context::default()));
    }
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        let previous = std::mem::take(&mut self.previous);
        // A guard from outside that is dropped inside a poll or call must not take its context away.
        if previous.0.is_none() && AMBIENT.with(|ambient| ambient.place.get()) != Place::Elsewhere {
            return;
        }
        // Dropped here, when the thread has its own again: the last handle of a runtime may go with it.
        drop(replace_context(previous));
    }
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").field("previous", &self.previous.runtime()).finish()
    }
}

/// C08: says what to do instead of blocking a runtime from inside a poll.
#[track_caller]
pub(crate) fn forbid_in_poll(what: &str) {
    advise(what, |place| matches!(place, Place::Poll | Place::PollInCall));
}

/// The same for what may block a call that runs inside a poll, as those of an `InlinePool` do.
#[track_caller]
pub(crate) fn forbid_in_spawned_poll(what: &str) {
    advise(what, |place| place == Place::Poll);
}

#[track_caller]
fn advise(what: &str, is_forbidden: impl FnOnce(Place) -> bool) {
    if is_forbidden(AMBIENT.with(|ambient| ambient.place.get())) {
        panic!(
            "{what} was called inside async code that anyloop polls, where it would block the runtime: \
             `.await` instead, or move the blocking code into a wrapped call"
        );
    }
}
