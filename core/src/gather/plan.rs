//! What `gather` and `try_gather` return: the children, and by which policies they will be run.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;

use super::completed::Completed;
use super::counted::{Counted, Pending};
use super::flow::Flow;
use super::judge::{Fallible, Judge, Plain};
use super::lazy::Lazy;
use super::many::Many;
use super::progress::{Progress, Silent, Watch};
use super::settle::Settleable;
use super::until::Until;
use super::{Each, Gatherable, Together, TryGatherable};

/// The policy of a gather without a limit: all children run at once.
#[derive(Clone, Copy, Debug)]
pub struct All;

/// The policy of a gather with a limit: so many children run at once, and the iterator is drawn from as
/// they end.
#[derive(Clone, Copy, Debug)]
pub struct AtMost(NonZeroUsize);

/// Children that are about to be gathered; `.await` it.
///
/// The policies can be combined; [`until`](Self::until) and [`as_completed`](Self::as_completed) come last.
///
/// ```
/// use anyloop_core::{Call, gather};
///
/// # pollster::block_on(async {
/// let mut seen = 0;
/// let ended = gather((0..100).map(|id| Call::new(move || 100 / (id - 7))))
///     .limit(16)
///     .settle()
///     .on_progress(|done, total| {
///         seen += 1;
///         assert_eq!((done, total), (seen, 100));
///     })
///     .await;
/// assert_eq!(ended[8].as_ref().unwrap(), &100);
/// assert!(ended[7].as_ref().unwrap_err().message().contains("divide by zero"));
/// # });
/// ```
#[must_use = "futures do nothing until they are awaited"]
pub struct Gather<G, M, L = All, P = Silent, V = Plain> {
    children: G,
    // Not `limit`: the compiler would tell of a private field where a tuple is given a limit.
    at_most: L,
    progress: P,
    marker: PhantomData<fn() -> (M, V)>,
}

/// Children that are about to be gathered until the first error; `.await` it. It has the same policies.
pub type TryGather<G, M, L = All, P = Silent> = Gather<G, M, L, P, Fallible>;

impl AtMost {
    #[track_caller]
    fn new(limit: usize) -> Self {
        let Some(limit) = NonZeroUsize::new(limit) else {
            panic!("a gather with a limit of 0 would never begin; the least is 1")
        };
        Self(limit)
    }
}

impl<G, M, V> Gather<G, M, All, Silent, V> {
    pub(super) fn new(children: G) -> Self {
        Self { children, at_most: All, progress: Silent, marker: PhantomData }
    }
}

impl<G, M, L, P, V> Gather<G, M, L, P, V> {
    /// Lets a child's panic be that child's own result: each gives a `Result`, and the siblings go on (C22).
    ///
    /// ```
    /// use anyloop_core::{Call, gather};
    ///
    /// # pollster::block_on(async {
    /// let ended = gather([2_u32, 0].map(|by| Call::new(move || 8 / by))).settle().await;
    /// assert_eq!(ended[0].as_ref().unwrap(), &4);
    /// assert!(ended[1].is_err());
    ///
    /// let (number, unlucky) = gather((async { 1 }, async { panic!("no luck") as u8 })).settle().await;
    /// assert_eq!(number.unwrap(), 1);
    /// assert_eq!(unlucky.unwrap_err().message(), "no luck");
    /// # });
    /// ```
    pub fn settle(self) -> Gather<G::Settling, M, L, P, V>
    where
        G: Settleable<M, V>,
    {
        let Self { children, at_most, progress, marker } = self;
        Gather { children: children.settling(), at_most, progress, marker }
    }

    /// Gives the children until `end` is ready. What they have come to is in the [`Partial`](crate::Partial) then,
    /// and the rest is dropped before that is seen (C26).
    ///
    /// # Errors
    ///
    /// `Partial`, if `end` was ready first. When both are ready in one poll, the gather was first.
    ///
    /// ```
    /// use anyloop_core::gather;
    ///
    /// # pollster::block_on(async {
    /// let children = [true, false].map(|ends| async move {
    ///     if !ends {
    ///         std::future::pending::<()>().await;
    ///     }
    ///     1
    /// });
    /// let partial = gather(children).until(async { "time is up" }).await.unwrap_err();
    /// assert_eq!(partial.done, [Some(1), None]);
    /// # });
    /// ```
    pub fn until<S: IntoFuture>(self, end: S) -> Until<Self, S> {
        Until::new(self, end)
    }
}

impl<I, P, V> Gather<I, Each, All, P, V> {
    /// Runs at most so many children at once; the next one is drawn from the iterator when one has
    /// ended (C25). The iterator may be endless, for a `try_gather` or an [`until`](Self::until).
    ///
    /// The future then holds the iterator. One that borrows in its closure can make an `async` block around it
    /// impossible to prove `Send` (`implementation of .. is not general enough`): name the closure's result, or
    /// collect the children first.
    ///
    /// # Panics
    ///
    /// If the limit is 0.
    ///
    /// ```
    /// use anyloop_core::{Call, gather, try_gather};
    ///
    /// # pollster::block_on(async {
    /// // A thousand calls, and never more than ten of them in the pool's queue or on its threads.
    /// let rows = gather((0..1000).map(|id| Call::new(move || id))).limit(10).await;
    /// assert!(rows.into_iter().eq(0..1000));
    ///
    /// // An endless iterator.
    /// let halves = (0_u32..).map(|n| async move { 100_u32.checked_sub(n).ok_or(n) });
    /// assert_eq!(try_gather(halves).limit(3).await, Err(101));
    /// # });
    /// ```
    #[track_caller]
    pub fn limit(self, limit: usize) -> Gather<I, Each, AtMost, P, V> {
        let Self { children, at_most: All, progress, marker } = self;
        Gather { children, at_most: AtMost::new(limit), progress, marker }
    }
}

