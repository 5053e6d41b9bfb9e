//! An actor's value: how it is made, kept between calls, and lost.

use std::any::Any;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use super::PanicPolicy;
use super::mailbox::{Engine, Mailbox, Manner};
use super::thread;
use crate::catch::{catch, drop_quietly};
use crate::error::{Panic, TaskError};
use crate::from_thread;
use crate::pool::Job;
use crate::task::{Answer, Awaiter, Task};
use crate::warning;

pub(super) struct Core<T> {
    pub(super) mailbox: Arc<Mailbox>,
    /// For a value that changes threads between calls.
    pub(super) boxed: Option<Boxing<T>>,
    pub(super) factory: Mutex<Factory<T>>,
    pub(super) policy: PanicPolicy,
    /// Asked once for each value.
    pub(super) on_cancel: Option<Arc<OnCancel<T>>>,
}

/// What interrupts a call that uses the value.
type Interrupt = Arc<dyn Fn() + Send + Sync>;
pub(super) type OnCancel<T> = dyn Fn(&T) -> Interrupt + Send + Sync;

/// The value, and what belongs to it.
pub(super) struct Seated<T> {
    value: T,
    interrupt: Option<Interrupt>,
}

/// How a value is boxed that is known to be `Send`.
pub(super) type Boxing<T> = fn(Seated<T>) -> Box<dyn Any + Send>;

/// What makes the value.
pub(super) enum Factory<T> {
    Once(Box<dyn FnOnce() -> T + Send>),
    /// The text says why it could not.
    Again(Box<dyn FnMut() -> Result<T, Arc<str>> + Send>),
    Gone,
}

/// The value, in the hands of the call that runs.
pub(super) enum Value<T> {
    Bound(Box<Seated<T>>),
    Movable(Box<dyn Any + Send>),
}

impl<T: 'static> Value<T> {
    fn get(&mut self) -> &mut Seated<T> {
        match self {
            Self::Bound(value) => value,
            Self::Movable(any) => match any.downcast_mut() {
                Some(value) => value,
                None => unreachable!("{OWN_TYPE}"),
            },
        }
    }

    fn into_inner(self) -> T {
        let seated: Seated<T> = match self {
            Self::Bound(seated) => *seated,
            Self::Movable(any) => match any.downcast() {
                Ok(seated) => *seated,
                Err(_) => unreachable!("{OWN_TYPE}"),
            },
        };
        drop_quietly(seated.interrupt);
        seated.value
    }
}

const OWN_TYPE: &str = "an actor keeps values of its own type alone";

