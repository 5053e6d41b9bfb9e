//! What travels from a caller into what it starts: the current runtime (with its pool) and the run it
//! belongs to (C19, C34). It lives in one thread-local, swapped as a whole.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::current;
use crate::runtime::AnyRuntime;
use crate::scope::Scope;
use crate::task::CallState;

/// The part that is handed on to tasks and calls.
#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) runtime: Option<AnyRuntime>,
    pub(crate) scope: Option<Arc<Scope>>,
}

impl Context {
    /// The context of this thread; where anyloop put none, the runtime that an adapter recognizes.
    pub(crate) fn capture() -> Self {
        let mut context = peek(|ambient| ambient.context.clone());
        if context.runtime.is_none() {
            context.runtime = current::probe();
        }
        context
    }
}

/// All that the thread-local holds.
#[derive(Default)]
pub(crate) struct Ambient {
    pub(crate) context: Context,
    /// The call that this thread is running, if it runs one.
    pub(crate) call: Option<Arc<dyn CallState>>,
    /// Inside a poll that anyloop drives: blocking here would block a runtime (C08).
    pub(crate) polling: bool,
}

thread_local! {
    static AMBIENT: RefCell<Ambient> = const {
        RefCell::new(Ambient {
            context: Context { runtime: None, scope: None },
            call: None,
            polling: false,
        })
    };
}

/// Looks at the ambient state. `look` must only clone or compare: it runs inside the borrow.
pub(crate) fn peek<R: Default>(look: impl FnOnce(&Ambient) -> R) -> R {
    // While the thread's locals are being destroyed there is no context any more.
    AMBIENT.try_with(|ambient| look(&ambient.borrow())).unwrap_or_default()
}

fn swap(with: &mut Ambient) {
    let _ = AMBIENT.try_with(|ambient| std::mem::swap(&mut *ambient.borrow_mut(), with));
}

/// Makes `ambient` the thread's own while the guard lives, and puts it back afterwards with whatever
/// changed in it. No reference count moves, so that a poll costs two swaps.
pub(crate) struct Swapped<'a>(&'a mut Ambient);

impl<'a> Swapped<'a> {
    pub(crate) fn new(ambient: &'a mut Ambient) -> Self {
        swap(ambient);
        Self(ambient)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        swap(self.0);
    }
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
        Self { previous: replace_context(context), not_send: PhantomData }
    }
}

fn replace_context(context: Context) -> Context {
    AMBIENT
        .try_with(|ambient| std::mem::replace(&mut ambient.borrow_mut().context, context))
        .unwrap_or_default()
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        // Dropped here, outside the borrow: the last handle of a runtime may go with it.
        drop(replace_context(std::mem::take(&mut self.previous)));
    }
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").field("previous", &self.previous.runtime).finish()
    }
}

/// C08: says what to do instead of blocking a runtime from inside a poll.
#[track_caller]
pub(crate) fn forbid_in_poll(what: &str) {
    if peek(|ambient| ambient.polling) {
        panic!(
            "{what} was called inside async code that anyloop polls, where it would block the runtime: \
             `.await` instead, or move the blocking code into a wrapped call"
        );
    }
}
