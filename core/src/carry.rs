//! What programs want along in their calls: see [`Carry`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::Panic;
use crate::catch::{catch, drop_each, drop_quietly};

/// Something of the program's own that travels from a caller into its call (C34): a locale, a request's id, an
/// OpenTelemetry context, a value of `tokio::task_local!`.
///
/// It is registered once, with [`register_carry`]. From then on its value is captured wherever a call is submitted, and
/// is there while the call runs, also on another thread, of whichever pool. What is started inside the call captures it
/// again. Tasks that are spawned do not have it: how it gets into those is its runtime's affair.
///
/// # Panics
///
/// A panic of [`capture`](Carry::capture) is caught, and the call goes without the value. One of [`scope`](Carry::scope)
/// before it has run the body is what the call ends in; one after it concerns nobody any more.
///
/// ```
/// use std::cell::Cell;
/// use anyloop_core::{Carry, PoolExt, ThreadPool, register_carry};
///
/// thread_local! {
///     static REQUEST: Cell<Option<u64>> = const { Cell::new(None) };
/// }
///
/// struct Request;
///
/// impl Carry for Request {
///     type Value = u64;
///     fn capture(&self) -> Option<u64> {
///         REQUEST.get()
///     }
///     fn scope(&self, value: u64, body: &mut dyn FnMut()) {
///         let before = REQUEST.replace(Some(value));
///         body();
///         REQUEST.set(before);
///     }
/// }
///
/// register_carry(Request);
/// REQUEST.set(Some(17));
/// let pool = ThreadPool::new(1)?;
/// assert_eq!(pool.submit(|| REQUEST.get()).wait().unwrap(), Some(17));
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
///
/// With a guard of somebody else's, as OpenTelemetry's `Context::attach`, `scope` is `let _guard = value.attach(); body()`;
/// with a key of `tokio::task_local!`, `KEY.sync_scope(value, body)`. `body` never panics: what the call ends in is kept until
/// all scopes are behind it.
pub trait Carry: Send + Sync + 'static {
    /// What travels.
    type Value: Send + 'static;

    /// The value where a call is submitted; `None` if there is none, which costs the call nothing more.
    fn capture(&self) -> Option<Self::Value>;

    /// Runs `body` once, with `value` in place.
    fn scope(&self, value: Self::Value, body: &mut dyn FnMut());
}

/// Lets `carry`'s value travel into all calls that are submitted from now on. It cannot be taken back. Several are
/// put in place in the order in which they were registered.
pub fn register_carry(carry: impl Carry) {
    let mut all = CARRIES.write().unwrap_or_else(PoisonError::into_inner);
    let more = all.iter().cloned().chain([Arc::new(carry) as Arc<dyn Capture>]).collect();
    let before = std::mem::replace(&mut *all, more);
    drop(all);
    // Not the last of its carries: `more` has them.
    drop(before);
    // ORDERING: Relaxed: a thread that learns of it a little later submits a little earlier.
    ANY.store(true, Ordering::Relaxed);
}

static CARRIES: RwLock<Vec<Arc<dyn Capture>>> = RwLock::new(Vec::new());
/// Whether any was registered.
static ANY: AtomicBool = AtomicBool::new(false);

/// A [`Carry`] of any type.
trait Capture: Send + Sync {
    fn capture(self: Arc<Self>) -> Option<Box<dyn Scope>>;
}

impl<C: Carry> Capture for C {
    fn capture(self: Arc<Self>) -> Option<Box<dyn Scope>> {
        let value = Carry::capture(&*self)?;
        Some(Box::new(Captured { carry: self, value }))
    }
}

struct Captured<C: Carry> {
    carry: Arc<C>,
    value: C::Value,
}

/// A value on its way.
trait Scope: Send {
    fn scope(self: Box<Self>, body: &mut dyn FnMut());
}

impl<C: Carry> Scope for Captured<C> {
    fn scope(self: Box<Self>, body: &mut dyn FnMut()) {
        let Self { carry, value } = *self;
        carry.scope(value, body);
    }
}

/// The values of one call. A pointer's size, and most often none.
#[expect(clippy::box_collection, reason = "a call that carries nothing is to be no larger than need be")]
pub(crate) struct Luggage(Option<Box<Vec<Box<dyn Scope>>>>);

impl Luggage {
    #[inline]
    pub(crate) fn capture() -> Self {
        // ORDERING: Relaxed, see `register_carry`.
        if ANY.load(Ordering::Relaxed) { Self::capture_all() } else { Self(None) }
    }

    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    #[cold]
    fn capture_all() -> Self {
        // Their code is called without the lock.
        let all = CARRIES.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut values = Vec::new();
        for carry in all {
            match catch(|| carry.capture()) {
                Ok(value) => values.extend(value),
                Err(panic) => drop_quietly(panic),
            }
        }
        Self(if values.is_empty() { None } else { Some(Box::new(values)) })
    }

    /// Runs `f` with all values in place. Goes on with a panic of `f`'s.
    #[inline]
    pub(crate) fn scope<T>(mut self, f: impl FnOnce() -> T) -> T {
        match self.0.take() {
            None => f(),
            Some(values) => scope_all(*values, f),
        }
    }
}

impl Drop for Luggage {
    #[inline]
    fn drop(&mut self) {
        if let Some(values) = self.0.take() {
            drop_each(values.into_iter());
        }
    }
}

#[cold]
fn scope_all<T>(values: Vec<Box<dyn Scope>>, f: impl FnOnce() -> T) -> T {
    let mut values = values.into_iter();
    let mut f = Some(f);
    let mut ended = None;
    let scoped = within(&mut values, &mut || {
        if let Some(f) = f.take() {
            ended = Some(catch(f));
        }
    });
    // Those that a panic has left; and a closure that did not run, not while that panic goes on (C07).
    drop_each(values);
    drop_quietly(f.take());
    match (ended, scoped) {
        (Some(ended), scoped) => {
            // The call has had its end before: what comes after it concerns nobody.
            drop_quietly(scoped);
            ended.unwrap_or_else(|panic| panic.resume())
        }
        (None, Err(panic)) => panic.resume(),
        (None, Ok(())) => panic!("a `Carry::scope` did not run its body, so the call did not run"),
    }
}

/// Puts the next value in place, and inside it those after it. A panic is caught where it comes from: none goes through
/// another one's scope.
fn within(values: &mut dyn Iterator<Item = Box<dyn Scope>>, body: &mut dyn FnMut()) -> Result<(), Panic> {
    let Some(value) = values.next() else {
        body();
        return Ok(());
    };
    let mut inner = Ok(());
    let own = catch(|| {
        value.scope(&mut || {
            // A second time, it finds nothing left to do.
            if inner.is_ok() {
                inner = within(values, body);
            }
        });
    });
    match (own, inner) {
        (Ok(()), inner) => inner,
        (Err(panic), inner) => {
            drop_quietly(inner);
            Err(panic)
        }
    }
}
