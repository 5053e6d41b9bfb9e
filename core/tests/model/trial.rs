//! A scenario, tried on a real pool step by step, while the model looks on.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyloop_core::{AnyPool, Call, Limited, Pool, PoolExt, Refused, Task, TaskError, ThreadPool};

use super::closures::{Checked, Closure, Ended, Log, Naps, Value, wait_for};
use super::reference::Model;
use super::scenario::{Scenario, Step};
use super::words::{End, Kind, Manner};

/// Who waits for a call.
pub(crate) enum Handle {
    Task(Task<Value>),
    /// A call that is awaited, or a cancelled task.
    Future(Pin<Box<dyn Future<Output = Ended>>>),
    /// A call that was ready when it was polled first.
    Ended(Ended),
}

pub(crate) struct Trial {
    pub(crate) pool: Option<ThreadPool>,
    pub(crate) views: Vec<Limited>,
    pub(crate) model: Model,
    pub(crate) log: Arc<Log>,
    pub(crate) handles: BTreeMap<usize, Handle>,
    gates: BTreeMap<usize, Sender<()>>,
    pub(crate) probe: Arc<()>,
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
        // Nobody ends before the pool is closed.
        builder = builder.keep_alive(Duration::from_secs(3_600));
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

    pub(crate) fn release(&mut self, call: usize) {
        self.model.release(call);
        self.gates.remove(&call);
    }

    pub(crate) fn submit(&mut self, queue: usize, kind: Kind, manner: Manner) -> Checked {
        let call = self.submitted;
        self.submitted += 1;
        let refused = self.model.submit(queue, kind, manner);
        let gate = kind.holds().then(|| {
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

    pub(crate) fn pool(&self) -> Checked<&ThreadPool> {
        self.pool.as_ref().ok_or_else(|| "the pool is gone".to_owned())
    }

    fn queue(&self, queue: usize) -> Checked<AnyPool> {
        match queue.checked_sub(1) {
            None => self.pool().map(Pool::to_any),
            Some(view) => Ok(self.views[view].to_any()),
        }
    }

    pub(crate) fn hear(&mut self) -> Checked {
        let events = std::mem::take(&mut *self.log.events());
        events.into_iter().try_for_each(|event| self.model.hear(event))
    }

    /// Until everything that must happen has happened, and the pool's figures say so, too.
    pub(crate) fn settle(&mut self) -> Checked {
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
}

pub(crate) fn nth(all: &[usize], pick: usize) -> Option<usize> {
    all.get(pick.checked_rem(all.len())?).copied()
}
