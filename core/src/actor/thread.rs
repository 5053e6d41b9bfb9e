//! A thread of an actor's own.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use super::mailbox::Mailbox;
use super::turn::in_turn;
use crate::catch::{catch, drop_quietly, quietly};
use crate::error::TaskError;
use crate::pool::Job;
use crate::thread_pool::Spawn;

/// How it is started.
pub(super) struct OwnThread {
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) spawn: Arc<Spawn>,
}

thread_local! {
    /// The value of the actor whose thread this is, between two calls.
    static SEAT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Exchanges the value of this thread's actor.
pub(super) fn swap(value: Option<Box<dyn Any>>) -> Option<Box<dyn Any>> {
    SEAT.replace(value)
}

impl OwnThread {
    pub(super) fn start(&self, mailbox: &Arc<Mailbox>) {
        let builder = thread::Builder::new().name(self.name.clone());
        let builder = match self.stack_size {
            Some(size) => builder.stack_size(size),
            None => builder,
        };
        let fate = Arc::new(AtomicU8::new(UNDERWAY));
        let body = Body { mailbox: Some(mailbox.clone()), fate: fate.clone() };
        let body = Box::new(move || body.work());
        let started = catch(|| (self.spawn)(builder, body)).unwrap_or_else(|panic| {
            let text = panic.message().to_owned();
            drop_quietly(panic);
            Err(io::Error::other(format!("the spawn handler panicked: {text}")))
        });
        // ORDERING: AcqRel pairs with the swap in `Body::drop`: one of the two sees that the other was first.
        if fate.swap(ANSWERED, Ordering::AcqRel) == LOST {
            mailbox.staff_failed(&TaskError::NoThread(started.err().unwrap_or_else(body_lost)));
        }
    }
}

/// The spawn handler has not answered yet.
const UNDERWAY: u8 = 0;
/// It has, and the body was not lost before.
const ANSWERED: u8 = 1;
/// The body was dropped without having run, before the handler answered.
const LOST: u8 = 2;

/// The thread's body. What counts is what becomes of it, and not what a spawn handler says.
struct Body {
    mailbox: Option<Arc<Mailbox>>,
    fate: Arc<AtomicU8>,
}

impl Body {
    fn work(mut self) {
        let Some(mailbox) = self.mailbox.take() else { return };
        while let Some(job) = mailbox.next() {
            run(&mailbox, job);
        }
        // Here, and not by the destructor of the thread-local, in which a panic would end the process.
        drop_quietly(swap(None));
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(mailbox) = self.mailbox.take() else { return };
        // ORDERING: see `start`.
        if self.fate.swap(LOST, Ordering::AcqRel) == ANSWERED {
            mailbox.staff_failed(&TaskError::NoThread(body_lost()));
        }
    }
}

fn body_lost() -> io::Error {
    io::Error::other("a thread ended before it came to the actor's code: see the actor's spawn handler")
}

/// Runs a call, and those behind it that belong to the same runtime, which is entered once for all of them.
pub(super) fn run(mailbox: &Arc<Mailbox>, job: Job) {
    let driver = job.driver();
    in_turn(mailbox.address(), || {
        quietly(|| {
            job.run_then(&mut || {
                while driver != 0
                    && let Some(job) = mailbox.next_under(driver)
                {
                    job.run_then(&mut || {});
                }
            });
        });
    });
}
