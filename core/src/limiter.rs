//! A limit shared by calls, whichever pool they run on.

mod permit;

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use permit::{InLine, LentPermit, Permit, holding};

use crate::catch::{drop_quietly, quietly};
use crate::pool::{AnyPool, Job, Pool, Refused, SWEEP, sweep};

/// At most `n` of the calls that share it run at the same time; the others wait in the order in which
/// they were started, without a thread. A call may take [several of the `n`
/// permits](crate::Call::limit_weighted), where the limit is on memory, say.
///
/// It lives in a `static`. A place is taken until the closure has really ended, also when its caller has
/// lost interest meanwhile.
///
/// ```
/// use anyloop_core::{Call, Limiter};
///
/// static DISK: Limiter = Limiter::new(2);
///
/// let call = Call::new(|| 42).limit(&DISK);
/// assert_eq!(pollster::block_on(call), 42);
/// ```
///
/// None at all would be a wait without an end, and does not compile in a `static`:
///
/// ```compile_fail
/// static NEVER: anyloop_core::Limiter = anyloop_core::Limiter::new(0);
/// ```
pub struct Limiter {
    limit: usize,
    state: Mutex<State>,
}

struct State {
    /// Permits that are taken.
    taken: usize,
    queue: VecDeque<Waiting>,
    /// Somebody is handing jobs on; whoever frees a place meanwhile leaves it to them. Keeps a
    /// refusing pool from recursing once per queued job.
    pumping: bool,
    /// The length at which the queue is cleared of cancelled jobs.
    sweep_at: usize,
}

impl State {
    /// Takes cancelled jobs out of a queue that has grown, to be dropped without the lock.
    fn sweep(&mut self) -> Vec<Waiting> {
        if self.queue.len() < self.sweep_at {
            return Vec::new();
        }
        sweep(&mut self.queue, &mut self.sweep_at, |waiting| waiting.job.is_cancelled())
    }
}

struct Waiting {
    pool: AnyPool,
    job: Job,
    permits: usize,
}

/// A limiter that is shared by calls.
#[derive(Clone)]
enum Shared {
    Static(&'static Limiter),
    Owned(Arc<Limiter>),
}

impl Deref for Shared {
    type Target = Limiter;

    fn deref(&self) -> &Limiter {
        match self {
            Self::Static(limiter) => limiter,
            Self::Owned(limiter) => limiter,
        }
    }
}

impl Limiter {
    /// A limit of `n` calls.
    ///
    /// # Panics
    ///
    /// If `n` is 0; in a `static`, that is an error of the compiler's.
    #[must_use]
    pub const fn new(n: usize) -> Self {
        assert!(n > 0, "a Limiter needs room for at least one call: with 0 none would ever start");
        Self {
            limit: n,
            state: Mutex::new(State { taken: 0, queue: VecDeque::new(), pumping: false, sweep_at: SWEEP }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only the queue and two numbers are touched under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, state: &State, permits: usize) -> bool {
        permits <= self.limit - state.taken.min(self.limit)
    }
}

impl Shared {
    fn give_back(&self, permits: usize) {
        let more = {
            let mut state = self.lock();
            state.taken -= permits;
            !state.queue.is_empty()
        };
        if more {
            self.pump();
        }
    }

    /// Hands queued jobs to their pools while there is room. Called after each change that may let the first one go: places
    /// were given back, a job came, or one was cancelled. Whoever makes the change does so before this takes the lock; so
    /// who is at it already sees it, in its next look at the queue or in its last.
    fn pump(&self) {
        let mut state = self.lock();
        if state.pumping {
            return;
        }
        state.pumping = true;
        // Who was cancelled makes way, whether or not there is room.
        while state
            .queue
            .front()
            .is_some_and(|first| first.job.is_cancelled() || self.has_room(&state, first.permits))
            && let Some(Waiting { pool, job, permits }) = state.queue.pop_front()
        {
            state.taken += permits;
            drop(state);
            // Job and pool go in here, before the lock is taken again: their destructors are foreign code.
            quietly(move || {
                let job = job.with_permit(Permit::of(self, permits));
                if !job.is_cancelled() {
                    job.hand_on(&pool);
                }
            });
            state = self.lock();
        }
        state.pumping = false;
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (taken, queued) = {
            let state = self.lock();
            (state.taken, state.queue.len())
        };
        f.debug_struct("Limiter")
            .field("limit", &self.limit)
            .field("taken", &taken)
            .field("queued", &queued)
            .finish()
    }
}

/// A pool seen through a limiter.
#[derive(Clone)]
pub(crate) struct Limiting {
    limiter: Shared,
    permits: usize,
    pool: AnyPool,
}

impl Limiting {
    /// Each job takes so many permits of `limiter`.
    pub(crate) fn by(limiter: &'static Limiter, permits: usize, pool: AnyPool) -> Self {
        Self { limiter: Shared::Static(limiter), permits, pool }
    }

    pub(crate) fn owned(limit: NonZeroUsize, pool: AnyPool) -> Self {
        Self { limiter: Shared::Owned(Arc::new(Limiter::new(limit.get()))), permits: 1, pool }
    }

    /// Passes the job on, or lets it wait for its place.
    fn pass(
        &self,
        job: Job,
        pass_on: impl FnOnce(&AnyPool, Job) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let Self { limiter, permits, pool } = self;
        if *permits > limiter.limit {
            drop(job);
            let limit = limiter.limit;
            return Err(Refused::NoPool(
                format!(
                    "the call takes {permits} permits of a Limiter that has {limit}, and would wait for ever: \
                     take fewer, or raise the limit"
                )
                .into(),
            ));
        }
        {
            let mut state = limiter.lock();
            if state.queue.is_empty() && limiter.has_room(&state, *permits) {
                state.taken += permits;
                drop(state);
                return pass_on(pool, job.with_permit(Permit::of(limiter, *permits)));
            }
        }
        // Before the job is there to be seen: whenever it is cancelled from now on, the queue is looked at after that.
        let job = job.in_line(InLine::of(limiter));
        let spent = {
            let mut state = limiter.lock();
            let spent = state.sweep();
            state.queue.push_back(Waiting { pool: pool.clone(), job, permits: *permits });
            spent
        };
        drop_quietly(spent);
        // A place may have been freed, or the job been cancelled, before it was there to be seen.
        limiter.pump();
        Ok(())
    }
}

impl Pool for Limiting {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.pass(job, |pool, job| pool.execute(job))
    }

    fn execute_patiently(&self, job: Job) -> Result<(), Refused> {
        self.pass(job, |pool, job| pool.execute_patiently(job))
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.limiter.limit).into_iter().chain(self.pool.max_threads()).min()
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}
