//! A scenario, tried on a real pool step by step, while the model looks on.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anyloop_core::{
    AnyPool, Call, Limited, Metrics, Pool, PoolExt, Refused, Task, TaskError, ThreadPool, from_thread,
};

use super::reference::{Books, End, Event, Kind, Manner, Model};

/// How many naps of a millisecond or more to wait for what must happen. They are counted, not timed: while the process is
/// stopped, it takes none.
pub(crate) static PATIENCE: AtomicU32 = AtomicU32::new(20_000);

pub(crate) type Checked<T = ()> = Result<T, String>;

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) max_threads: usize,
    pub(crate) queue_limit: Option<usize>,
    /// Their limits.
    pub(crate) views: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    pub(crate) last: Last,
}

/// A `pick` is one of those that there are, counted round.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Submit { queue: usize, kind: Kind, manner: Manner },
    Release { pick: usize },
    Abort { pick: usize },
    Cancel { pick: usize },
    Drop { pick: usize },
    Detach { pick: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    Shutdown,
    /// With no time at all.
    ShutdownTimeout,
    DropHandles,
}

pub(crate) struct Log {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
    tester: ThreadId,
    threads: [AtomicUsize; 2],
}

impl Log {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            changed: Condvar::new(),
            tester: thread::current().id(),
            threads: Default::default(),
        })
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        self.events().push(event);
        self.changed.notify_all();
    }

    /// Until something is told, or for a moment.
    fn nap(&self) {
        let events = self.events();
        let told =
            self.changed.wait_timeout_while(events, Duration::from_millis(1), |events| events.is_empty());
        drop(told);
    }
}

/// What each closure captures, so that it tells of its drop.
struct Closure {
    call: usize,
    kind: Kind,
    log: Arc<Log>,
    gate: Option<Receiver<()>>,
}

/// What a call returns. Its probe's clones are counted.
struct Value {
    call: usize,
    _probe: Arc<()>,
}

impl Closure {
    fn run(&self, probe: &Arc<()>) -> Value {
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

/// Who waits for a call.
enum Handle {
    Task(Task<Value>),
    /// A call that is awaited, or a cancelled task.
    Future(Pin<Box<dyn Future<Output = Ended>>>),
    /// A call that was ready when it was polled first.
    Ended(Ended),
}

type Ended = Result<Value, TaskError>;

pub(crate) struct Trial {
    pool: Option<ThreadPool>,
    views: Vec<Limited>,
    model: Model,
    log: Arc<Log>,
    handles: BTreeMap<usize, Handle>,
    gates: BTreeMap<usize, Sender<()>>,
    probe: Arc<()>,
    submitted: usize,
}

impl Scenario {
    pub(crate) fn try_out(&self) -> Checked {
        let log = Log::new();
        let [started, ended] = [0, 1].map(|which: usize| {
            let log = log.clone();
            move || _ = log.threads[which].fetch_add(1, Ordering::SeqCst)
        });
        let mut builder = ThreadPool::builder().max_threads(self.max_threads);
        builder = builder.on_thread_start(started).on_thread_stop(ended);
        if let Some(calls) = self.queue_limit {
            builder = builder.queue_limit(calls);
        }
        let pool = builder.build().map_err(|error| error.to_string())?;
        let mut trial = Trial {
            views: self.views.iter().map(|limit| pool.limit(*limit)).collect(),
            pool: Some(pool),
            model: Model::new(self.max_threads, self.queue_limit, &self.views),
            log,
            handles: BTreeMap::new(),
            gates: BTreeMap::new(),
            probe: Arc::new(()),
            submitted: 0,
        };
        for (number, step) in self.steps.iter().enumerate() {
            trial.step(*step).map_err(|error| format!("step {number}, {step:?}: {error}"))?;
        }
        trial.end(self.last).map_err(|error| format!("{:?}: {error}", self.last))
    }
}

impl Trial {
    fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Submit { queue, kind, manner } => {
                self.submit(queue % (self.views.len() + 1), kind, manner)?;
            }
            Step::Release { pick } => {
                if let Some(call) = nth(&self.model.held(), pick) {
                    self.release(call);
                }
            }
            Step::Abort { pick } => {
                if let Some(call) = self.pick(pick) {
                    if let Some(Handle::Task(task)) = self.handles.get(&call) {
                        // Once more does no harm (C04).
                        task.abort();
                        task.abort();
                    }
                    self.model.cancel(call, End::Cancelled);
                }
            }
            Step::Cancel { pick } => {
                if let Some(call) = self.pick(pick) {
                    if let Some(Handle::Task(task)) = self.handles.remove(&call) {
                        self.handles.insert(call, Handle::Future(Box::pin(task.cancel())));
                    }
                    self.model.cancel(call, End::Cancelled);
                }
            }
            Step::Drop { pick } => {
                let calls: Vec<_> = self.handles.keys().copied().collect();
                if let Some(call) = nth(&calls, pick) {
                    // What was aborted already, and only then dropped, ended by the abort.
                    drop(self.handles.remove(&call));
                    self.model.cancel(call, End::Abandoned);
                }
            }
            Step::Detach { pick } => {
                if let Some(call) = self.pick(pick)
                    && let Some(Handle::Task(task)) = self.handles.remove(&call)
                {
                    task.detach();
                }
            }
        }
        // Who cancels or is refused has dropped the closure, there and then.
        self.hear()?;
        self.settle()
    }

