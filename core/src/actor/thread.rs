//! A thread of an actor's own.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::sync::Arc;

use super::mailbox::Mailbox;
use super::turn::in_turn;
use crate::catch::{drop_quietly, quietly};
use crate::error::TaskError;
use crate::park::serving_calls;
use crate::pool::Job;
use crate::thread_pool::{Body, Spawn, same_error, start_thread, thread_builder};

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
        let builder = thread_builder(&self.name, self.stack_size);
        if let Err(error) = start_thread(&*self.spawn, builder, Staff(mailbox.clone()), "actor") {
            mailbox.staff_failed(&TaskError::NoThread(error));
        }
    }
}

/// What the thread does.
struct Staff(Arc<Mailbox>);

impl Body for Staff {
    fn work(self) {
        let Self(mailbox) = self;
        let _serving = serving_calls();
        let mut lingered = false;
        while let Some(job) = mailbox.next(lingered) {
            lingered = run(&mailbox, job);
        }
        // Here, and not by the destructor of the thread-local, in which a panic would end the process.
        drop_quietly(swap(None));
    }

    fn lost(self, error: &io::Error) {
        self.0.staff_failed(&TaskError::NoThread(same_error(error)));
    }
}

/// Runs a call, and those behind it that belong to the same runtime, which is entered once for all of them. Says whether
/// it has lingered for another since the last.
fn run(mailbox: &Arc<Mailbox>, job: Job) -> bool {
    let driver = job.driver();
    let mut lingered = false;
    in_turn(mailbox.address(), || {
        quietly(|| {
            job.run_then(&mut || {
                while driver != 0
                    && let Some(job) = mailbox.next_under(driver, &mut lingered)
                {
                    job.run_then(&mut || {});
                }
            });
        });
    });
    lingered
}
