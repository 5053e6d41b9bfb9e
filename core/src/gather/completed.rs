//! The values of a gather as they come (C27).

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::careful::{Body, Waiting};
use super::flow::{Flow, ValueOf};
use super::judge::{Fallible, Judge, Plain};
use super::slot::unless_panicked;
use crate::catch::{catch, drop_quietly};

/// A value and its child's index, or the error that ends it.
type Item<R, V> = Result<(usize, <V as Judge<ValueOf<R>>>::Value), <V as Judge<ValueOf<R>>>::Error>;

/// The values of a gather in the order in which its children ended, each with its child's index: a
/// [`Stream`], made by [`Gather::as_completed`](crate::Gather::as_completed).
///
/// The order is that in which they were seen to end: children that were woken before the same poll are polled
/// in an order of the gather's own.
///
/// Of a [`try_gather`](crate::try_gather), the items are `Result`s; the first error is the last item, and the other children are
/// dropped before it is seen.
///
/// # Limitations
///
/// Like every stream, it runs its children only while it is polled. In `while let Some(..) = rows.next().await { body }` they
/// stand still while the body runs, and wait for ever if the body waits for something that they hold.
/// [`for_each`](Self::for_each) keeps polling them.
///
/// # Cancellation
///
/// Dropping it drops every child (C24).
///
/// # Panics
///
/// As [`gather`](crate::gather()).
#[must_use = "streams do nothing until they are polled"]
pub struct Completed<R: Iterator<Item: IntoFuture>, V = Plain> {
    flow: Flow<R>,
    ended: bool,
    judge: PhantomData<fn() -> V>,
}

// The iterator is not pinned through it, and the children are in a box.
impl<R: Iterator<Item: IntoFuture>, V> Unpin for Completed<R, V> {}

impl<R: Iterator<Item: IntoFuture>, V: Judge<ValueOf<R>>> Completed<R, V> {
    pub(super) fn new(flow: Flow<R>) -> Self {
        Self { flow, ended: false, judge: PhantomData }
    }

    /// The next child that ends. None, for now, when none is pending; for good, if new ones may be drawn.
    fn poll_ended(&mut self, cx: &mut Context<'_>, draw: bool) -> Poll<Option<Item<R, V>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let flow = &mut self.flow;
        let polled = catch(|| {
            flow.begin();
            flow.next_ended(cx, draw)
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(None)) => {
                self.ended = draw;
                Poll::Ready(None)
            }
            Ok(Poll::Ready(Some((index, output)))) => match V::judge(output) {
                Ok(value) => Poll::Ready(Some(Ok((index, value)))),
                Err(error) => {
                    // C23: the others are dropped before the error is seen.
                    self.ended = true;
                    Poll::Ready(Some(Err(unless_panicked(error, self.flow.clear(), drop_quietly))))
                }
            },
            Err(panic) => {
                // C22: the siblings first.
                self.ended = true;
                self.flow.clear().into_iter().for_each(drop_quietly);
                panic.resume()
            }
        }
    }

    /// Runs `body` with each index and value, one after the other, and goes on running the children meanwhile.
    ///
    /// A `try_gather` ends with the first error of a child, and drops the body that is running. With a limit, no
    /// further children are drawn while as many values wait for the body.
    ///
    /// # Limitations
    ///
    /// A body that borrows cannot be proved `Send` by today's compiler (`could not prove .. is Send`, or `higher-ranked lifetime
    /// error`), wherever that is asked for, such as in a spawned task: there, have it own what it uses, as `async move` with a
    /// clone of an `Arc`. Under `block_on`, in `main` and in a test, it may borrow.
    ///
    /// ```
    /// use anyloop_core::{Call, gather};
    ///
    /// # pollster::block_on(async {
    /// let mut sum = 0;
    /// gather((0..10).map(|id| Call::new(move || id * 10)))
    ///     .as_completed()
    ///     .for_each(async |index, row| {
    ///         assert_eq!(row, index * 10);
    ///         sum += row;
    ///     })
    ///     .await;
    /// assert_eq!(sum, 450);
    /// # });
    /// ```
    pub async fn for_each<B: AsyncFnMut(usize, V::Value)>(mut self, mut body: B) -> V::Walked {
        let mut waiting = Waiting(VecDeque::new());
        loop {
            let waiting = &mut waiting.0;
            if waiting.is_empty() {
                match std::future::poll_fn(|cx| self.poll_ended(cx, true)).await {
                    Some(Ok(item)) => waiting.push_back(item),
                    Some(Err(error)) => return V::walked(Err(error)),
                    None => return V::walked(Ok(())),
                }
            }
            let Some((index, value)) = waiting.pop_front() else { continue };
            let mut running = pin!(Body::new(body(index, value)));
            let walked = std::future::poll_fn(|cx| {
                if running.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                loop {
                    let draw = waiting.len() < self.flow.places();
                    match self.poll_ended(cx, draw) {
                        Poll::Ready(Some(Ok(item))) => waiting.push_back(item),
                        Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                        Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                    }
                }
            });
            if let Err(error) = walked.await {
                return V::walked(Err(error));
            }
        }
    }
}

impl<R: Iterator<Item: IntoFuture>> Completed<R, Plain> {
    /// The next value. As the method that stream extensions bring.
    pub async fn next(&mut self) -> Option<(usize, ValueOf<R>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<R: Iterator<Item: IntoFuture<Output = Result<T, E>>>, T, E> Completed<R, Fallible> {
    /// The next value, or the error that ends it. As the method that stream extensions bring.
    ///
    /// # Errors
    ///
    /// The first error that any child ends in.
    pub async fn try_next(&mut self) -> Result<Option<(usize, T)>, E> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }
}

impl<R: Iterator<Item: IntoFuture>> Stream for Completed<R, Plain> {
    type Item = (usize, ValueOf<R>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(ready!(self.poll_ended(cx, true)).map(|ended| {
            let Ok(item) = ended;
            item
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.ended { (0, Some(0)) } else { self.flow.size_hint() }
    }
}

impl<R: Iterator<Item: IntoFuture<Output = Result<T, E>>>, T, E> Stream for Completed<R, Fallible> {
    type Item = Result<(usize, T), E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_ended(cx, true)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error ends it early.
        (0, if self.ended { Some(0) } else { self.flow.size_hint().1 })
    }
}

impl<R: Iterator<Item: IntoFuture>, V> fmt::Debug for Completed<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("ended", &self.flow.ended()).finish_non_exhaustive()
    }
}
