//! A limit shared by calls, whichever pool they run on.

mod line;
#[cfg(all(test, loom))]
mod models;
mod permit;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use line::{Line, Waiting};
use permit::address;
pub(crate) use permit::{InLine, LentPermit, Permit, WaitUnder, held_here, holding, is_any_held};

use crate::catch::{drop_quietly, quietly};
use crate::origin::{Origin, handing_on, this_thread};
use crate::pool::{AnyPool, Job, Pool, Refused};
use crate::sync::{Mutex, MutexGuard};

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
    /// Those that calls which wait have lent (C17).
    lent: usize,
    /// Those that what they wait for has of them.
    awaited: usize,
    line: Line,
    /// The thread that is handing jobs on; whoever frees a place meanwhile leaves it to that. Keeps a
    /// refusing pool from recursing once per queued job.
    pumper: Option<usize>,
    /// Somebody has left it to that since its last look.
    has_more: bool,
}

impl State {
    const fn new() -> Self {
        Self { taken: 0, lent: 0, awaited: 0, line: Line::new(), pumper: None, has_more: false }
    }

    /// Permits that are free; more than the limit may be taken (C17).
    fn room(&self, limit: usize) -> usize {
        limit.saturating_sub(self.taken)
    }
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
    #[cfg(not(all(test, loom)))]
    pub const fn new(n: usize) -> Self {
        assert!(n > 0, "a Limiter needs room for at least one call: with 0 none would ever start");
        Self { limit: n, state: Mutex::new(State::new()) }
    }

    /// With loom's mutex, which is not made in a `const fn`.
    #[cfg(all(test, loom))]
    fn new(n: usize) -> Self {
        Self { limit: n, state: Mutex::new(State::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only the line and some counts are touched under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Whether somebody may have waited for them.
    #[must_use]
    fn give_back(&self, permits: usize, awaited: bool) -> bool {
        let mut state = self.lock();
        state.taken -= permits;
        state.awaited -= if awaited { permits } else { 0 };
        !state.line.is_empty()
    }

    /// Hands queued jobs to their pools while there is room. Called after each change that may let the first one go: places
    /// were given back, a job came, or one was cancelled. Whoever makes the change does so before this takes the lock; so
    /// who is at it already sees it, in its next look at the queue or in its last.
    fn pump(&self) {
        self.pump_with(None);
    }

    /// The same for a call that waits, so that nobody is left to do it where the call is run by who hands on, in place.
    fn pump_before_waiting(&self) {
        self.pump_with(Some(this_thread()));
    }

    fn pump_with(&self, waiting: Option<usize>) {
        let mut state = self.lock();
        let (here, before) = (Some(this_thread()), state.pumper);
        if before.is_some() && before != waiting {
            state.has_more = true;
            return;
        }
        state.pumper = here;
        // Who was cancelled makes way, whether or not there is room.
        loop {
            state.has_more = false;
            let room = state.room(self.limit);
            let State { taken, lent, awaited, line, .. } = &mut *state;
            let Some((next, is_awaited)) = line.next(*awaited < *lent, |permits| permits <= room) else {
                break;
            };
            let Waiting { pool, job, permits, origin, .. } = next;
            *taken += permits;
            *awaited += if is_awaited { permits } else { 0 };
            drop(state);
            // Job and pool go in here, before the lock is taken again: their destructors are foreign code.
            quietly(move || {
                let job = job.with_permit(Permit::of(self, permits, is_awaited));
                if !job.is_cancelled() {
                    handing_on(origin, || job.hand_on(&pool));
                }
            });
            state = self.lock();
            // It may have run in place, and somebody else may have begun meanwhile.
            if state.pumper.is_some() && state.pumper != here {
                return;
            }
            state.pumper = here;
        }
        state.pumper = before;
    }

    /// A call begins on this thread. If it is at handing that on, it leaves the rest to others until the call has ended, which may
    /// take any time. Whether it was.
    fn step_aside(&self) -> bool {
        let has_more = {
            let mut state = self.lock();
            if state.pumper != Some(this_thread()) {
                return false;
            }
            state.pumper = None;
            std::mem::take(&mut state.has_more)
        };
        if has_more {
            self.pump();
        }
        true
    }

    /// The call has ended: what follows it is handed on by who has handed on the call, or else each call would be run inside of the one
    /// before.
    fn step_back(&self) {
        let mut state = self.lock();
        if state.pumper.is_none() {
            state.pumper = Some(this_thread());
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (taken, queued) = {
            let state = self.lock();
            (state.taken, state.line.len())
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
            if state.line.is_empty() && *permits <= state.room(limiter.limit) {
                state.taken += permits;
                drop(state);
                return pass_on(pool, job.with_permit(Permit::of(limiter, *permits, false)));
            }
        }
        // Before the job is there to be seen: whenever it is cancelled from now on, the queue is looked at after that.
        let job = job.in_line(InLine::of(limiter));
        let (pool, origin) = (pool.clone(), Origin::here());
        let nested = origin.holds(address(limiter));
        let spent = limiter.lock().line.push(pool, job, *permits, origin, nested);
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