impl<T: 'static> Core<T> {
    fn swap_factory(&self, factory: Factory<T>) -> Factory<T> {
        std::mem::replace(&mut *self.factory.lock().unwrap_or_else(PoisonError::into_inner), factory)
    }

    /// The value, if it is there: inside a call of the actor.
    fn take(&self) -> Option<Value<T>> {
        match &self.mailbox.engine {
            Engine::Thread(_) => thread::swap(None)?.downcast().ok().map(Value::Bound),
            Engine::Pool(rented) => rented.swap(None).map(Value::Movable),
        }
    }

    /// Keeps it for the next call.
    fn put(&self, value: Value<T>) {
        match (value, &self.mailbox.engine) {
            (Value::Bound(value), _) => drop_quietly(thread::swap(Some(value))),
            (Value::Movable(value), Engine::Pool(rented)) => drop_quietly(rented.swap(Some(value))),
            (Value::Movable(_), Engine::Thread(_)) => unreachable!("only a pool's actor moves its value"),
        }
    }

    /// A new value, with its interrupt.
    fn seated(&self, value: T) -> Result<Value<T>, Panic> {
        let interrupt = match &self.on_cancel {
            None => None,
            Some(on_cancel) => match catch(|| on_cancel(&value)) {
                Ok(interrupt) => Some(interrupt),
                Err(panic) => {
                    drop_quietly(value);
                    return Err(panic);
                }
            },
        };
        let seated = Seated { value, interrupt };
        Ok(match self.boxed {
            Some(boxed) => Value::Movable(boxed(seated)),
            None => Value::Bound(Box::new(seated)),
        })
    }

    /// Keeps a new value.
    pub(super) fn seat(&self, value: T) {
        match self.seated(value) {
            Ok(value) => self.put(value),
            Err(panic) => panic.resume(),
        }
    }

    /// Keeps what makes the next value.
    pub(super) fn rebuild_with(&self, factory: Box<dyn FnMut() -> Result<T, Arc<str>> + Send>) {
        let rebuilds = self.policy == PanicPolicy::Rebuild;
        let unused =
            if rebuilds { self.swap_factory(Factory::Again(factory)) } else { Factory::Again(factory) };
        drop_quietly(unused);
    }

    /// The value, which is made if there is none.
    fn value(&self) -> Result<Value<T>, TaskError> {
        if let Some(value) = self.take() {
            return Ok(value);
        }
        match self.swap_factory(Factory::Gone) {
            Factory::Once(factory) => catch(factory)
                .and_then(|value| self.seated(value))
                .map_err(|panic| self.factory_panicked(panic)),
            Factory::Again(mut factory) => {
                let made = catch(&mut factory);
                drop_quietly(self.swap_factory(Factory::Again(factory)));
                let panicked = |panic| self.factory_panicked(panic);
                let made = made.map_err(panicked).and_then(|made| made);
                made.and_then(|value| self.seated(value).map_err(panicked))
            }
            Factory::Gone => return Err(TaskError::Shutdown),
        }
        .inspect_err(|why| {
            if self.policy != PanicPolicy::Rebuild {
                self.mailbox.poison(why);
            }
        })
        .map_err(TaskError::Poisoned)
    }

    /// Tells of it here, for nobody may ever call an actor without a value; gives what is told to who does.
    fn factory_panicked(&self, panic: Panic) -> Arc<str> {
        warning::factory_panicked(self.mailbox.place, &panic);
        let why = format!("its factory panicked: {}", panic.message());
        drop_quietly(panic);
        why.into()
    }

    /// Makes the value, for the calls that come.
    pub(super) fn make(&self) -> Result<(), TaskError> {
        self.value().map(|value| self.put(value))
    }

    /// Runs a call that was submitted at `place`.
    pub(super) fn perform<R>(
        &self,
        f: impl FnOnce(&mut T) -> R,
        place: &'static Location<'static>,
    ) -> Result<R, TaskError> {
        let mut value = match self.value() {
            Ok(value) => value,
            Err(error) => {
                drop_quietly(f);
                return Err(error);
            }
        };
        let Seated { value: inner, interrupt } = value.get();
        // The canceller runs it, while the guard lives. To drop the guard waits for one that is underway, without a
        // lock: so it is never called after this call has ended, for the next call of the actor least of all; nor is
        // it when the value has gone.
        let guard = interrupt.clone().map(|interrupt| from_thread::on_cancel(move || interrupt()));
        let ended = catch(|| f(inner));
        drop(guard);
        match ended {
            Ok(output) => {
                self.put(value);
                Ok(output)
            }
            Err(panic) => {
                warning::panicked(place, &panic);
                self.survive(value, &panic);
                Err(TaskError::Panicked(panic))
            }
        }
    }

    /// After a call's panic.
    fn survive(&self, value: Value<T>, panic: &Panic) {
        match self.policy {
            PanicPolicy::Keep => self.put(value),
            PanicPolicy::Rebuild => drop_quietly(value),
            PanicPolicy::Poison => {
                drop_quietly(value);
                self.mailbox.poison(&format!("a call of it panicked: {}", panic.message()).into());
            }
        }
    }

    /// Gives the value away.
    pub(super) fn give(&self) -> Result<T, TaskError> {
        self.value().map(Value::into_inner)
    }

    /// Drops the value, here.
    fn vacate(&self) -> Result<(), TaskError> {
        let (value, factory) = (self.take(), self.swap_factory(Factory::Gone));
        drop_quietly(factory);
        catch(|| drop(value)).map_err(TaskError::Panicked)
    }

    /// The end: the last call is the drop of the value.
    pub(super) fn vacate_last(self: &Arc<Self>, place: &'static Location<'static>) -> Task<()> {
        let core = self.clone();
        self.submit(Manner::Last, move || core.vacate(), place)
    }

    /// Queues a call of the actor, whatever it does.
    pub(super) fn submit<R: Send + 'static>(
        &self,
        manner: Manner,
        work: impl FnOnce() -> Result<R, TaskError> + Send + 'static,
        place: &'static Location<'static>,
    ) -> Task<R> {
        let (mut awaiter, closure) = Awaiter::pair(work, place);
        awaiter.answered(self.mailbox.push(Job::new(closure), manner));
        self.answer(awaiter)
    }

    pub(super) fn answer<R: Send + 'static>(&self, awaiter: Awaiter<Result<R, TaskError>>) -> Task<R> {
        Task::from_answer(Answer::new(awaiter, self.mailbox.address()))
    }
}

impl<T> Drop for Core<T> {
    fn drop(&mut self) {
        // A factory that never ran is foreign code, too.
        let factory = self.factory.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop_quietly(std::mem::replace(factory, Factory::Gone));
    }
}
