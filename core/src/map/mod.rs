//! One closure over many items, as one batch on a pool.
//!
//! | module | holds |
//! |---|---|
//! | `batch` | what all parts share; when the map is over |
//! | `supply` | items that nobody has begun, and how they are taken and stolen |
//! | `pace` | how many items are taken at a time |
//! | `runner` | what a thread does for the map |
//! | `watcher` | when more threads are called |
//! | `job` | a runner or the watcher on its way through the pool |
//! | `cargo` | what a job has around it, which goes before the end can be seen |
//! | `slots`, `outlet` | results on their way to the awaiter |
//! | `stream` | results one by one |
//!
//! `docs/ARCHITECTURE.md` says why it is done so.

mod batch;
mod cargo;
mod job;
#[cfg(all(test, loom))]
mod models;
mod outlet;
mod pace;
mod runner;
mod slots;
mod stream;
mod supply;
mod watcher;

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use batch::{Batch, Shared};
use outlet::Delivery;
use slots::Bundle;
pub use stream::{MapCompleted, MapStream};

use crate::error::TaskError;
use crate::park::is_job_awaited;
use crate::pool::AnyPool;

/// One closure over many items, as one batch job of a pool: what [`PoolExt::map`](crate::PoolExt::map) gives.
///
/// Awaited, it gives the results in input order. It begins at its first poll, as a [`Call`](crate::Call) does, or at
/// [`start`](Map::start). From then on the pool's threads take items as they get free: many at a time while items
/// are short, one by one when they are not. Items that block get up to the pool's `max_threads`
/// threads; short ones, about as many as there are cores.
///
/// Of a [`ThreadPool`](crate::ThreadPool), a map is a tenant with a queue of its own, and its threads take their turn
/// about once a millisecond, so that it keeps no other call waiting (C18).
///
/// # Errors
///
/// There is a place for an error in the result of [`settle`](Map::settle) alone. If the pool takes none of the map's
/// jobs, or drops the last of them, it ends in the pool's reason. As long as one of its threads is at work, it
/// goes on with that one.
///
/// # Panics
///
/// If the closure panics for an item, no further item is begun; those that are running end, the closure
/// and all other items and results are dropped, and the panic goes on in the awaiter. Any other [`TaskError`]
/// becomes a panic with its text. Polling it again after it was ready panics.
///
/// # Cancellation
///
/// Dropping it stops it (C03): items that have not begun are dropped at once, those that are running end,
/// [`from_thread::is_cancelled`](crate::from_thread::is_cancelled) is true in them, and results are dropped.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool};
///
/// let pool = ThreadPool::new(4)?;
/// let paths = ["Cargo.toml", "no such file"];
/// let files = pollster::block_on(pool.map(paths, std::fs::read));
/// assert!(files[0].is_ok() && files[1].is_err());
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use = "a map does nothing until it is awaited; `.start()` starts it"]
pub struct Map<T> {
    batch: Arc<dyn Batch<T>>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Started,
    Ended,
}

