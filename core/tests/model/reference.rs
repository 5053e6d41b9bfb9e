//! What a pool must do, told by plain data: calls stand in queues, some run, and whatever is heard of them must have been
//! allowed at that moment.

use std::collections::VecDeque;

use super::words::{Books, End, Event, Kind, Manner};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Queued,
    Running,
    /// Its closure is still there.
    Over(End),
    Gone(End),
}

struct Call {
    queue: usize,
    kind: Kind,
    stage: Stage,
    /// It was taken.
    was_queued: bool,
    released: bool,
    /// Cancelled while it ran.
    told: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<usize>,
    running: usize,
    limit: usize,
    /// How often each other queue was served since this one has been ready.
    passed_by: Vec<usize>,
}

pub(crate) struct Model {
    max_threads: usize,
    /// Of the first queue, which is the pool's own.
    room: usize,
    queues: Vec<Queue>,
    calls: Vec<Call>,
    closed: bool,
}

impl Model {
    pub(crate) fn new(max_threads: usize, queue_limit: Option<usize>, views: &[usize]) -> Self {
        let limits = std::iter::once(usize::MAX).chain(views.iter().copied());
        let passed_by = vec![0; views.len() + 1];
        let queue = |limit| Queue { limit, passed_by: passed_by.clone(), ..Queue::default() };
        let room = queue_limit.unwrap_or(usize::MAX);
        Self { max_threads, room, queues: limits.map(queue).collect(), calls: Vec::new(), closed: false }
    }

    /// The end of a call that is refused.
    pub(crate) fn submit(&mut self, queue: usize, kind: Kind, manner: Manner) -> Option<End> {
        // Who waits for room stands behind those in the queue: one line for both.
        let is_full = queue == 0 && manner != Manner::Await && self.queues[0].waiting.len() >= self.room;
        let refused = if self.closed { Some(End::Shutdown) } else { is_full.then_some(End::Full) };
        let stage = refused.map_or(Stage::Queued, Stage::Over);
        if refused.is_none() {
            self.queues[queue].waiting.push_back(self.calls.len());
        }
        self.calls.push(Call {
            queue,
            kind,
            stage,
            was_queued: refused.is_none(),
            released: false,
            told: false,
        });
        refused
    }

    pub(crate) fn release(&mut self, call: usize) {
        self.calls[call].released = true;
    }

    /// By an abort, or by dropping its task.
    pub(crate) fn cancel(&mut self, call: usize, end: End) {
        match self.calls[call].stage {
            Stage::Queued => {
                self.queues[self.calls[call].queue].waiting.retain(|other| *other != call);
                self.calls[call].stage = Stage::Over(end);
                self.forget_turns();
            }
            Stage::Running => self.calls[call].told = true,
            Stage::Over(_) | Stage::Gone(_) => {}
        }
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// The time of a shutdown is up. How many calls it cancels, and how many run.
    pub(crate) fn give_up(&mut self) -> (usize, usize) {
        let queued: Vec<_> = self.queues.iter_mut().flat_map(|queue| queue.waiting.drain(..)).collect();
        queued.iter().for_each(|call| self.calls[*call].stage = Stage::Over(End::Shutdown));
        self.calls.iter_mut().filter(|call| call.stage == Stage::Running).for_each(|call| call.told = true);
        (queued.len(), self.running())
    }

    /// Whether this may happen now.
    pub(crate) fn hear(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Started(call) => self.start(call)?,
            Event::Ended(number, saw) => {
                let call = &mut self.calls[number];
                if call.stage != Stage::Running || (call.kind.holds() && !call.released) {
                    return Err(format!("call {number} ended when it was {:?}", call.stage));
                }
                // One that is over before it could be told has seen nothing; others must have.
                if saw != call.told {
                    return Err(format!("call {number}: told {}, but saw {saw}", call.told));
                }
                call.stage = Stage::Over(call.kind.end());
                self.queues[call.queue].running -= 1;
            }
            Event::Dropped(number, here) => {
                let Stage::Over(end) = self.calls[number].stage else {
                    return Err(format!("call {number} dropped when it was {:?}", self.calls[number].stage));
                };
                // Who cancels or is refused drops the closure; who runs it does, else.
                if here == matches!(end, End::Value | End::Panicked) {
                    return Err(format!("call {number}, {end:?}, was dropped by the wrong thread"));
                }
                self.calls[number].stage = Stage::Gone(end);
            }
        }
        self.forget_turns();
        Ok(())
    }