    /// A call whose task is there still.
    fn pick(&self, pick: usize) -> Option<usize> {
        let tasks = self.handles.iter().filter(|(_, handle)| matches!(handle, Handle::Task(_)));
        nth(&tasks.map(|(call, _)| *call).collect::<Vec<_>>(), pick)
    }

    fn release(&mut self, call: usize) {
        self.model.release(call);
        self.gates.remove(&call);
    }

    fn submit(&mut self, queue: usize, kind: Kind, manner: Manner) -> Checked {
        let call = self.submitted;
        self.submitted += 1;
        let refused = self.model.submit(queue, kind, manner);
        let gate = matches!(kind, Kind::HoldsAndReturns | Kind::HoldsAndPanics).then(|| {
            let (sender, receiver) = channel();
            self.gates.insert(call, sender);
            receiver
        });
        let closure = Closure { call, kind, log: self.log.clone(), gate };
        let probe = self.probe.clone();
        let work = move || closure.run(&probe);
        let pool = self.queue(queue)?;
        let task = match manner {
            Manner::Try => pool.try_submit(work),
            Manner::Submit => Ok(pool.submit(work)),
            Manner::Await => {
                let mut awaited = Box::pin(Call::new(work).on(&pool).settle());
                // Its handle on the pool goes with the first poll.
                let handle = match awaited.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(ended) => Handle::Ended(ended),
                    Poll::Pending => Handle::Future(awaited),
                };
                self.handles.insert(call, handle);
                return Ok(());
            }
        };
        match task {
            Ok(task) => _ = self.handles.insert(call, Handle::Task(task)),
            // The closure is dropped here, uncalled.
            Err((_, reason)) => match (reason, refused) {
                (Refused::Full, Some(End::Full)) | (Refused::Shutdown, Some(End::Shutdown)) => {}
                (reason, _) => return Err(format!("refused: {reason}, not {refused:?}")),
            },
        }
        Ok(())
    }

    fn pool(&self) -> Checked<&ThreadPool> {
        self.pool.as_ref().ok_or_else(|| "the pool is gone".to_owned())
    }

    fn queue(&self, queue: usize) -> Checked<AnyPool> {
        match queue.checked_sub(1) {
            None => self.pool().map(Pool::to_any),
            Some(view) => Ok(self.views[view].to_any()),
        }
    }

    fn hear(&mut self) -> Checked {
        let events = std::mem::take(&mut *self.log.events());
        events.into_iter().try_for_each(|event| self.model.hear(event))
    }

    /// Until everything that must happen has happened, and the pool's figures say so, too.
    fn settle(&mut self) -> Checked {
        let mut naps = Naps::default();
        loop {
            self.hear()?;
            let Some(wrong) = self.model.outstanding().or_else(|| self.look_at_figures()) else { break };
            naps.next(&self.log, &wrong)?;
        }
        let calls: Vec<_> = self.handles.keys().copied().collect();
        for call in calls {
            match (self.model.end(call), self.handles.get(&call)) {
                (Some(end), _) => self.take_end(call, end)?,
                (None, Some(Handle::Task(task))) if task.is_finished() => {
                    return Err(format!("the task of call {call} has ended before its closure"));
                }
                (None, _) => {}
            }
        }
        Ok(())
    }

    fn take_end(&mut self, call: usize, end: End) -> Checked {
        let ended = match self.handles.remove(&call) {
            Some(Handle::Task(task)) => wait_for(task, &self.log)?,
            Some(Handle::Future(future)) => wait_for(future, &self.log)?,
            Some(Handle::Ended(ended)) => ended,
            None => return Ok(()),
        };
        let says = ended.as_ref().map(|value| value.call).map_err(ToString::to_string);
        let is_right = match ended {
            Ok(value) => end == End::Value && value.call == call,
            Err(TaskError::Cancelled) => end == End::Cancelled,
            Err(TaskError::Shutdown) => end == End::Shutdown,
            Err(TaskError::Full) => end == End::Full,
            Err(TaskError::Panicked(panic)) => {
                end == End::Panicked && panic.into_payload().downcast_ref() == Some(&call)
            }
            Err(_) => false,
        };
        if is_right { Ok(()) } else { Err(format!("call {call} ended in {says:?}, not {end:?}")) }
    }

    /// Whether the pool's books say something else than the model's.
    fn look_at_figures(&self) -> Option<String> {
        let pool = self.pool.as_ref()?;
        let views = self.views.iter().map(|view| view.metrics());
        let all = std::iter::once(Some(pool.metrics())).chain(views);
        for (queue, metrics) in all.enumerate() {
            let Some(metrics) = metrics else { return Some(format!("queue {queue} has no figures")) };
            // The first one's are those of the whole pool.
            let (running, books) = match queue {
                0 => (self.model.running(), self.model.books(None)),
                _ => (self.model.running_of(queue), self.model.books(Some(queue))),
            };
            let fits = metrics.running == running
                && (metrics.completed, metrics.panicked) == (books.completed, books.panicked)
                && metrics.refused == books.refused
                // Cancelled calls are counted when somebody comes across them.
                && metrics.cancelled <= books.cancelled
                && metrics.cancelled_by_drop <= books.cancelled_by_drop
                && (queue > 0 || self.fits_pool(&metrics, books));
            if !fits {
                return Some(format!("queue {queue}: {running} running, {books:?}, but {metrics:?}"));
            }
        }
        None
    }

    fn fits_pool(&self, metrics: &Metrics, books: Books) -> bool {
        let uncounted =
            books.cancelled + books.cancelled_by_drop - metrics.cancelled - metrics.cancelled_by_drop;
        let queued = self.model.queued() as u64;
        let waits = (metrics.queued + metrics.waiting) as u64;
        metrics.abandoned == self.model.told()
            && waits == queued + uncounted
            && metrics.threads <= self.model.max_threads()
    }

    fn end(&mut self, last: Last) -> Checked {
        let pool = self.pool()?.clone();
        match last {
            Last::Shutdown => {
                let shutdown = pool.shutdown();
                self.run_out()?;
                wait_for(shutdown, &self.log)?.map_err(|error| error.to_string())?;
            }
            Last::ShutdownTimeout => {
                let before = self.model.books(None);
                let shutdown = pool.shutdown_timeout(Duration::ZERO);
                let report = wait_for(shutdown, &self.log)?.map_err(|error| error.to_string())?;
                let (cancelled, still_running) = self.model.give_up();
                self.hear()?;
                let expected = (0, cancelled, still_running);
                let reported = (report.finished, report.cancelled, report.still_running);
                if reported != expected {
                    return Err(format!("the report is {report:?}, not {expected:?}; before: {before:?}"));
                }
                self.run_out()?;
                wait_for(pool.shutdown(), &self.log)?.map_err(|error| error.to_string())?;
            }
            Last::DropHandles => {
                self.pool = None;
                drop(pool);
                // Each view keeps the pool open.
                for queue in (1..=self.views.len()).rev() {
                    self.submit(queue, Kind::HoldsAndReturns, Manner::Submit)?;
                    self.settle()?;
                    self.views.pop();
                }
                self.run_out()?;
                return self.all_gone();
            }
        }
        let metrics = pool.metrics();
        let books = self.model.books(None);
        let counted = Books {
            completed: metrics.completed,
            panicked: metrics.panicked,
            cancelled: metrics.cancelled,
            cancelled_by_drop: metrics.cancelled_by_drop,
            refused: metrics.refused,
        };
        let left = (metrics.threads, metrics.running, metrics.queued, metrics.waiting, metrics.abandoned);
        if counted != books || left != (0, 0, 0, 0, 0) || metrics.threads_started != metrics.threads_ended {
            return Err(format!("in the end {books:?}, but {metrics:?}"));
        }
        self.all_gone()
    }

    /// The pool is closed: nothing comes in any more, and what is held runs to its end, one after the other.
    fn run_out(&mut self) -> Checked {
        self.model.close();
        for queue in (0..=self.views.len()).skip(usize::from(self.pool.is_none())) {
            for manner in [Manner::Submit, Manner::Try, Manner::Await] {
                self.submit(queue, Kind::Returns, manner)?;
            }
        }
        self.hear()?;
        self.settle()?;
        while let Some(call) = nth(&self.model.held(), 0) {
            self.release(call);
            self.settle()?;
        }
        self.handles
            .keys()
            .next()
            .map_or(Ok(()), |call| Err(format!("the task of call {call} has not ended")))
    }

    /// Every value was dropped, and no thread is left.
    fn all_gone(&mut self) -> Checked {
        let mut naps = Naps::default();
        loop {
            let values = Arc::strong_count(&self.probe) - 1;
            let [started, ended] = [0, 1].map(|which: usize| self.log.threads[which].load(Ordering::SeqCst));
            if values == 0 && started == ended {
                return self.hear();
            }
            naps.next(
                &self.log,
                &format!("{values} values left, {started} threads, of which {ended} ended"),
            )?;
        }
    }
}

fn nth(all: &[usize], pick: usize) -> Option<usize> {
    all.get(pick.checked_rem(all.len())?).copied()
}

#[derive(Default)]
struct Naps(u32);

impl Naps {
    /// An error when there were too many.
    fn next(&mut self, log: &Log, what: &str) -> Checked {
        self.0 += 1;
        if self.0 > PATIENCE.load(Ordering::Relaxed) {
            return Err(format!("waited in vain: {what}"));
        }
        if self.0 < 100 {
            thread::yield_now()
        } else {
            log.nap()
        }
        Ok(())
    }
}

/// `block_on` that does not wait for ever.
fn wait_for<F: Future>(future: F, log: &Log) -> Checked<F::Output> {
    let (mut future, mut naps) = (std::pin::pin!(future), Naps::default());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(output);
        }
        naps.next(log, "a task or a shutdown does not end")?;
    }
}
