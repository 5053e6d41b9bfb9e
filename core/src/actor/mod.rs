//! A value that one call at a time uses, and that may be bound to its thread.

mod builder;
mod call;
mod handle;
mod mailbox;
mod pump;
mod start;
mod thread;
mod turn;
mod value;

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

pub use builder::ActorBuilder;
pub use call::{ActorCall, ActorSettle};
pub use start::ActorStart;
pub(crate) use turn::forbid_in_turn;

use self::handle::Handle;
use self::mailbox::Manner;
use self::value::Core;
use crate::error::TaskError;
use crate::pool::{Job, Pool, Refused};
use crate::task::{Awaiter, Task};

/// A value on a thread of its own, for code that is neither `Sync` nor, perhaps, `Send`: a database connection, a
/// repository, an interpreter.
///
/// The value is made, used and dropped on that one thread, and never leaves it. Calls get `&mut T`, one at a time, in the
/// order in which they were submitted. The handle can be cloned and sent anywhere.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// use anyloop_core::Actor;
///
/// // An `Rc` may not leave the thread that made it.
/// let counter = Actor::new(|| Rc::new(Cell::new(0)));
/// # pollster::block_on(async {
/// let value = counter.call(|counter| {
///     counter.set(counter.get() + 1);
///     counter.get()
/// });
/// assert_eq!(value.await, 1);
/// # });
/// ```
///
/// # Its calls are tasks
///
/// What [`with`](Self::with) gives is a [`Task`] like any other: it can be awaited, aborted, detached; one that is dropped in
/// the queue never runs (C03), and the caller's runtime is current inside (C34). [`call`](Self::call) begins when it is
/// awaited, as an `async fn` does, and waits for room where there is a [`queue_limit`](ActorBuilder::queue_limit).
///
/// # The end
///
/// When the last handle is dropped, the actor takes no more, what is queued still runs, and then the value is dropped,
/// on its thread; nobody is blocked. A call that waits, and is not begun, counts as a handle. [`shutdown`](Self::shutdown)
/// waits for that, [`close`](Self::close) gives the value back. What comes too late ends in [`TaskError::Shutdown`]. A
/// destructor that panics takes nothing else down.
///
/// # Panics in it
///
/// A call that panics ends in [`TaskError::Panicked`]; what becomes of the value is the [`PanicPolicy`]'s affair. By default
/// it is dropped, and all other calls end in [`TaskError::Poisoned`], with the panic's message. So they do when the factory
/// panics; under [`PanicPolicy::Rebuild`] the next call tries again.
///
/// # Waiting inside a call
///
/// A call may wait for other things ([`from_thread::block_on`](crate::from_thread::block_on), [`Task::wait`]). It keeps
/// the value meanwhile: no other call of the actor runs. If it waits for a call of its own actor, it would
/// wait for ever: that panics with advice, where it polls that call itself. It is not noticed where it waits
/// for somebody else who waits for such a call. Use the `&mut T` instead, or [`detach`](Task::detach) the other call.
///
/// # Without a thread
///
/// A `T: Send` needs no thread of its own: see [`on`](Self::on).
pub struct Actor<T: 'static> {
    handle: Arc<Handle<T>>,
}

/// What becomes of an actor's value when a call of it has panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicPolicy {
    /// The value is dropped, on its thread, before the panic is seen. What is queued, and what comes,
    /// ends in [`TaskError::Poisoned`].
    #[default]
    Poison,
    /// The value is dropped, and the next call gets a new one. Where the factory cannot make it, that call
    /// ends in [`TaskError::Poisoned`], and the one after it tries again. For [`ActorBuilder::start_with`] and
    /// [`ActorBuilder::try_start_with`].
    Rebuild,
    /// The next call gets the value as the panic has left it.
    Keep,
}

