//! What runs on the pool and tells of itself, and who waits for that.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anyloop_core::{TaskError, from_thread};

use super::words::{Event, Kind};

/// How many naps of a millisecond or more to wait for what must happen. They are counted, not timed: while the process is
/// stopped, it takes none.
pub(crate) static PATIENCE: AtomicU32 = AtomicU32::new(20_000);

pub(crate) type Checked<T = ()> = Result<T, String>;

pub(crate) type Ended = Result<Value, TaskError>;

pub(crate) struct Log {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
    tester: ThreadId,
    pub(crate) threads: [AtomicUsize; 2],
}

impl Log {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            changed: Condvar::new(),
            tester: thread::current().id(),
            threads: Default::default(),
        })
    }

    pub(crate) fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        self.events().push(event);
        self.changed.notify_all();
    }

    /// Until something is told, or for a moment.
    pub(crate) fn nap(&self) {
        let events = self.events();
        let told =
            self.changed.wait_timeout_while(events, Duration::from_millis(1), |events| events.is_empty());
        drop(told);
    }
}

/// What each closure captures, so that it tells of its drop.
pub(crate) struct Closure {
    pub(crate) call: usize,
    pub(crate) kind: Kind,
    pub(crate) log: Arc<Log>,
    pub(crate) gate: Option<Receiver<()>>,
}

/// What a call returns. Its probe's clones are counted.
pub(crate) struct Value {
    pub(crate) call: usize,
    pub(crate) _probe: Arc<()>,
}

impl Closure {
    pub(crate) fn run(&self, probe: &Arc<()>) -> Value {
        self.log.tell(Event::Started(self.call));
        if let Some(gate) = &self.gate {
            // Closed by the sender's drop.
            let _ = gate.recv();
        }
        self.log.tell(Event::Ended(self.call, from_thread::is_cancelled()));
        match self.kind {
            Kind::Returns | Kind::HoldsAndReturns => Value { call: self.call, _probe: probe.clone() },
            Kind::Panics | Kind::HoldsAndPanics => resume_unwind(Box::new(self.call)),
        }
    }
}

impl Drop for Closure {
    fn drop(&mut self) {
        self.log.tell(Event::Dropped(self.call, thread::current().id() == self.log.tester));
    }
}

#[derive(Default)]
pub(crate) struct Naps(u32);

impl Naps {
    /// An error when there were too many.
    pub(crate) fn next(&mut self, log: &Log, what: &str) -> Checked {
        self.0 += 1;
        if self.0 > PATIENCE.load(Ordering::Relaxed) {
            return Err(format!("waited in vain: {what}"));
        }
        if self.0 < 10 {
            thread::yield_now()
        } else {
            log.nap()
        }
        Ok(())
    }
}

/// `block_on` that does not wait for ever.
pub(crate) fn wait_for<F: Future>(future: F, log: &Log) -> Checked<F::Output> {
    let (mut future, mut naps) = (std::pin::pin!(future), Naps::default());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(output);
        }
        naps.next(log, "a task or a shutdown does not end")?;
    }
}
