//! An actor's settings.

use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::mailbox::{Engine, Mailbox, Manner};
use super::pump::Rented;
use super::thread::OwnThread;
use super::value::{Boxing, Core, Factory, OnCancel};
use super::{Actor, ActorStart, PanicPolicy};
use crate::pool::{AnyPool, Pool};
use crate::thread_pool::{BuildError, Spawn, check_name, check_stack_size};

/// Settings for an [`Actor`].
///
/// ```
/// use anyloop_core::{Actor, PanicPolicy};
///
/// let cache = Actor::builder()
///     .name("cache")
///     .queue_limit(100)
///     .on_panic(PanicPolicy::Rebuild)
///     .start_with(Vec::<u32>::new)?;
/// assert!(cache.with(|cache| cache[7]).wait().is_err());
/// assert_eq!(cache.with(|cache| cache.len()).wait().unwrap(), 0);
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct ActorBuilder<T: 'static> {
    name: String,
    queue_limit: Option<usize>,
    stack_size: Option<usize>,
    policy: PanicPolicy,
    spawn: Option<Arc<Spawn>>,
    on_cancel: Option<Arc<OnCancel<T>>>,
    /// Instead of a thread.
    pool: Option<(AnyPool, Boxing<T>)>,
}

impl<T: 'static> ActorBuilder<T> {
    pub(super) fn new() -> Self {
        Self {
            name: "anyloop-actor".to_owned(),
            queue_limit: None,
            stack_size: None,
            policy: PanicPolicy::default(),
            spawn: None,
            on_cancel: None,
            pool: None,
        }
    }

    /// The name of the actor's thread. (Linux shows the first 15 bytes of it.)
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The most calls that wait (C14); no limit if not set.
    ///
    /// Beyond it, [`Actor::call`] waits for room, in order; [`Actor::try_with`] gives the closure back; what
    /// [`Actor::with`] gives ends in [`TaskError::Full`](crate::TaskError::Full).
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.queue_limit = Some(calls);
        self
    }

    /// The size of the thread's stack in bytes; if not set, std's default (2 MiB, or what `RUST_MIN_STACK`
    /// says).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// What becomes of the value when a call has panicked; [`PanicPolicy::Poison`] if not set.
    pub fn on_panic(mut self, policy: PanicPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Starts the thread in a way of your own: it is given a named builder and the thread's body.
    ///
    /// An error means that the system gives no thread now (C16).
    pub fn spawn_handler(
        mut self,
        spawn: impl Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// Says what interrupts a call that runs, when it is cancelled: for what a flag cannot end, as
    /// `sqlite3_interrupt` ends a statement.
    ///
    /// `interrupt` is asked once for each value, on its thread, and takes from it what the hook needs. The hook is called by
    /// whoever cancels (aborts or drops the task, or the call's future), at once, on that thread; at most once for each
    /// call; never for a call that is queued, or after the call has ended. The end of a call waits for a hook that
    /// is underway. So a hook must be short, and must not wait for the actor; see
    /// [`from_thread::on_cancel`](crate::from_thread::on_cancel), which does the same for a part of a call. A panic in it is
    /// caught; one in `interrupt` is like one of the factory.
    ///
    /// ```
    /// use std::sync::mpsc::{Receiver, Sender, channel};
    ///
    /// use anyloop_core::Actor;
    ///
    /// /// Blocks while nothing comes, as a statement does while it has rows to look through.
    /// struct Feed(Receiver<&'static str>, Sender<&'static str>);
    ///
    /// let feed = Actor::builder()
    ///     .on_cancel(|feed: &Feed| {
    ///         let interrupt = feed.1.clone();
    ///         move || drop(interrupt.send("interrupted"))
    ///     })
    ///     .start(|| {
    ///         let (sender, receiver) = channel();
    ///         Feed(receiver, sender)
    ///     })?;
    /// let next = feed.with(|feed| feed.0.recv().unwrap());
    /// # std::thread::sleep(std::time::Duration::from_millis(20));
    /// // If it has begun by now, it is interrupted; else it is cancelled in the queue.
    /// let ended = pollster::block_on(next.cancel());
    /// # if ended.is_ok() {
    /// assert_eq!(ended.unwrap(), "interrupted");
    /// # }
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn on_cancel<H>(mut self, interrupt: impl Fn(&T) -> H + Send + Sync + 'static) -> Self
    where
        H: Fn() + Send + Sync + 'static,
    {
        self.on_cancel = Some(Arc::new(move |value| Arc::new(interrupt(value))));
        self
    }

    /// Starts the actor, whose value `factory` makes, at once and on its thread.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that cannot be: [`PanicPolicy::Rebuild`], for one, needs
    /// [`start_with`](Self::start_with).
    #[track_caller]
    pub fn start<F: FnOnce() -> T + Send + 'static>(self, factory: F) -> Result<Actor<T>, BuildError> {
        self.only_once()?.start_making(Factory::Once(Box::new(factory)), Location::caller())
    }

    /// The same with a factory that can run again, for [`PanicPolicy::Rebuild`].
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that cannot be.
    #[track_caller]
    pub fn start_with<F: FnMut() -> T + Send + 'static>(
        self,
        mut factory: F,
    ) -> Result<Actor<T>, BuildError> {
        let factory = Box::new(move || Ok(factory()));
        self.start_making(Factory::Again(factory), Location::caller())
    }

    /// Starts an actor whose factory can fail: see [`Actor::try_new`].
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn try_start<E, F>(self, factory: F) -> Result<ActorStart<T, E>, BuildError>
    where
        E: Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        let place = Location::caller();
        let core = self.only_once()?.build(Factory::Gone, place)?;
        Ok(ActorStart::begin(core, place, move |core| factory().map(|value| core.seat(value))))
    }

    /// The same with a factory that can run again, for [`PanicPolicy::Rebuild`]. When it fails then, the call that
    /// needed the value ends in [`TaskError::Poisoned`](crate::TaskError::Poisoned) with the error's text.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that cannot be.
    #[track_caller]
    pub fn try_start_with<E, F>(self, mut factory: F) -> Result<ActorStart<T, E>, BuildError>
    where
        E: fmt::Display + Send + 'static,
        F: FnMut() -> Result<T, E> + Send + 'static,
    {
        let place = Location::caller();
        let core = self.build(Factory::Gone, place)?;
        Ok(ActorStart::begin(core, place, move |core| {
            core.seat(factory()?);
            core.rebuild_with(Box::new(move || {
                factory().map_err(|error| format!("its factory failed: {error}").into())
            }));
            Ok(())
        }))
    }

    fn only_once(self) -> Result<Self, BuildError> {
        if self.policy == PanicPolicy::Rebuild { Err(BuildError::CannotRebuild) } else { Ok(self) }
    }

    fn start_making(
        self,
        factory: Factory<T>,
        place: &'static Location<'static>,
    ) -> Result<Actor<T>, BuildError> {
        let core = self.build(factory, place)?;
        let making = core.clone();
        core.submit(Manner::First, move || making.make(), place).detach();
        Ok(Actor::from_core(core))
    }

    fn build(
        self,
        factory: Factory<T>,
        place: &'static Location<'static>,
    ) -> Result<Arc<Core<T>>, BuildError> {
        let Self { name, queue_limit, stack_size, policy, spawn, on_cancel, pool } = self;
        check_name(&name)?;
        check_stack_size(stack_size)?;
        if queue_limit == Some(0) {
            return Err(BuildError::NoRoom);
        }
        let (engine, boxed) = match pool {
            Some(_) if stack_size.is_some() => return Err(BuildError::NoOwnThread { setting: "stack_size" }),
            Some(_) if spawn.is_some() => return Err(BuildError::NoOwnThread { setting: "spawn_handler" }),
            Some((pool, boxed)) => (Engine::Pool(Rented { pool, value: Mutex::new(None) }), Some(boxed)),
            None => {
                let spawn = spawn.unwrap_or_else(|| Arc::new(|thread, body| thread.spawn(body)));
                (Engine::Thread(OwnThread { name, stack_size, spawn }), None)
            }
        };
        let mailbox = Mailbox::new(queue_limit, engine, place);
        Ok(Arc::new(Core { mailbox, boxed, factory: Mutex::new(factory), policy, on_cancel }))
    }
}

impl<T: Send + 'static> ActorBuilder<T> {
    /// Gives the actor no thread of its own, but turns on the threads of `pool`: see [`Actor::on`]. The factory runs
    /// there, too.
    pub fn on(mut self, pool: &(impl Pool + ?Sized)) -> Self {
        // A queue of its own: nobody's backlog delays another's first call.
        self.pool = Some((pool.tenant(), |value| Box::new(value)));
        self
    }
}

impl<T> fmt::Debug for ActorBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorBuilder")
            .field("name", &self.name)
            .field("queue_limit", &self.queue_limit)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
