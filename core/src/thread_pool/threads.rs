//! How the pool's threads begin and end.

use std::io;
use std::sync::Arc;

use super::growth::Role;
use super::progress::Recruit;
use super::shared::{Shared, State, wake_all};
use super::spawn::{self, Body, same_error};
use super::sync::MutexGuard;
use super::worker;
use crate::pool::Refused;

impl Shared {
    /// Starts the thread that was reserved. Returns whether it comes.
    pub(super) fn start_thread(self: &Arc<Self>, key: usize, role: Role) -> bool {
        let employee = self.lock().staff.get(key).map(|member| member.employee.clone());
        let place = Place { shared: self.clone(), key, role };
        let started = spawn::start(&*self.settings.spawn, self.settings.thread(), place, "pool");
        let comes = started.is_ok();
        match started {
            Err(error) => self.thread_refused(key, role, &error),
            Ok(Some(handle)) => {
                // A thread that has ended already has taken its place away, unless it is to be joined.
                if let (Some(member), Some(employee)) = (self.lock().staff.get_mut(key), employee)
                    // Its key may be another thread's by now.
                    && Arc::ptr_eq(&member.employee, &employee)
                {
                    member.handle = Some(handle);
                }
            }
            Ok(None) => {}
        }
        self.answered();
        comes
    }

    /// It is known what became of a thread, and everything is done that follows from it.
    fn answered(&self) {
        let waiting = {
            let mut state = self.lock();
            state.answering -= 1;
            if state.is_over() { state.take_waiting() } else { Vec::new() }
        };
        wake_all(waiting);
    }

    /// C16: the queue waits for a living worker; with none, its tasks end in the reason.
    fn thread_refused(self: &Arc<Self>, key: usize, role: Role, error: &io::Error) {
        let stranded = {
            let mut state = self.lock();
            state.staff.remove(key);
            state.threads -= 1;
            state.started -= 1;
            state.growth.arrive();
            state.growth.discharge(role);
            self.recall(&mut state);
            // A thread whose call waits, for this very job perhaps, is none that could run it. But where as many wait as may, this
            // was one more, whom nobody but they can miss.
            if state.threads > state.waits || state.all_wait() {
                // While this thread was expected, nobody else was called.
                let has_work = self.has_work(&state);
                let mut recruit = None;
                if has_work && let Some(sleeper) = state.recruit_idle(Role::Searcher) {
                    recruit = Some(Recruit::Wake(sleeper));
                } else if has_work && !state.monitored {
                    // It can do no more, as if `max_threads` were busy.
                    state.monitored = true;
                    recruit = Some(Recruit::Monitor);
                }
                drop(state);
                if let Some(recruit) = recruit {
                    self.call_in(recruit);
                }
                return;
            }
            state.queues.drain(|counts| counts.refused += 1)
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

/// A thread's place in the books.
struct Place {
    shared: Arc<Shared>,
    key: usize,
    role: Role,
}

impl Body for Place {
    fn work(self) {
        worker::work(&self.shared, self.key, self.role);
    }

    /// Takes the thread off the books.
    fn lost(self, error: &io::Error) {
        let Self { shared, key, role } = self;
        // A shutdown is not over before what is queued has ended in the reason.
        shared.lock().answering += 1;
        shared.thread_refused(key, role, error);
        shared.answered();
    }
}
