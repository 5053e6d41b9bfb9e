//! The one thread-local: the context of the code that runs on a thread, and the call that it runs in.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::Context;
use crate::catch::catch;
use crate::error::Panic;
use crate::interrupts::Hooks;
use crate::task::CallState;
use crate::thread_pool;

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
    /// In such a poll of a spawned task: its thread has others to poll.
    TaskPoll,
    /// In such a poll by a call's own `from_thread::block_on`.
    PollInCall,
}

thread_local! {
    static AMBIENT: Ambient = const {
        Ambient {
            context: Cell::new(ManuallyDrop::new(Context::NONE)),
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

/// Looks at what is in the cell. No reference count moves.
#[inline]
fn peek<T: Default, R>(cell: &Cell<ManuallyDrop<T>>, look: impl FnOnce(&T) -> R) -> R {
    let value = replace(cell, T::default());
    let seen = look(&value);
    // What this replaces is empty: there is nothing to drop.
    cell.set(ManuallyDrop::new(value));
    seen
}

/// A clone of what is in the cell.
#[inline]
fn cloned<T: Clone + Default>(cell: &Cell<ManuallyDrop<T>>) -> T {
    peek(cell, T::clone)
}

/// This thread's context, as anyloop set it.
#[inline]
pub(crate) fn here() -> Context {
    AMBIENT.with(|ambient| cloned(&ambient.context))
}

/// What `look` sees, if this code runs in a call.
#[inline]
fn in_this_call<R>(look: impl FnOnce(&Ambient) -> R) -> Option<R> {
    AMBIENT.with(|ambient| match ambient.place.get() {
        Place::Call | Place::PollInCall => Some(look(ambient)),
        Place::Elsewhere | Place::Poll | Place::TaskPoll => None,
    })
}

/// Whether this code runs in a call.
#[inline]
pub(crate) fn is_in_call() -> bool {
    in_this_call(|_| ()).is_some()
}

/// The call that this code runs in.
fn current_call() -> Option<Arc<dyn CallState>> {
    in_this_call(|ambient| cloned(&ambient.call))?
}

/// The address of the call that this code runs in, by which a pool knows its job; 0 for none.
pub(crate) fn call_address() -> usize {
    let address = |ambient: &Ambient| {
        peek(&ambient.call, |call| call.as_ref().map_or(0, |call| Arc::as_ptr(call).addr()))
    };
    in_this_call(address).unwrap_or(0)
}

/// The context of the call that this code runs in, if it has a deadline.
#[inline]
pub(crate) fn limited_call() -> Option<Context> {
    in_this_call(|ambient| peek(&ambient.context, |context| context.deadline().map(|_| context.clone())))?
}

/// Whether that call was cancelled.
#[inline]
pub(crate) fn is_call_cancelled() -> bool {
    in_this_call(|ambient| peek(&ambient.call, |call| call.as_ref().is_some_and(|call| call.is_cancelled())))
        .unwrap_or(false)
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

/// Polls a task in its context, and catches a panic. What [`Swapped`] does, without a guard: this is on the path
/// of every poll of every task.
#[inline]
pub(crate) fn poll_in<R>(context: &mut Context, poll: impl FnOnce() -> R) -> Result<R, Panic> {
    let watched = context.watched();
    let before = exchange(std::mem::take(context), Place::TaskPoll);
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
        Place::Poll | Place::TaskPoll | Place::PollInCall => Place::PollInCall,
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
        if !previous.is_set() && AMBIENT.with(|ambient| ambient.place.get()) != Place::Elsewhere {
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

/// Whether this code is in the poll of a spawned task, which others on its thread wait for.
pub(crate) fn is_in_task_poll() -> bool {
    AMBIENT.with(|ambient| ambient.place.get()) == Place::TaskPoll
}

/// C08: says what to do instead of blocking a runtime from inside a poll.
#[track_caller]
pub(crate) fn forbid_in_poll(what: &str) {
    advise(what, |place| matches!(place, Place::Poll | Place::TaskPoll | Place::PollInCall));
}

/// The same for what may block a call that runs inside a poll, as those of an `InlinePool` do.
#[track_caller]
pub(crate) fn forbid_in_spawned_poll(what: &str) {
    advise(what, |place| matches!(place, Place::Poll | Place::TaskPoll));
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