impl<T: Send + 'static> Map<T> {
    pub(crate) fn new<I, F>(pool: AnyPool, items: Vec<I>, f: F, place: &'static Location<'static>) -> Self
    where
        I: Send + 'static,
        F: Fn(I) -> T + Send + Sync + 'static,
    {
        Self { batch: Shared::new(pool, items, f, place), stage: Stage::Idle }
    }

    /// Starts it now. Its results wait for whoever awaits it.
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let map = pool.map(0..3, |i| i * i).start();
    /// // ... other work meanwhile ...
    /// assert_eq!(pollster::block_on(map), [0, 1, 4]);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn start(mut self) -> Self {
        self.begin();
        self
    }

    /// Fixes how many items a thread takes at a time, in place of what the map finds out; 0 counts as 1.
    ///
    /// A thread that has nothing to do still takes over half of what another one has before it. Without
    /// effect on what was taken already.
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    ///
    /// let pool = ThreadPool::new(2)?;
    /// let doubled = pollster::block_on(pool.map(0..1_000, |i| i * 2).chunk(100));
    /// assert_eq!(doubled[999], 1_998);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn chunk(self, items: usize) -> Self {
        self.batch.set_chunk(items);
        self
    }

    /// The same map, ending in a `Result` where this one would panic.
    ///
    /// ```
    /// use anyloop_core::{PoolExt, TaskError, ThreadPool};
    ///
    /// let pool = ThreadPool::new(2)?;
    /// let inverses = pool.map([1_u32, 0], |n| 1 / n).settle();
    /// assert!(matches!(pollster::block_on(inverses), Err(TaskError::Panicked(_))));
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn settle(self) -> MapSettle<T> {
        MapSettle { map: self }
    }

    /// The results one by one, in input order, as they come. It begins at its first poll, unless the map
    /// was started. Of a map that was started, a result that is there already may come with its thread's next one.
    ///
    /// A panic of an item, or another error, comes as a panic, after the results before it that were there. The
    /// stream has ended then.
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    /// use futures::StreamExt;
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let mut squares = pool.map(1..=3, |i| i * i).stream();
    /// pollster::block_on(async {
    ///     assert_eq!(squares.next().await, Some(1));
    ///     assert_eq!(squares.next().await, Some(4));
    ///     assert_eq!(squares.next().await, Some(9));
    ///     assert_eq!(squares.next().await, None);
    /// });
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn stream(self) -> MapStream<T> {
        self.batch.outlet().want_each();
        MapStream::new(self)
    }

    /// The results one by one with their items' indices, whichever comes first. Otherwise as
    /// [`stream`](Map::stream).
    ///
    /// ```
    /// use anyloop_core::{PoolExt, ThreadPool};
    /// use futures::StreamExt;
    ///
    /// let pool = ThreadPool::new(4)?;
    /// let squares = pool.map(1..=3, |i| i * i).as_completed();
    /// let mut pairs: Vec<(usize, i32)> = pollster::block_on(squares.collect());
    /// pairs.sort_unstable();
    /// assert_eq!(pairs, [(0, 1), (1, 4), (2, 9)]);
    /// # Ok::<(), anyloop_core::BuildError>(())
    /// ```
    pub fn as_completed(self) -> MapCompleted<T> {
        self.batch.outlet().want_each();
        MapCompleted::new(self)
    }
}

impl<T> Map<T> {
    fn begin(&mut self) {
        if self.stage == Stage::Idle {
            self.stage = Stage::Started;
            self.batch.clone().start();
        }
    }

    fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Delivery<T>> {
        if self.stage == Stage::Ended {
            panic!("a Map was polled again after it had ended");
        }
        self.begin();
        let Poll::Ready(delivery) = self.batch.outlet().poll(cx.waker()) else {
            if is_job_awaited() {
                self.batch.note_awaited();
            }
            return Poll::Pending;
        };
        if delivery.over {
            self.stage = Stage::Ended;
        }
        Poll::Ready(delivery)
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<T>, TaskError>> {
        let Delivery { slots, bundles, error, .. } = ready!(self.poll_delivery(cx));
        Poll::Ready(match error {
            Some(error) => Err(error),
            None => Ok(slots.map_or_else(Vec::new, |slots| Bundle::merge(slots, bundles))),
        })
    }
}

/// What is not an end in a value, where a panic is all that can say so.
fn go_on_panicking(error: TaskError) -> ! {
    match error {
        TaskError::Panicked(panic) => panic.resume(),
        error => panic!("a map did not run to its end: {error}"),
    }
}

impl<T> Future for Map<T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        Poll::Ready(ready!(self.poll_settled(cx)).unwrap_or_else(|error| go_on_panicking(error)))
    }
}

impl<T> Drop for Map<T> {
    fn drop(&mut self) {
        if self.stage != Stage::Ended {
            self.batch.cancel();
        }
    }
}

impl<T> fmt::Debug for Map<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// The future of [`Map::settle`].
#[derive(Debug)]
#[must_use = "a map does nothing until it is awaited"]
pub struct MapSettle<T> {
    map: Map<T>,
}

impl<T> Future for MapSettle<T> {
    type Output = Result<Vec<T>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.map.poll_settled(cx)
    }
}