    fn start(&mut self, call: usize) -> Result<(), String> {
        let key = self.calls[call].queue;
        if self.queues[key].waiting.front() != Some(&call) {
            let stage = self.calls[call].stage;
            return Err(format!("call {call}, {stage:?}, started, not the first of queue {key}"));
        }
        if !self.may_start(key) {
            return Err(format!("call {call} of queue {key} started beyond a limit"));
        }
        for other in (0..self.queues.len()).filter(|other| *other != key) {
            let passed_by = self.is_ready(other).then(|| &mut self.queues[other].passed_by[key]);
            if let Some(times) = passed_by {
                *times += 1;
                if *times > 1 {
                    return Err(format!("queue {other} was ready, and {key} was served twice before it"));
                }
            }
        }
        let queue = &mut self.queues[key];
        queue.waiting.pop_front();
        queue.running += 1;
        queue.passed_by.fill(0);
        self.calls[call].stage = Stage::Running;
        Ok(())
    }

    /// Who is not ready is passed by nobody.
    fn forget_turns(&mut self) {
        for key in 0..self.queues.len() {
            if !self.is_ready(key) {
                self.queues[key].passed_by.fill(0);
            }
        }
    }

    fn is_ready(&self, queue: usize) -> bool {
        let queue = &self.queues[queue];
        !queue.waiting.is_empty() && queue.running < queue.limit
    }

    fn may_start(&self, queue: usize) -> bool {
        self.is_ready(queue) && self.running() < self.max_threads
    }

    /// What must happen still before anybody does anything.
    pub(crate) fn outstanding(&self) -> Option<String> {
        let queue = (0..self.queues.len()).find(|queue| self.may_start(*queue));
        let starts = queue.map(|queue| format!("call {} has not started", self.queues[queue].waiting[0]));
        starts.or_else(|| {
            let call = self.calls.iter().position(Call::is_under_way)?;
            Some(format!("call {call} is still {:?}", self.calls[call].stage))
        })
    }

    pub(crate) fn running(&self) -> usize {
        self.queues.iter().map(|queue| queue.running).sum()
    }

    pub(crate) fn max_threads(&self) -> usize {
        self.max_threads
    }

    pub(crate) fn running_of(&self, queue: usize) -> usize {
        self.queues[queue].running
    }

    pub(crate) fn told(&self) -> usize {
        self.calls.iter().filter(|call| call.stage == Stage::Running && call.told).count()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiting.len()).sum()
    }

    /// Those that hold a thread and may be released.
    pub(crate) fn held(&self) -> Vec<usize> {
        let is_held = |call: &Call| call.stage == Stage::Running && call.kind.holds() && !call.released;
        (0..self.calls.len()).filter(|call| is_held(&self.calls[*call])).collect()
    }

    /// Of a call that has ended.
    pub(crate) fn end(&self, call: usize) -> Option<End> {
        match self.calls[call].stage {
            Stage::Gone(end) => Some(end),
            _ => None,
        }
    }

    /// Of one queue, or of all.
    pub(crate) fn books(&self, queue: Option<usize>) -> Books {
        let mut books = Books::default();
        for call in self.calls.iter().filter(|call| queue.is_none_or(|queue| queue == call.queue)) {
            let Stage::Gone(end) = call.stage else { continue };
            *match end {
                End::Value => &mut books.completed,
                End::Panicked => &mut books.panicked,
                End::Cancelled => &mut books.cancelled,
                End::Abandoned => &mut books.cancelled_by_drop,
                // What is queued when a shutdown has no more time counts as cancelled.
                End::Shutdown if call.was_queued => &mut books.cancelled,
                End::Shutdown | End::Full => &mut books.refused,
            } += 1;
        }
        books
    }
}

impl Call {
    fn is_under_way(&self) -> bool {
        match self.stage {
            Stage::Running => !self.kind.holds() || self.released,
            Stage::Over(_) => true,
            Stage::Queued | Stage::Gone(_) => false,
        }
    }
}