/// What is drawn from as children end: no tuple.
#[diagnostic::on_unimplemented(
    message = "a gather over a tuple has no limit: its children all run at once",
    label = "these are a tuple",
    note = "`limit` is for iterators; calls of different kinds can share a `Limiter`, or a view of a pool"
)]
pub trait Drawn {}

impl<G, P, V> Gather<G, Together, All, P, V> {
    /// For the compiler to say why there is none. (A bound on the `impl` would be told of in its own words.)
    #[doc(hidden)]
    pub fn limit(self, _: usize) -> Self
    where
        G: Drawn,
    {
        self
    }
}

impl<G, M, L, V> Gather<G, M, L, Silent, V> {
    /// Calls `f` with the number of children that have ended, and of how many, whenever one has ended. With a
    /// limit, how many is what the iterator says of itself, and at least what was drawn from it.
    ///
    /// A panic of `f` counts as one of the child's.
    pub fn on_progress<F: FnMut(usize, usize)>(self, f: F) -> Gather<G, M, L, Watch<F>, V> {
        let Self { children, at_most, progress: Silent, marker } = self;
        Gather { children, at_most, progress: Watch(f), marker }
    }
}

impl<I, V> Gather<I, Each, All, Silent, V>
where
    I: IntoIterator<Item: IntoFuture>,
    V: Judge<<I::Item as IntoFuture>::Output>,
{
    /// The values as they come, each with its child's index (C27). Draws all children now; they run while the stream
    /// is polled.
    ///
    /// ```
    /// use anyloop_core::{Call, gather};
    ///
    /// # pollster::block_on(async {
    /// let mut rows = gather((0..3).map(|id| Call::new(move || id * 10))).as_completed();
    /// while let Some((index, row)) = rows.next().await {
    ///     assert_eq!(row, index * 10);
    /// }
    /// # });
    /// ```
    pub fn as_completed(self) -> Completed<std::iter::Empty<<I::Item as IntoFuture>::IntoFuture>, V> {
        Completed::new(Flow::eager(self.children))
    }
}

impl<I, V> Gather<I, Each, AtMost, Silent, V>
where
    I: IntoIterator<Item: IntoFuture>,
    V: Judge<<I::Item as IntoFuture>::Output>,
{
    /// The values as they come, each with its child's index (C27). With this limit, the first children are drawn now, the
    /// others while the stream is polled.
    pub fn as_completed(self) -> Completed<I::IntoIter, V> {
        Completed::new(Flow::new(self.children, self.at_most.0))
    }
}

impl<M, G: Gatherable<M>> IntoFuture for Gather<G, M> {
    type Output = G::Output;
    type IntoFuture = G::Running;

    #[inline]
    fn into_future(self) -> G::Running {
        self.children.start()
    }
}

impl<M, G: TryGatherable<M>> IntoFuture for TryGather<G, M> {
    type Output = Result<G::Output, G::Error>;
    type IntoFuture = G::Running;

    #[inline]
    fn into_future(self) -> G::Running {
        self.children.start()
    }
}

impl<G, F> IntoFuture for Gather<G, Together, All, Watch<F>>
where
    G: Gatherable<Together, Running: Pending>,
    F: FnMut(usize, usize),
{
    type Output = G::Output;
    type IntoFuture = Counted<G::Running, F>;

    fn into_future(self) -> Self::IntoFuture {
        Counted::new(self.children.start(), self.progress.0)
    }
}

impl<G, F> IntoFuture for TryGather<G, Together, All, Watch<F>>
where
    G: TryGatherable<Together, Running: Pending>,
    F: FnMut(usize, usize),
{
    type Output = Result<G::Output, G::Error>;
    type IntoFuture = Counted<G::Running, F>;

    fn into_future(self) -> Self::IntoFuture {
        Counted::new(self.children.start(), self.progress.0)
    }
}

impl<I, F, V> IntoFuture for Gather<I, Each, All, Watch<F>, V>
where
    I: IntoIterator<Item: IntoFuture>,
    F: FnMut(usize, usize),
    V: Judge<<I::Item as IntoFuture>::Output>,
{
    type Output = V::All;
    type IntoFuture = Many<<I::Item as IntoFuture>::IntoFuture, Watch<F>, V>;

    fn into_future(self) -> Self::IntoFuture {
        Many::new(self.children, self.progress)
    }
}

impl<I, P, V> IntoFuture for Gather<I, Each, AtMost, P, V>
where
    I: IntoIterator<Item: IntoFuture>,
    P: Progress,
    V: Judge<<I::Item as IntoFuture>::Output>,
{
    type Output = V::All;
    type IntoFuture = Lazy<I::IntoIter, P, V>;

    fn into_future(self) -> Self::IntoFuture {
        Lazy::new(Flow::new(self.children, self.at_most.0), self.progress)
    }
}

impl<G, M, L, P, V> fmt::Debug for Gather<G, M, L, P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}
