//! The pool's state: one lock over queue, idle list and counts. `README.md` beside this file argues why no
//! job is stranded.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;

use slab::Slab;

use super::builder::Settings;
use super::growth::{Growth, Role};
use super::sleeper::{Sleeper, Standing};
use super::worker;
use crate::catch::{catch, drop_quietly, quietly};
use crate::pool::{Job, Refused};

pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<State>,
    /// Raised by a push, for a worker that lingers without the lock.
    pub(super) pushed: AtomicBool,
}

pub(super) struct State {
    pub(super) queue: VecDeque<Job>,
    /// Idle workers, the last to go idle last: it is woken first, and the first of them times out (C12).
    pub(super) idle: Vec<Arc<Sleeper>>,
    /// Threads that run, or are being started.
    pub(super) threads: usize,
    pub(super) growth: Growth,
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

/// What somebody has to do after letting go of the lock, so that the queue goes on.
#[must_use]
pub(super) enum Recruit {
    Wake(Arc<Sleeper>),
    /// A thread was reserved; the key is its place among the handles.
    Start(usize, Role),
}

impl State {
    /// Threads that run closures, or have looked for one and not gone idle yet.
    pub(super) fn busy(&self) -> usize {
        self.threads - self.idle.len() - self.growth.searching - usize::from(self.growth.watching)
    }

    /// Takes an idle worker off the list, or reserves a thread, for `role`.
    pub(super) fn recruit(&mut self, max_threads: NonZeroUsize, role: Role) -> Option<Recruit> {
        if let Some(sleeper) = self.recruit_idle(role) {
            return Some(Recruit::Wake(sleeper));
        }
        if self.threads == max_threads.get() {
            return None;
        }
        self.threads += 1;
        self.growth.enlist(role);
        Some(Recruit::Start(self.handles.insert(None), role))
    }

    fn recruit_idle(&mut self, role: Role) -> Option<Arc<Sleeper>> {
        let sleeper = self.idle.pop()?;
        sleeper.stand(Standing::Recruited(role));
        self.growth.enlist(role);
        Some(sleeper)
    }

    /// Called whenever the queue may be left to nobody: after a push, and when a searcher has found
    /// its job.
    pub(super) fn ensure_progress(&mut self, max_threads: NonZeroUsize) -> Option<Recruit> {
        if self.queue.is_empty() || self.growth.searching > 0 {
            return None;
        }
        if self.busy() < self.growth.cores {
            self.recruit(max_threads, Role::Searcher)
        } else if self.growth.watching {
            None
        } else {
            self.recruit(max_threads, Role::Watcher)
        }
    }
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let state = State {
            queue: VecDeque::new(),
            idle: Vec::new(),
            threads: 0,
            growth: Growth::new(),
            closed: false,
            handles: Slab::new(),
            waiting: Slab::new(),
        };
        Self { settings, state: Mutex::new(state), pushed: AtomicBool::new(false) }
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
        if state.growth.lingering && state.queue.is_empty() {
            job.expect_soon();
        }
        state.queue.push_back(job);
        let recruit = state.ensure_progress(self.settings.max_threads);
        drop(state);
        // ORDERING: Relaxed: a hint; who acts on it takes the lock.
        self.pushed.store(true, Ordering::Relaxed);
        if let Some(recruit) = recruit {
            self.call_in(recruit);
        }
        Ok(())
    }

    /// Returns whether the recruit comes.
    pub(super) fn call_in(self: &Arc<Self>, recruit: Recruit) -> bool {
        match recruit {
            Recruit::Wake(sleeper) => {
                sleeper.wake();
                true
            }
            Recruit::Start(key, role) => self.start_thread(key, role),
        }
    }

    fn start_thread(self: &Arc<Self>, key: usize, role: Role) -> bool {
        let shared = self.clone();
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
                // A thread that has ended already has taken its place away.
                if let Some(place) = self.lock().handles.get_mut(key) {
                    *place = Some(handle);
                }
            }
            Err(_) => {}
        }
        !lost
    }

    /// C16: the queue waits for a living worker; with none, its tasks end in the reason.
    fn thread_refused(&self, key: usize, role: Role, error: &io::Error) {
        let (stranded, waiting) = {
            let mut state = self.lock();
            state.handles.remove(key);
            state.threads -= 1;
            state.growth.discharge(role);
            if state.threads > 0 {
                // While this thread was expected, nobody else was called.
                let idle = if state.queue.is_empty() { None } else { state.recruit_idle(Role::Searcher) };
                drop(state);
                if let Some(sleeper) = idle {
                    sleeper.wake();
                }
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
                sleeper.stand(Standing::Off);
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
