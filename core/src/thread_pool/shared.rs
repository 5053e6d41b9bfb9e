//! The pool's state: one lock over queue, idle list and counts.
//!
//! Why no job is stranded: a job is pushed and, under the same lock, either an idle worker is taken off
//! the list to be woken for it, or a thread is reserved for it, or all `max_threads` are at work. A worker
//! goes idle or ends only under the lock and only when the queue is empty. So while the queue is not
//! empty there is, for every job up to the number of threads, a worker on its way to look.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, JoinHandle};

use slab::Slab;

use super::builder::Settings;
use super::sleeper::Sleeper;
use super::worker;
use crate::catch::{catch, drop_quietly, quietly};
use crate::pool::{Job, Refused};

pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Job>,
    /// Idle workers, the last to go idle last: it is woken first, and the first of them times out (C12).
    pub(super) idle: Vec<Arc<Sleeper>>,
    /// Threads that run, or are being started.
    pub(super) threads: usize,
    pub(super) closed: bool,
    /// To be joined by a shutdown; a thread that ends before takes its own out.
    pub(super) handles: Slab<Option<JoinHandle<()>>>,
    /// Who awaits a shutdown.
    pub(super) waiting: Slab<Option<Waker>>,
}

/// What a [`ThreadPool`](crate::ThreadPool) is doing at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Threads that are alive.
    pub threads: usize,
    /// Threads of those that wait for work.
    pub idle: usize,
    /// Calls that wait for a thread, cancelled ones that were not cleared away yet included.
    pub queued: usize,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing foreign runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn metrics(&self) -> Metrics {
        let state = self.lock();
        Metrics { threads: state.threads, idle: state.idle.len(), queued: state.queue.len() }
    }

    pub(super) fn execute(self: &Arc<Self>, job: Job) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            // The job's closure is foreign: it must not be dropped under the lock.
            drop(state);
            drop(job);
            return Err(Refused::Shutdown);
        }
        state.queue.push_back(job);
        if let Some(sleeper) = state.idle.pop() {
            sleeper.set_listed(false);
            drop(state);
            sleeper.wake();
        } else if state.threads < self.settings.max_threads.get() {
            state.threads += 1;
            let key = state.handles.insert(None);
            drop(state);
            self.start_thread(key);
        }
        Ok(())
    }

    fn start_thread(self: &Arc<Self>, key: usize) {
        let shared = self.clone();
        let builder = thread::Builder::new().name(self.settings.name.clone());
        let fate = Arc::new(AtomicU8::new(UNDERWAY));
        let body = Body { shared: Some(shared), key, fate: fate.clone() };
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
            Ok(_) if lost => self.thread_refused(key, &body_lost()),
            Err(error) if lost => self.thread_refused(key, &error),
            Ok(handle) => {
                // A thread that has ended already has taken its place away.
                if let Some(place) = self.lock().handles.get_mut(key) {
                    *place = Some(handle);
                }
            }
            Err(_) => {}
        }
    }

    /// C16: the queue waits for a living worker; with none, its tasks end in the reason.
    fn thread_refused(&self, key: usize, error: &io::Error) {
        let (stranded, waiting) = {
            let mut state = self.lock();
            state.handles.remove(key);
            state.threads -= 1;
            if state.threads > 0 {
                return;
            }
            (std::mem::take(&mut state.queue), take_waiting(&mut state))
        };
        for job in stranded {
            job.refuse(Refused::NoThread(same_error(error)));
        }
        wake_all(waiting);
    }

    /// Takes no more; what is queued still runs.
    pub(super) fn close(&self) {
        let idle = {
            let mut state = self.lock();
            state.closed = true;
            let idle = std::mem::take(&mut state.idle);
            for sleeper in &idle {
                sleeper.set_listed(false);
            }
            idle
        };
        for sleeper in idle {
            sleeper.wake();
        }
    }

    /// A worker's last act.
    pub(super) fn thread_ended(&self, mut state: MutexGuard<'_, State>, key: usize) {
        state.threads -= 1;
        // After a close, the shutdown joins the thread; before it, nobody does.
        let own_handle = if state.closed { None } else { state.handles.try_remove(key).flatten() };
        let waiting = if state.threads == 0 { take_waiting(&mut state) } else { Vec::new() };
        drop(state);
        drop(own_handle);
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
    fate: Arc<AtomicU8>,
}

impl Body {
    fn work(mut self) {
        if let Some(shared) = self.shared.take() {
            worker::work(&shared, self.key);
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        // ORDERING: see `start_thread`.
        if self.fate.swap(LOST, Ordering::AcqRel) == ANSWERED {
            shared.thread_refused(self.key, &body_lost());
        }
    }
}

fn body_lost() -> io::Error {
    io::Error::other("a thread ended before it came to the pool's code: see the pool's spawn handler")
}

fn take_waiting(state: &mut State) -> Vec<Waker> {
    if !state.closed {
        return Vec::new();
    }
    state.waiting.iter_mut().filter_map(|(_, waker)| waker.take()).collect()
}

fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        quietly(|| waker.wake());
    }
}

/// `io::Error` cannot be cloned.
fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
