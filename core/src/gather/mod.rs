//! Wait for many, results in input order.
//!
//! One function for tuples and for anything `IntoIterator`: the marker `M` keeps the two families of
//! implementations apart, so that the compiler can tell that they do not overlap.

mod careful;
mod children;
mod completed;
mod counted;
mod flow;
mod judge;
mod lazy;
mod many;
mod nothing;
mod plan;
mod progress;
mod race;
mod settle;
mod slot;
mod slots;
mod tuple;
mod until;
mod wake_set;

use judge::{Fallible, Plain};
use many::Many;
use progress::Silent;

pub use completed::Completed;
pub use plan::{All, AtMost, Gather, TryGather};
pub use race::{Race, RaceOk, race, race_ok};
pub use settle::{Settled, Settling};
pub use until::{Partial, Until};
pub(crate) use wake_set::is_polling_many;

/// What [`gather`] takes: a tuple of 0 to 12, or anything `IntoIterator`, of anything `IntoFuture`.
///
/// `M` is chosen by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    label = "expected an iterator of futures, or a tuple of up to 12 of them",
    note = "for one future alone, `.await` it; for wrapped calls, pass the calls: `gather((0..3).map(fetch))`"
)]
pub trait Gatherable<M>: Sized {
    /// The children's values: a `Vec`, or a tuple.
    type Output;
    /// The future that runs the children.
    type Running: Future<Output = Self::Output>;

    /// Draws the children and makes the future that runs them.
    fn start(self) -> Self::Running;
}

/// What [`try_gather`] takes: as [`Gatherable`], of children that end in a `Result` with one error type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered with `try_gather`",
    label = "expected an iterator of futures that end in a `Result`, or a tuple of up to 12 of them",
    note = "all children must have the same error type; where they have no error, use `gather`"
)]
pub trait TryGatherable<M>: Sized {
    /// The children's values: a `Vec`, or a tuple.
    type Output;
    /// The children's error.
    type Error;
    /// The future that runs the children.
    type Running: Future<Output = Result<Self::Output, Self::Error>>;

    /// Draws the children and makes the future that runs them.
    fn start(self) -> Self::Running;
}

/// Marks what is gathered by iterating over it.
#[derive(Clone, Copy, Debug)]
pub enum Each {}

/// Marks what is gathered as a tuple.
#[derive(Clone, Copy, Debug)]
pub enum Together {}

/// Runs all children at once, in place, and gives their values in input order (C20).
///
/// Awaiting it starts them; they are polled on the task that awaits it, so that they may borrow. None in
/// gives none out, at once. Up to 30 children are all polled whenever one of them was woken; beyond, only
/// those that were woken (C21).
///
/// [`Gather`] has the policies: a limit, a `Result` for each child, an end from outside, progress, and values
/// as they come.
///
/// A lone `Result` or `Option` of a future is an iterator too, of at most one child: what looks like one
/// value comes back as a `Vec`.
///
/// # Fairness
///
/// Each child is polled once in a poll of the gather, also if it wakes itself. After 256 children that
/// stayed pending the gather lets others on its runtime go first, and goes on with the next child.
///
/// # Cancellation
///
/// Dropping it drops every child (C24).
///
/// # Panics
///
/// With the first panic of a child, after its siblings were dropped (C22). Polling it again after it was
/// ready panics.
///
/// ```
/// use anyloop_core::{Call, gather};
///
/// # pollster::block_on(async {
/// let rows = gather((0..5).map(|id| Call::new(move || id * 10))).await;
/// assert_eq!(rows, [0, 10, 20, 30, 40]);
///
/// let (row, name) = gather((Call::new(|| 1), async { "tuples too" })).await;
/// assert_eq!((row, name), (1, "tuples too"));
/// # });
/// ```
pub fn gather<M, G: Gatherable<M>>(children: G) -> Gather<G, M> {
    Gather::new(children)
}

/// As [`gather`], but ends with the first error in time; the other children are dropped before it
/// returns (C23).
///
/// In time means as they are polled: of several children that were woken before the same poll, the one
/// that is polled first.
///
/// # Errors
///
/// The first error that any child ends in.
///
/// # Panics
///
/// As [`gather`].
///
/// ```
/// use anyloop_core::{Call, try_gather};
///
/// # pollster::block_on(async {
/// let sums = try_gather(["1", "2"].map(|text| Call::new(move || text.parse::<u32>()))).await;
/// assert_eq!(sums, Ok(vec![1, 2]));
///
/// let mixed = try_gather((async { "7".parse::<u32>() }, async { "x".parse::<u32>() })).await;
/// assert!(mixed.is_err());
/// # });
/// ```
pub fn try_gather<M, G: TryGatherable<M>>(children: G) -> TryGather<G, M> {
    TryGather::new(children)
}

impl<I> Gatherable<Each> for I
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    type Output = Vec<<I::Item as IntoFuture>::Output>;
    type Running = Many<<I::Item as IntoFuture>::IntoFuture, Silent, Plain>;

    fn start(self) -> Self::Running {
        Many::new(self, Silent)
    }
}

impl<I, T, E> TryGatherable<Each> for I
where
    I: IntoIterator,
    I::Item: IntoFuture<Output = Result<T, E>>,
{
    type Output = Vec<T>;
    type Error = E;
    type Running = Many<<I::Item as IntoFuture>::IntoFuture, Silent, Fallible>;

    fn start(self) -> Self::Running {
        Many::new(self, Silent)
    }
}
