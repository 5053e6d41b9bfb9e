//! What a thread does for a map: takes items, runs them, delivers.

use std::sync::Arc;
use std::time::Instant;

use super::batch::{Hub, Shared};
use super::cargo::Cargo;
use super::job::{self, Ticket};
use super::pace::ChunkLength;
use super::slots::Bundle;
use super::supply::{Chunk, Claimed};
use crate::catch::catch;
use crate::context::{call_address, here, in_call};
use crate::error::{Panic, TaskError};
use crate::pool::{Pool, TURN};
use crate::slow_calls::Stopwatch;
use crate::thread_pool::is_stopping_job;
use crate::warning;

/// What a runner takes along from one turn to the next.
pub(super) struct Lane<I> {
    chunk: Arc<Chunk<I>>,
    length: ChunkLength,
}

impl<I> Lane<I> {
    pub(super) fn new() -> Self {
        Self { chunk: Chunk::new(), length: ChunkLength::new() }
    }
}

/// Queues a runner.
pub(super) fn submit<I, F, T>(shared: &Arc<Shared<I, F, T>>, lane: Lane<I>) -> Result<(), TaskError>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let (ticket, cargo) = (shared.ticket(), Cargo::load(shared));
    job::submit(shared, move || begin(ticket, lane, cargo), true)
}

fn begin<I, F, T>(ticket: Ticket<I, F, T>, lane: Lane<I>, cargo: Cargo<I, F, T>)
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    take_leave(cargo.run(|| {
        let (shared, f) = ticket.begin(Hub::enter);
        f.map(|f| run(shared, f, lane))
    }));
}

/// A runner that has nothing left to do but to leave.
pub(super) struct Done<I, F, T> {
    shared: Arc<Shared<I, F, T>>,
    f: Arc<F>,
}

/// The end of a job, when what it had around it has gone. It has been a runner, or not.
pub(super) fn take_leave<I, F, T>(ended: Result<Option<Done<I, F, T>>, Panic>)
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    match ended {
        Ok(Some(Done { shared, f })) => shared.leave(f),
        Ok(None) => {}
        // It has not begun: its waker sees to it.
        Err(panic) => panic.resume(),
    }
}

/// Runs items for a turn, as one of the map's runners.
pub(super) fn run<I, F, T>(shared: Arc<Shared<I, F, T>>, f: Arc<F>, lane: Lane<I>) -> Done<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let mut context = here();
    let (call, job) = (shared.clone(), call_address());
    // For code in an item, the call that runs is the map: it is cancelled when the map is.
    in_call(&mut context, call, || {
        let mut turn = Turn { shared: &shared, f: &f, job, bundle: None };
        if let Err(panic) = catch(|| turn.work(lane)).and_then(|worked| worked) {
            warning::panicked(shared.place, &panic);
            shared.fail(TaskError::Panicked(panic));
        }
        turn.deliver();
    });
    drop(context);
    Done { shared, f }
}

struct Turn<'a, I, F, T> {
    shared: &'a Arc<Shared<I, F, T>>,
    f: &'a F,
    /// The address of the pool's job that this is.
    job: usize,
    /// What was not delivered yet.
    bundle: Option<Bundle<T>>,
}

impl<I, F, T> Turn<'_, I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    fn work(&mut self, mut lane: Lane<I>) -> Result<(), Panic> {
        // On a pool that runs jobs in place, queueing up again is only a deeper call.
        let mut until = if job::is_in_place() { None } else { Some(Instant::now() + TURN) };
        let mut before = Instant::now();
        let mut left = lane.chunk.first();
        loop {
            if is_stopping_job(self.job) {
                // The time of its pool's shutdown is up: what nobody has begun is not begun any more (C15).
                self.shared.fail(TaskError::Shutdown);
                return Ok(());
            }
            let length = self.shared.fixed_chunk().unwrap_or(lane.length.get());
            let claimed = match left.take() {
                Some(first) => Claimed::Filled(first),
                None => self.shared.claim(&lane.chunk, length),
            };
            let done = match claimed {
                Claimed::Nothing => {
                    self.shared.lock().supply.forget(&lane.chunk);
                    return Ok(());
                }
                Claimed::One(index, item) => {
                    let mut item = Some(item);
                    self.run_from(index, None, 1, || item.take())?
                }
                Claimed::Filled(first) => {
                    let done =
                        self.run_from(first, until, lane.length.between_looks(), || lane.chunk.pop())?;
                    left = lane.chunk.first();
                    done
                }
            };
            let now = Instant::now();
            lane.length.judge(done, now - before);
            before = now;
            if until.is_some_and(|until| now >= until) {
                match self.hand_back(lane) {
                    Ok(()) => return Ok(()),
                    Err(ours) => lane = ours,
                }
                before = Instant::now();
                until = Some(before + TURN);
            }
        }
    }

    /// Runs what `next` gives, items from `first` on, about until the time has come: after each `between_looks` of them, the clock
    /// is looked at. Returns how many it were.
    #[expect(unsafe_code, reason = "only the runner knows that an index is its own")]
    fn run_from(
        &mut self,
        first: usize,
        until: Option<Instant>,
        between_looks: usize,
        mut next: impl FnMut() -> Option<I>,
    ) -> Result<usize, Panic> {
        let (place, outlet) = (self.shared.place, &self.shared.outlet);
        let job = self.job;
        let is_time = || until.is_some_and(|until| is_stopping_job(job) || Instant::now() >= until);
        let f = |item| {
            let _measured = Stopwatch::start(place);
            (self.f)(item)
        };
        if outlet.wants_each() {
            self.deliver();
            let mut done = 0;
            while let Some(item) = next() {
                let value = catch(|| f(item))?;
                outlet.deliver_one(first + done, value);
                done += 1;
                if is_time() {
                    break;
                }
            }
            return Ok(done);
        }
        let bundle = self.bundle.get_or_insert_with(|| outlet.bundle());
        // One frame that catches for all of them: a panic ends the map.
        catch(|| {
            // SAFETY: `Supply` gives each index out once, along with its item, and `next` gives those of items from `first` on.
            let mut results = unsafe { bundle.fill(first) };
            let mut until_look = between_looks;
            while let Some(item) = next() {
                results.push(f(item));
                until_look -= 1;
                if until_look == 0 {
                    until_look = between_looks;
                    if is_time() {
                        break;
                    }
                }
            }
            results.len()
        })
    }

    fn deliver(&mut self) {
        if let Some(bundle) = self.bundle.take() {
            self.shared.outlet.deliver(bundle);
        }
    }

    /// Queues up again for what is left, if somebody waits for the thread. If the pool does not take that, the
    /// runner goes on.
    fn hand_back(&mut self, lane: Lane<I>) -> Result<(), Lane<I>> {
        if !self.shared.tenant().has_waiting() {
            return Err(lane);
        }
        self.deliver();
        let ours = Lane { chunk: lane.chunk.clone(), length: lane.length };
        submit(self.shared, lane).map_err(|_| ours)
    }
}
