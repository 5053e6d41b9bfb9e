//! Jobs in front of a runtime's own threads: one turn of a thread runs many of them.
//!
//! A runtime's `spawn_blocking` wakes or starts a thread for each closure, and its threads meet at one lock. For short
//! calls that is most of what they cost. So the jobs wait here, and the runtime is given *turns*: closures that run
//! jobs for about a millisecond.
//!
//! ```text
//! execute:  push the job; ask for a turn, unless ASKED turns have been asked for that have not begun
//! a turn:   while more jobs wait than it takes itself, ask for another turn in its own place (the baton);
//!           then run jobs until none is left, or the time is up
//! ```
//!
//! Why no job is forgotten: whenever jobs wait, a turn has been asked for that has not begun, or a turn is underway
//! that does not end while jobs wait. `execute` pushes and asks under one lock; a turn that begins asks for the next
//! one before it runs anything; one whose time is up leaves jobs behind only to a turn that the runtime has accepted. So
//! jobs that block get a thread each, as far as the runtime has any (C10). Where the runtime refuses a turn or drops
//! it, whoever notices sees to the jobs; see [`Relay::ask`]. A turn that was refused its baton asks once more each time
//! that its own time is up.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{AnyPool, Job, Pool, Refused, SWEEP, TURN, sweep};
use crate::catch::{catch, quietly};
use crate::thread_pool::same_error;

/// How many turns may be asked for and not begun. One would do; with a few, calls that block have their threads
/// sooner. The figures in `docs/BENCHMARKS.md` are for this number; others were not measured.
const ASKED: usize = 4;

type Start = dyn Fn(Turn) -> Result<(), Refused> + Send + Sync;

pub(super) struct Relay {
    state: Mutex<State>,
    start: Box<Start>,
}

struct State {
    /// Numbered in the order in which they came, which is the one they are begun in (C11).
    jobs: VecDeque<(u64, Job)>,
    next: u64,
    /// At which length those that were cancelled are cleared away.
    sweep_at: usize,
    /// Turns that were asked for, and have neither begun nor been refused or dropped, by their numbers.
    asked: Vec<u64>,
    next_turn: u64,
    /// How many of them the runtime has not accepted yet.
    starting: usize,
    /// Turns that are underway.
    running: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            jobs: VecDeque::new(),
            next: 0,
            sweep_at: SWEEP,
            asked: Vec::new(),
            next_turn: 0,
            starting: 0,
            running: 0,
        }
    }
}

impl State {
    /// What was cancelled, to be dropped without the lock.
    fn sweep(&mut self) -> Vec<(u64, Job)> {
        sweep(&mut self.jobs, &mut self.sweep_at, |(_, job)| job.is_cancelled())
    }

    fn pop(&mut self) -> Option<Job> {
        self.jobs.pop_front().map(|(_, job)| job)
    }

    /// Takes back a job that is still here.
    fn take(&mut self, number: u64) -> Option<Job> {
        let index = self.jobs.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.jobs.remove(index).map(|(_, job)| job)
    }

    /// The number of another turn to ask for, if there is to be one.
    fn wants_turn(&mut self) -> Option<u64> {
        if self.jobs.is_empty() || self.asked.len() >= ASKED {
            return None;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.asked.push(turn);
        self.starting += 1;
        Some(turn)
    }

    /// The turn has begun, or will not. Whether it was still expected.
    fn strike(&mut self, turn: u64) -> bool {
        let before = self.asked.len();
        self.asked.retain(|asked| *asked != turn);
        self.asked.len() < before
    }

    /// Nobody will come for the jobs.
    fn is_stranded(&self) -> bool {
        self.asked.is_empty() && self.running == 0
    }

    /// Whether a turn that the runtime has accepted is yet to begin.
    fn has_successor(&self) -> bool {
        self.asked.len() > self.starting
    }
}

/// A thread's turn at the jobs of an [`AnyPool::from_threads`].
///
/// To drop it without having run it says that there are no threads any more: the jobs that wait end in
/// [`TaskError::Shutdown`](crate::TaskError::Shutdown).
#[must_use = "a turn that is dropped ends what waits in `Shutdown`"]
pub struct Turn {
    /// There until it runs.
    relay: Option<Arc<Relay>>,
    number: u64,
}

impl Turn {
    /// Runs jobs on this thread, as long as there are any and for about a millisecond.
    pub fn run(mut self) {
        if let Some(relay) = self.relay.take() {
            relay.serve(self.number);
        }
    }
}

/// What this thread is asking its runtime for.
#[derive(Clone, Copy)]
struct Asking {
    /// By its address; 0 for none.
    relay: usize,
    /// In the middle of a turn, which runs what there is itself.
    baton: bool,
    /// The turn was dropped meanwhile.
    dropped: bool,
}

thread_local! {
    static ASKING: Cell<Asking> = const { Cell::new(Asking { relay: 0, baton: false, dropped: false }) };
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(relay) = self.relay.take() else { return };
        if !relay.lock().strike(self.number) {
            // It was refused before, and the jobs were seen to then.
            return;
        }
        if let Some(asking) = relay.is_asking() {
            // `ask` sees to the rest, when it knows why.
            ASKING.set(Asking { dropped: true, ..asking });
        } else {
            relay.close();
        }
    }
}

