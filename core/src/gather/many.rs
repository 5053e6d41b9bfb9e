//! The children of an iterator, all at once.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::children::Children;
use super::judge::Judge;
use super::progress::Progress;
use super::slot::{POLLED_AGAIN, unless_panicked};
use super::until::Stop;
use crate::catch::{drop_each, drop_quietly};

/// The future of [`gather`](crate::gather()) and [`try_gather`](crate::try_gather) over an iterator.
#[must_use = "futures do nothing until they are awaited"]
pub struct Many<F: Future, P, V> {
    children: Children<F>,
    progress: P,
    ended: bool,
    judge: PhantomData<fn() -> V>,
}

// What watches the progress is not pinned through it, and the children are in a box.
impl<F: Future, P, V> Unpin for Many<F, P, V> {}

impl<F: Future, P, V> Many<F, P, V> {
    pub(super) fn new<I>(children: I, progress: P) -> Self
    where
        I: IntoIterator<Item: IntoFuture<IntoFuture = F>>,
    {
        Self { children: Children::new(children), progress, ended: false, judge: PhantomData }
    }
}

impl<F: Future, P: Progress, V: Judge<F::Output>> Future for Many<F, P, V> {
    type Output = V::All;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { children, progress, ended, .. } = self.get_mut();
        if std::mem::replace(ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let polled = children.guarded(|children| {
            let total = children.len();
            children.poll_all(cx, |slot, pending| {
                if slot.as_ref().is_done_and(V::is_error) {
                    return slot.take();
                }
                progress.ended(total - pending, total);
                None
            })
        });
        *ended = polled.is_ready();
        let all = match ready!(polled).map(V::judge) {
            Some(Err(error)) => {
                // C23: the others are dropped before the error is seen.
                Err(unless_panicked(error, children.clear(), drop_quietly))
            }
            Some(Ok(_)) | None => Ok(children.values().map(value_of::<F, V>).collect()),
        };
        Poll::Ready(V::all(all))
    }
}

/// Of an output that was no error when its child ended.
#[inline]
fn value_of<F: Future, V: Judge<F::Output>>(output: F::Output) -> V::Value {
    match V::judge(output) {
        Ok(value) => value,
        Err(_) => unreachable!("an error ends the gather at once"),
    }
}

impl<F: Future, P: Progress, V: Judge<F::Output>> Stop for Many<F, P, V> {
    type Done = Vec<Option<V::Value>>;

    fn stop(self: Pin<&mut Self>) -> Self::Done {
        let this = self.get_mut();
        this.ended = true;
        let done = this.children.slots().map(|slot| V::judge(slot.take()?).ok()).collect();
        unless_panicked(done, this.children.clear(), |done: Self::Done| drop_each(done.into_iter()))
    }
}

impl<F: Future, P, V> fmt::Debug for Many<F, P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").field("pending", &self.children.pending()).finish_non_exhaustive()
    }
}
