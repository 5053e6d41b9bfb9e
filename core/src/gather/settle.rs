//! Children whose panics are values.

use std::fmt;
use std::iter::Map;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Each;
use super::judge::{Fallible, Plain};
use crate::Panic;
use crate::catch::{catch, drop_quietly};

/// Children that can be made to end in a `Result` each.
pub trait Settleable<M, V> {
    /// The same children, settled.
    type Settling;

    #[doc(hidden)]
    fn settling(self) -> Self::Settling;
}

/// How a settled child's end is told: `Plain` as `Result<T, Panic>`, `Fallible` as `Result<Result<T, Panic>, E>`.
pub trait Settle<O> {
    /// What the settled child ends in.
    type Ended;

    #[doc(hidden)]
    fn ended(ended: Result<O, Panic>) -> Self::Ended;
}

impl<O> Settle<O> for Plain {
    type Ended = Result<O, Panic>;

    fn ended(ended: Result<O, Panic>) -> Self::Ended {
        ended
    }
}

impl<T, E> Settle<Result<T, E>> for Fallible {
    type Ended = Result<Result<T, Panic>, E>;

    fn ended(ended: Result<Result<T, E>, Panic>) -> Self::Ended {
        match ended {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) => Err(error),
            Err(panic) => Ok(Err(panic)),
        }
    }
}

pin_project! {
    /// A child of a gather whose panic is its own result.
    #[must_use = "futures do nothing until they are awaited"]
    pub struct Settled<F, V> {
        #[pin]
        future: Option<F>,
        how: PhantomData<fn() -> V>,
    }
}

impl<F, V> Settled<F, V> {
    pub(super) fn new(future: impl IntoFuture<IntoFuture = F>) -> Self {
        Self { future: Some(future.into_future()), how: PhantomData }
    }
}

impl<F: Future, V: Settle<F::Output>> Future for Settled<F, V> {
    type Output = V::Ended;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("a settled child was polled again after it had ended");
        };
        let ended = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        // A destructor's panic is the child's, too, unless it had one already.
        let ended = match (ended, catch(|| this.future.set(None))) {
            (ended, Ok(())) => ended,
            (Ok(output), Err(panic)) => {
                drop_quietly(output);
                Err(panic)
            }
            (Err(first), Err(second)) => {
                drop_quietly(second);
                Err(first)
            }
        };
        Poll::Ready(V::ended(ended))
    }
}

impl<F, V> fmt::Debug for Settled<F, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}

/// An iterator's children, settled.
#[derive(Clone, Debug)]
pub struct Settling<I, V> {
    children: I,
    how: PhantomData<fn() -> V>,
}

impl<I: IntoIterator<Item: IntoFuture>, V> Settleable<Each, V> for I
where
    V: Settle<<I::Item as IntoFuture>::Output>,
{
    type Settling = Settling<I, V>;

    fn settling(self) -> Settling<I, V> {
        Settling { children: self, how: PhantomData }
    }
}

impl<I: IntoIterator<Item: IntoFuture>, V> IntoIterator for Settling<I, V>
where
    V: Settle<<I::Item as IntoFuture>::Output>,
{
    type Item = Settled<<I::Item as IntoFuture>::IntoFuture, V>;
    type IntoIter = Map<I::IntoIter, fn(I::Item) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.children.into_iter().map(Settled::new)
    }
}
