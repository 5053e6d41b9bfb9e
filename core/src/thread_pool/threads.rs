//! How the pool's threads begin and end.

use std::io;
use std::sync::Arc;

use super::growth::Role;
use super::shared::{Shared, State, wake_all};
use super::sync::MutexGuard;
use super::sync::atomic::{AtomicU8, Ordering};
use super::worker;
use crate::catch::{catch, drop_quietly};
use crate::pool::Refused;

impl Shared {
    /// Starts the thread that was reserved. Returns whether it comes.
    pub(super) fn start_thread(self: &Arc<Self>, key: usize, role: Role) -> bool {
        let shared = self.clone();
        let employee = self.lock().staff.get(key).map(|member| member.employee.clone());
        let builder = self.settings.thread();
        let fate = Arc::new(AtomicU8::new(UNDERWAY));
        let body = Body { shared: Some(shared), key, role, fate: fate.clone() };
        let body = Box::new(move || body.work());
        let started = catch(|| (self.settings.spawn)(builder, body)).unwrap_or_else(|panic| {
            let text = panic.message().to_owned();
            drop_quietly(panic);
            Err(io::Error::other(format!("the spawn handler panicked: {text}")))
        });
        // ORDERING: AcqRel pairs with the swap in `Body::drop`: one of the two sees that the other was first.
        let lost = fate.swap(ANSWERED, Ordering::AcqRel) == LOST;
        match started {
            // What counts is what became of the thread's body: a handler may lose it and report a success,
            // or start the thread and report an error all the same.
            Ok(_) if lost => self.thread_refused(key, role, &body_lost()),
            Err(error) if lost => self.thread_refused(key, role, &error),
            Ok(handle) => {
                // A thread that has ended already has taken its place away, unless it is to be joined.
                if let (Some(member), Some(employee)) = (self.lock().staff.get_mut(key), employee)
                    // Its key may be another thread's by now.
                    && Arc::ptr_eq(&member.employee, &employee)
                {
                    member.handle = Some(handle);
                }
            }
            Err(_) => {}
        }
        let waiting = {
            let mut state = self.lock();
            state.answering -= 1;
            if state.is_over() { state.take_waiting() } else { Vec::new() }
        };
        wake_all(waiting);
        !lost
    }

    /// C16: the queue waits for a living worker; with none, its tasks end in the reason.
    fn thread_refused(&self, key: usize, role: Role, error: &io::Error) {
        let stranded = {
            let mut state = self.lock();
            state.staff.remove(key);
            state.threads -= 1;
            state.started -= 1;
            state.growth.discharge(role);
            // A thread whose call waits, for this very job perhaps, is none that could run it.
            if state.threads > state.waits {
                // While this thread was expected, nobody else was called.
                let idle = if self.has_work(&state) { state.recruit_idle(Role::Searcher) } else { None };
                drop(state);
                if let Some(sleeper) = idle {
                    sleeper.wake();
                }
                return;
            }
            state.queues.drain(self.outbox.drain(), |counts| counts.refused += 1)
        };
        for entry in stranded {
            entry.job.refuse(Refused::NoThread(same_error(error)));
        }
    }

    /// A worker's last act.
    pub(super) fn thread_ended(&self, mut state: MutexGuard<'_, State>, key: usize) {
        state.threads -= 1;
        state.ended += 1;
        let closed = state.closed;
        let mut left = None;
        if let Some(member) = state.staff.get_mut(key) {
            member.ended = true;
            let counts = member.employee.tally.counts();
            state.past.add(counts);
        }
        // After a close, the shutdown joins the thread; before it, nobody does.
        if !closed {
            left = state.staff.try_remove(key);
        }
        let waiting = if state.is_over() { state.take_waiting() } else { Vec::new() };
        drop(state);
        drop(left);
        wake_all(waiting);
    }
}

/// The spawn handler has not answered yet.
const UNDERWAY: u8 = 0;
/// It has, and the body was not lost before.
const ANSWERED: u8 = 1;
/// The body was dropped without having run, before the handler answered.
const LOST: u8 = 2;

/// A thread's body. Dropped without having run, it takes its thread off the books: the set-up of a
/// spawn handler's thread may panic, too.
struct Body {
    shared: Option<Arc<Shared>>,
    key: usize,
    role: Role,
    fate: Arc<AtomicU8>,
}

impl Body {
    fn work(mut self) {
        if let Some(shared) = self.shared.take() {
            worker::work(&shared, self.key, self.role);
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        // ORDERING: see `start_thread`.
        if self.fate.swap(LOST, Ordering::AcqRel) == ANSWERED {
            shared.thread_refused(self.key, self.role, &body_lost());
            let waiting = {
                let mut state = shared.lock();
                if state.is_over() { state.take_waiting() } else { Vec::new() }
            };
            wake_all(waiting);
        }
    }
}

fn body_lost() -> io::Error {
    io::Error::other("a thread ended before it came to the pool's code: see the pool's spawn handler")
}

/// `io::Error` cannot be cloned.
pub(crate) fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
