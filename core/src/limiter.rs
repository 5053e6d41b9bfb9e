//! A limit shared by calls, whichever pool they run on.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::catch::quietly;
use crate::pool::{AnyPool, Job, Pool, Refused};

/// At most `n` of the calls that share it run at the same time; the others wait in the order in which
/// they were started, without a thread.
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
    running: usize,
    queue: VecDeque<(AnyPool, Job)>,
    /// Somebody is handing jobs on; whoever frees a place meanwhile leaves it to them. Keeps a
    /// refusing pool from recursing once per queued job.
    pumping: bool,
}

/// A place under the limit, given back when dropped.
pub(crate) struct Permit {
    limiter: &'static Limiter,
    /// The place under the limiter that the job came through before this one.
    outer: Option<Box<Permit>>,
}

impl Permit {
    fn new(limiter: &'static Limiter) -> Self {
        Self { limiter, outer: None }
    }

    /// Both places: this one is given back first.
    pub(crate) fn within(mut self, outer: Option<Self>) -> Self {
        self.outer = outer.map(Box::new);
        self
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
        Self { limit: n, state: Mutex::new(State { running: 0, queue: VecDeque::new(), pumping: false }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only the queue and two numbers are touched under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands queued jobs to their pools while there is room.
    fn pump(&'static self) {
        let mut state = self.lock();
        if state.pumping {
            return;
        }
        state.pumping = true;
        while state.running < self.limit
            && let Some((pool, job)) = state.queue.pop_front()
        {
            state.running += 1;
            drop(state);
            // Job and pool go in here, before the lock is taken again: their destructors are foreign code.
            quietly(move || {
                let job = job.with_permit(Permit::new(self));
                if !job.is_cancelled() {
                    job.hand_on(&pool);
                }
            });
            state = self.lock();
        }
        state.pumping = false;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let more = {
            let mut state = self.limiter.lock();
            state.running -= 1;
            !state.queue.is_empty()
        };
        if more {
            self.limiter.pump();
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, queued) = {
            let state = self.lock();
            (state.running, state.queue.len())
        };
        f.debug_struct("Limiter")
            .field("limit", &self.limit)
            .field("running", &running)
            .field("queued", &queued)
            .finish()
    }
}

/// A pool seen through a limiter.
#[derive(Clone)]
pub(crate) struct Limited {
    pub(crate) limiter: &'static Limiter,
    pub(crate) pool: AnyPool,
}

impl Pool for Limited {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        let limiter = self.limiter;
        {
            let mut state = limiter.lock();
            if state.running == limiter.limit || !state.queue.is_empty() {
                state.queue.push_back((self.pool.clone(), job));
                drop(state);
                // A place may have been freed before the job was there to be seen.
                limiter.pump();
                return Ok(());
            }
            state.running += 1;
        }
        self.pool.execute(job.with_permit(Permit::new(limiter)))
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.limiter.limit).into_iter().chain(self.pool.max_threads()).min()
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}