impl Relay {
    pub(super) fn new(start: impl Fn(Turn) -> Result<(), Refused> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), start: Box::new(start) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Jobs are moved under it, never run or dropped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// What this thread is asking for on behalf of this relay.
    fn is_asking(self: &Arc<Self>) -> Option<Asking> {
        ASKING.try_with(Cell::get).ok().filter(|asking| asking.relay == self.address())
    }

    /// Asks the runtime for a turn that [`State::wants_turn`] has counted.
    ///
    /// It may refuse, and yet keep the turn, as tokio does without a thread; it may accept and drop the turn at once, for
    /// it has been shut down; or it may drop the turn later, as it is shut down, which the turn sees to itself.
    fn ask(self: &Arc<Self>, number: u64, baton: bool) -> Result<(), Refused> {
        let before = ASKING.replace(Asking { relay: self.address(), baton, dropped: false });
        let answer = catch(|| (self.start)(Turn { relay: Some(self.clone()), number }));
        let Asking { dropped, .. } = ASKING.replace(before);
        {
            let mut state = self.lock();
            state.starting -= 1;
            if !matches!(answer, Ok(Ok(()))) {
                // Should it run all the same, it finds what there is.
                state.strike(number);
            }
        }
        match answer {
            Ok(Ok(())) if dropped => {
                self.close();
                Ok(())
            }
            Ok(answer) => answer,
            Err(panic) => {
                self.close();
                panic.resume()
            }
        }
    }

    /// There are no threads any more: ends what waits in `Shutdown`.
    fn close(&self) {
        let jobs = std::mem::take(&mut self.lock().jobs);
        drop(jobs);
    }

    /// After a refusal: what becomes of the job `number`, and of the others if nobody is left to run them.
    fn refused(&self, number: u64, reason: Refused) -> Result<(), Refused> {
        let (own, others) = {
            let mut state = self.lock();
            let stranded = state.is_stranded();
            // C16: without another thread, those that live do.
            let own =
                if stranded || !matches!(reason, Refused::NoThread(_)) { state.take(number) } else { None };
            (own, if stranded { std::mem::take(&mut state.jobs) } else { VecDeque::new() })
        };
        for (_, job) in others {
            job.refuse(same(&reason));
        }
        match own {
            Some(job) => {
                drop(job);
                Err(reason)
            }
            None => Ok(()),
        }
    }

    /// Asks for a turn in this one's place. If it is refused, this thread does not stop before the jobs are done. A panic
    /// is its runtime's, and this thread has a job in hand.
    fn pass_on(self: &Arc<Self>, baton: Option<u64>) {
        if let Some(baton) = baton {
            quietly(|| drop(self.ask(baton, true)));
        }
    }

    fn serve(self: &Arc<Self>, number: u64) {
        let (mut job, baton) = {
            let mut state = self.lock();
            state.strike(number);
            if self.is_asking().is_some_and(|asking| asking.baton) {
                // In place, inside of the turn that asks: that one goes on, and in order.
                return;
            }
            let Some(job) = state.pop() else { return };
            state.running += 1;
            (job, state.wants_turn())
        };
        self.pass_on(baton);
        let mut begun = Instant::now();
        loop {
            job.run();
            let over = begun.elapsed() >= TURN;
            let baton = {
                let mut state = self.lock();
                let next = if over && state.has_successor() { None } else { state.pop() };
                let Some(next) = next else {
                    state.running -= 1;
                    return;
                };
                job = next;
                // It was refused before: perhaps there are threads now.
                if over && state.asked.is_empty() { state.wants_turn() } else { None }
            };
            if over {
                self.pass_on(baton);
                begun = Instant::now();
            }
        }
    }
}

/// The same reason once more.
fn same(reason: &Refused) -> Refused {
    match reason {
        Refused::Shutdown => Refused::Shutdown,
        Refused::Full => Refused::Full,
        Refused::NoThread(error) => Refused::NoThread(same_error(error)),
        Refused::NoPool(why) => Refused::NoPool(why.clone()),
        Refused::Poisoned(why) => Refused::Poisoned(why.clone()),
    }
}

/// The relay as a pool.
#[derive(Clone)]
pub(super) struct Relayed(pub(super) Arc<Relay>);

impl Pool for Relayed {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        let (number, wants_turn, spent) = {
            let mut state = self.0.lock();
            let number = state.next;
            state.next += 1;
            state.jobs.push_back((number, job));
            let spent = if state.jobs.len() > state.sweep_at { state.sweep() } else { Vec::new() };
            (number, state.wants_turn(), spent)
        };
        drop(spent);
        let Some(turn) = wants_turn else { return Ok(()) };
        self.0.ask(turn, false).or_else(|reason| self.0.refused(number, reason))
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PoolExt;

    /// While every thread blocks, nobody comes across what was cancelled; it goes all the same.
    #[test]
    fn what_is_cancelled_does_not_pile_up() {
        let relay = Relay::new(|turn| {
            // A thread that never comes to it.
            std::mem::forget(turn);
            Ok(())
        });
        let pool = Relayed(relay.clone());
        let last = pool.submit(|| ());
        for _ in 0..20 * SWEEP {
            drop(pool.submit(|| ()));
        }
        let left = relay.lock().jobs.len();
        assert!((1..=SWEEP + 1).contains(&left), "{left} jobs are left");
        assert!(!last.is_finished());
    }
}
