//! The first of many.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::children::Children;
use super::slot::{POLLED_AGAIN, unless_panicked};
use crate::catch::drop_quietly;

/// Runs all children at once, in place, and gives the first value in time, with its child's index; the others
/// are dropped before it returns.
///
/// In time means as they are polled: of several children that were woken before the same poll, the one that is
/// polled first. That a call has lost does not stop it where it runs already (C03).
///
/// # Cancellation
///
/// Dropping it drops every child.
///
/// # Panics
///
/// Without any child, for none could win. With a child's panic, if that came first.
///
/// ```
/// use anyloop_core::race;
///
/// # pollster::block_on(async {
/// let children = [3, 1, 2].map(|yields| async move {
///     for _ in 0..yields {
///         # std::future::poll_fn({
///         #     let mut yielded = false;
///         #     move |cx| {
///         #         if std::mem::replace(&mut yielded, true) { return std::task::Poll::Ready(()) }
///         #         cx.waker().wake_by_ref();
///         #         std::task::Poll::Pending
///         #     }
///         # }).await;
///         // .. waits for something
///     }
///     yields
/// });
/// assert_eq!(race(children).await, (1, 1));
/// # });
/// ```
pub fn race<I>(children: I) -> Race<I>
where
    I: IntoIterator<Item: IntoFuture>,
{
    Race { children }
}

/// Runs all children at once, in place, and gives the first `Ok` in time; the others are dropped before it
/// returns.
///
/// # Errors
///
/// The errors of all children, in input order, when all have failed. Without any child, no error at all: an
/// empty `Vec`.
///
/// # Panics
///
/// With a child's panic, if that came first.
///
/// ```
/// use anyloop_core::{Call, race_ok};
///
/// # pollster::block_on(async {
/// let mirrors = ["", "7", "x"].map(|text| Call::new(move || text.parse::<u32>()));
/// assert_eq!(race_ok(mirrors).await, Ok(7));
///
/// let errors = race_ok([1, 2].map(|code| async move { Err::<(), _>(code) })).await;
/// assert_eq!(errors, Err(vec![1, 2]));
/// # });
/// ```
pub fn race_ok<I, T, E>(children: I) -> RaceOk<I>
where
    I: IntoIterator<Item: IntoFuture<Output = Result<T, E>>>,
{
    RaceOk { children }
}

/// Children that are about to race; `.await` it.
#[must_use = "futures do nothing until they are awaited"]
pub struct Race<I> {
    children: I,
}

/// Children that are about to race for the first `Ok`; `.await` it.
#[must_use = "futures do nothing until they are awaited"]
pub struct RaceOk<I> {
    children: I,
}

impl<I: IntoIterator<Item: IntoFuture>> IntoFuture for Race<I> {
    type Output = (usize, <I::Item as IntoFuture>::Output);
    type IntoFuture = Racing<<I::Item as IntoFuture>::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        Racing { children: Children::new(self.children), ended: false }
    }
}

impl<I, T, E> IntoFuture for RaceOk<I>
where
    I: IntoIterator<Item: IntoFuture<Output = Result<T, E>>>,
{
    type Output = Result<T, Vec<E>>;
    type IntoFuture = RacingOk<<I::Item as IntoFuture>::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        RacingOk { children: Children::new(self.children), ended: false }
    }
}

/// The future of [`race`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Racing<F: Future> {
    children: Children<F>,
    ended: bool,
}

/// The future of [`race_ok`].
#[must_use = "futures do nothing until they are awaited"]
pub struct RacingOk<F: Future> {
    children: Children<F>,
    ended: bool,
}

impl<F: Future> Future for Racing<F> {
    type Output = (usize, F::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { children, ended } = self.get_mut();
        if std::mem::replace(ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let polled = children.guarded(|children| {
            children.begin();
            let place = ready!(children.next_ended(cx));
            Poll::Ready(place.and_then(|place| Some((place, children.slot(place).take()?))))
        });
        *ended = polled.is_ready();
        let Some(first) = ready!(polled) else {
            panic!("a race() without any child has no winner: look whether there are children first");
        };
        Poll::Ready(unless_panicked(first, children.clear(), drop_quietly))
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for RacingOk<F> {
    type Output = Result<T, Vec<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { children, ended } = self.get_mut();
        if std::mem::replace(ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let polled = children.guarded(|children| {
            children.begin();
            while let Some(place) = ready!(children.next_ended(cx)) {
                if children.slot(place).as_ref().is_done_and(Result::is_ok) {
                    return Poll::Ready(children.slot(place).take().and_then(Result::ok));
                }
            }
            Poll::Ready(None)
        });
        *ended = polled.is_ready();
        let Some(value) = ready!(polled) else {
            return Poll::Ready(Err(children.values().filter_map(Result::err).collect()));
        };
        Poll::Ready(Ok(unless_panicked(value, children.clear(), drop_quietly)))
    }
}

impl<I> fmt::Debug for Race<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for RaceOk<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RaceOk").finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for Racing<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Racing").field("pending", &self.children.pending()).finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for RacingOk<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RacingOk").field("pending", &self.children.pending()).finish_non_exhaustive()
    }
}