impl<T: 'static> Actor<T> {
    /// Starts a thread that makes a value with `factory` and owns it. Returns at once, and never fails: where the
    /// factory panics, each call ends in [`TaskError::Poisoned`]; where the system gives no thread, in
    /// [`TaskError::NoThread`], until it gives one.
    ///
    /// ```
    /// use anyloop_core::Actor;
    ///
    /// let words = Actor::new(Vec::<String>::new);
    /// let count = words.with(|words| {
    ///     words.push("one".to_owned());
    ///     words.len()
    /// });
    /// assert_eq!(count.wait().unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn new<F: FnOnce() -> T + Send + 'static>(factory: F) -> Self {
        Self::default_of(Self::builder().start(factory))
    }

    /// The same for a factory that can fail. The factory runs at once; await the future to have the actor, or the
    /// factory's error.
    ///
    /// Dropping the future before it is ready cancels: the value, if there is one, is dropped on its thread.
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::{self, Read};
    ///
    /// use anyloop_core::Actor;
    ///
    /// # pollster::block_on(async {
    /// let file = Actor::try_new(|| File::open("Cargo.toml")).await.unwrap()?;
    /// let text = file.call(|file| io::read_to_string(file)).await?;
    /// assert!(text.contains("[package]"));
    ///
    /// let missing = Actor::try_new(|| File::open("/no/such/file")).await.unwrap();
    /// assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    /// # io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn try_new<E, F>(factory: F) -> ActorStart<T, E>
    where
        E: Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        Self::default_of(Self::builder().try_start(factory))
    }

    /// Settings for an actor.
    pub fn builder() -> ActorBuilder<T> {
        ActorBuilder::new()
    }

    /// An actor without a thread of its own: its calls run on the threads of `pool`, one at a time and in the order
    /// in which they were submitted.
    ///
    /// While it is idle it has no thread, and what waits for it waits in a queue of its own, so that no thread of the pool
    /// ever waits for a lock. It runs its calls for about a millisecond in one go, then queues up
    /// again behind others. A call that waits lends its place in the pool (C17), but not its turn in the actor. The
    /// value is dropped on the pool. What the pool refuses, or drops, ends in the pool's reason.
    ///
    /// ```
    /// use anyloop_core::{Actor, ThreadPool};
    ///
    /// let totals: Vec<_> = (0..1000).map(|_| Actor::on(ThreadPool::global(), 0_u64)).collect();
    /// totals[7].with(|total| *total += 20).detach();
    /// assert_eq!(totals[7].with(|total| *total + 22).wait().unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn on(pool: &(impl Pool + ?Sized), value: T) -> Self
    where
        T: Send,
    {
        Self::default_of(Self::builder().on(pool).start(move || value))
    }

    fn default_of<R>(started: Result<R, crate::BuildError>) -> R {
        match started {
            Ok(started) => started,
            Err(error) => unreachable!("the defaults are possible settings: {error}"),
        }
    }

    /// Queues a call, at once (C01).
    ///
    /// Dropping the task cancels it; while it waits in the queue, its closure is dropped there and then.
    ///
    /// The task ends in [`TaskError::Full`] if the queue is, in [`TaskError::Shutdown`] if the actor was closed, and in
    /// [`TaskError::Poisoned`] if its value is gone.
    #[track_caller]
    pub fn with<R, F>(&self, f: F) -> Task<R>
    where
        R: Send + 'static,
        F: FnOnce(&mut T) -> R + Send + 'static,
    {
        self.submit(f, false, Location::caller())
    }

    fn submit<R, F>(&self, f: F, patient: bool, place: &'static Location<'static>) -> Task<R>
    where
        R: Send + 'static,
        F: FnOnce(&mut T) -> R + Send + 'static,
    {
        let manner = if patient { Manner::Patient } else { Manner::Now };
        let core = self.core().clone();
        self.core().submit(manner, move || core.perform(f, place), place)
    }

    /// The same, but what is refused comes back.
    ///
    /// # Errors
    ///
    /// The closure and the reason: [`Refused::Full`], [`Refused::Shutdown`] or [`Refused::Poisoned`].
    ///
    /// ```
    /// use anyloop_core::{Actor, Refused};
    ///
    /// let actor = Actor::new(|| 1);
    /// assert_eq!(actor.close().wait().unwrap(), 1);
    /// let Err((f, reason)) = actor.try_with(|value| *value + 1) else { unreachable!() };
    /// assert!(matches!(reason, Refused::Shutdown));
    /// assert_eq!(f(&mut 2), 3);
    /// ```
    #[track_caller]
    pub fn try_with<R, F>(&self, f: F) -> Result<Task<R>, (F, Refused)>
    where
        R: Send + 'static,
        F: FnOnce(&mut T) -> R + Send + 'static,
    {
        let (core, place) = (self.core().clone(), Location::caller());
        // Where both sides find it: who runs it, and who is refused.
        let ours = Arc::new(Mutex::new(Some(f)));
        let take = |place: &Mutex<Option<F>>| place.lock().unwrap_or_else(PoisonError::into_inner).take();
        let theirs = ours.clone();
        let work = move || {
            let f = take(&theirs);
            drop(theirs);
            f.map_or(Err(TaskError::Cancelled), |f| core.perform(f, place))
        };
        let (awaiter, closure) = Awaiter::pair(work, place);
        let answer = self.core().mailbox.push(Job::new(closure), Manner::Now);
        let left = answer.err().and_then(|refused| Some((take(&ours)?, refused)));
        drop(ours);
        let task = self.core().answer(awaiter);
        match left {
            Some(left) => {
                // It has nothing left to cancel.
                task.detach();
                Err(left)
            }
            None => Ok(task),
        }
    }

    /// A call that begins when it is awaited, as an `async fn` does. In a full queue it waits for room, in order (C14).
    ///
    /// Awaited plainly, it gives what `f` returns; see [`ActorCall`] for the other ways.
    #[track_caller]
    pub fn call<R, F>(&self, f: F) -> ActorCall<T, F, R>
    where
        R: Send + 'static,
        F: FnOnce(&mut T) -> R + Send + 'static,
    {
        ActorCall::new(self.clone(), f, Location::caller())
    }

    /// Takes no more, from this call on; runs what is queued; gives the value back.
    ///
    /// If the task is dropped before that, the actor is closed all the same, and its value dropped on its thread.
    /// The task ends in [`TaskError::Shutdown`] if the actor had been closed before, and in [`TaskError::Poisoned`] if
    /// there is no value.
    #[track_caller]
    pub fn close(&self) -> Task<T>
    where
        T: Send,
    {
        let core = self.core().clone();
        self.core().submit(Manner::Last, move || core.give(), Location::caller())
    }

    /// Takes no more, from this call on; runs what is queued; drops the value on its own thread, which the task waits for.
    ///
    /// A panic of its destructor is what the task ends in. It ends in [`TaskError::Shutdown`] if the actor had been closed
    /// before, and in [`TaskError::Poisoned`] if a panic has taken the value.
    ///
    /// ```
    /// use anyloop_core::Actor;
    ///
    /// let actor = Actor::new(|| std::rc::Rc::new(1));
    /// pollster::block_on(actor.shutdown()).unwrap();
    /// assert!(actor.is_closed());
    /// ```
    #[track_caller]
    pub fn shutdown(&self) -> Task<()> {
        self.core().vacate_last(Location::caller())
    }

    /// Whether it takes no more: it was closed, or its value is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core().mailbox.standing().0
    }

    fn core(&self) -> &Arc<Core<T>> {
        &self.handle.core
    }

    fn from_core(core: Arc<Core<T>>) -> Self {
        Self { handle: Arc::new(Handle { core }) }
    }
}

const _: () = {
    const fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Actor<std::rc::Rc<u8>>>();
    send_and_sync::<ActorStart<std::rc::Rc<u8>, ()>>();
};
