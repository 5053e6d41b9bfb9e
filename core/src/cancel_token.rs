//! One cancellation for many.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::catch::{drop_quietly, quietly};

/// Cancels many things at once: calls that were [given it](crate::Call::with_token), code that asks it, futures that await it.
///
/// A clone is the same token. A [`child`](CancelToken::child) is cancelled with its parent, and may be cancelled alone. To
/// drop a token cancels nothing, and a token that was cancelled stays so.
///
/// ```
/// use anyloop_core::{Call, CancelToken, TaskError};
///
/// let token = CancelToken::new();
/// let request = token.child();
/// let call = Call::new(|| 42).with_token(&request);
/// token.cancel();
/// assert!(request.is_cancelled());
/// assert!(matches!(pollster::block_on(call.settle()), Err(TaskError::Cancelled)));
/// ```
#[derive(Clone)]
pub struct CancelToken(Arc<Node>);

struct Node {
    cancelled: AtomicBool,
    state: Mutex<State>,
    /// It keeps its parent, for what is above cancels what is below through all that is between; and its key there.
    parent: Option<(Arc<Node>, usize)>,
}

#[derive(Default)]
struct State {
    children: Slab<Weak<Node>>,
    listeners: Slab<Listener>,
}

/// Whom to tell. Both are foreign code.
enum Listener {
    Waker(Waker),
    Action(Box<dyn FnOnce() + Send>),
}

impl CancelToken {
    /// One that has no parent.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Node::new(false, None)))
    }

    /// One that is cancelled when this is; at once if this was already.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut state = self.0.lock();
        if self.is_cancelled() {
            return Self(Arc::new(Node::new(true, None)));
        }
        let entry = state.children.vacant_entry();
        let child = Arc::new(Node::new(false, Some((self.0.clone(), entry.key()))));
        entry.insert(Arc::downgrade(&child));
        Self(child)
    }

    /// Cancels it and all that are below it, any number of times, from sync or async code.
    ///
    /// First all of them are marked; then calls are aborted, as by [`Task::abort`](crate::Task::abort), and who awaits is
    /// woken, all on this thread. Panics of wakers are caught.
    pub fn cancel(&self) {
        let mut listeners = Vec::new();
        // A tree may be deep: no recursion.
        let mut left = vec![self.0.clone()];
        while let Some(node) = left.pop() {
            let mut state = node.lock();
            // ORDERING: Release pairs with the Acquire in `is_cancelled`. Stored under the lock, so that who registers
            // under it is not overlooked.
            if node.cancelled.swap(true, Ordering::Release) {
                continue;
            }
            let children = std::mem::take(&mut state.children);
            listeners.extend(std::mem::take(&mut state.listeners));
            drop(state);
            left.extend(children.into_iter().filter_map(|(_, child)| child.upgrade()));
        }
        for (_, listener) in listeners {
            listener.tell();
        }
    }

    /// Whether it, or one above it, was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire: what the canceller did before is seen.
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Ends when it is cancelled. Dropping the future loses nothing, and it may be polled again when it was ready.
    pub fn cancelled(&self) -> TokenCancelled {
        TokenCancelled { token: self.clone(), key: None }
    }

    /// Runs `action` when it is cancelled, on the canceller's thread, unless the link is dropped before; here and now if it was
    /// cancelled already.
    pub(crate) fn link(&self, action: impl FnOnce() + Send + 'static) -> Option<Link> {
        match self.0.register(Listener::Action(Box::new(action))) {
            Ok(key) => Some(Link { token: self.clone(), key }),
            Err(listener) => {
                listener.tell();
                None
            }
        }
    }
}

impl Listener {
    fn tell(self) {
        match self {
            Self::Waker(waker) => quietly(|| waker.wake()),
            Self::Action(action) => quietly(action),
        }
    }
}

impl Node {
    fn new(cancelled: bool, parent: Option<(Arc<Self>, usize)>) -> Self {
        Self { cancelled: AtomicBool::new(cancelled), state: Mutex::default(), parent }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Entries are moved under it, and nothing is called or dropped that is foreign.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the listener back if the token was cancelled.
    fn register(&self, listener: Listener) -> Result<usize, Listener> {
        let mut state = self.lock();
        // ORDERING: Relaxed: it is stored under the lock.
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(listener);
        }
        Ok(state.listeners.insert(listener))
    }

    fn unregister(&self, key: usize) {
        // Cancelled meanwhile, it has no listeners, nor will it have any.
        let listener = self.lock().listeners.try_remove(key);
        drop_quietly(listener);
    }

    /// Leaves its parent, which may be the last to do so.
    fn leave(&mut self) -> Option<Arc<Self>> {
        let (parent, key) = self.parent.take()?;
        parent.lock().children.try_remove(key);
        Some(parent)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The way up may be long: no recursion.
        let mut next = self.leave();
        while let Some(parent) = next {
            next = Arc::into_inner(parent).and_then(|mut parent| parent.leave());
        }
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// What a token does when it is cancelled; taken back when this is dropped.
pub(crate) struct Link {
    token: CancelToken,
    key: usize,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.token.0.unregister(self.key);
    }
}

/// The future of [`CancelToken::cancelled`].
#[must_use = "futures do nothing until they are awaited"]
pub struct TokenCancelled {
    token: CancelToken,
    /// Of the waker that it has left.
    key: Option<usize>,
}

impl Future for TokenCancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let mut waker = Listener::Waker(cx.waker().clone());
        let this = &mut *self;
        let Some(key) = this.key else {
            let Ok(key) = this.token.0.register(waker) else { return Poll::Ready(()) };
            this.key = Some(key);
            return Poll::Pending;
        };
        let mut state = this.token.0.lock();
        // None: cancelled meanwhile.
        let place = state.listeners.get_mut(key);
        let polled = if place.is_some() { Poll::Pending } else { Poll::Ready(()) };
        if let Some(place) = place {
            std::mem::swap(place, &mut waker);
        }
        drop(state);
        // The one before, or else the fresh one: foreign code either way, and not to be dropped under the lock.
        drop_quietly(waker);
        polled
    }
}

impl Drop for TokenCancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.token.0.unregister(key);
        }
    }
}

impl fmt::Debug for TokenCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCancelled").field("token", &self.token).finish_non_exhaustive()
    }
}
