//! A gather with a limit.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::flow::{Flow, ValueOf};
use super::judge::Judge;
use super::progress::Progress;
use super::slot::{POLLED_AGAIN, resume_first, unless_panicked};
use super::until::Stop;
use crate::Panic;
use crate::catch::{catch, drop_each, drop_quietly};

/// The future of [`gather`](crate::gather()) and [`try_gather`](crate::try_gather) with a limit.
#[must_use = "futures do nothing until they are awaited"]
pub struct Lazy<R: Iterator<Item: IntoFuture>, P, V: Judge<ValueOf<R>>> {
    flow: Flow<R>,
    /// By index, as they come.
    values: Vec<Option<V::Value>>,
    progress: P,
    ended: bool,
}

// Neither the iterator nor the values are pinned through it, and the children are in a box.
impl<R: Iterator<Item: IntoFuture>, P, V: Judge<ValueOf<R>>> Unpin for Lazy<R, P, V> {}

impl<R: Iterator<Item: IntoFuture>, P, V: Judge<ValueOf<R>>> Lazy<R, P, V> {
    pub(super) fn new(flow: Flow<R>, progress: P) -> Self {
        Self { flow, values: Vec::new(), progress, ended: false }
    }

    /// Drops every child and value; returns their destructors' panics.
    fn clear(&mut self) -> Vec<Panic> {
        let mut panics = self.flow.clear();
        let values = std::mem::take(&mut self.values);
        panics.extend(values.into_iter().flatten().filter_map(|value| catch(|| drop(value)).err()));
        panics
    }
}

impl<R, P, V> Future for Lazy<R, P, V>
where
    R: Iterator<Item: IntoFuture>,
    P: Progress,
    V: Judge<ValueOf<R>>,
{
    type Output = V::All;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if std::mem::replace(&mut this.ended, true) {
            panic!("{POLLED_AGAIN}");
        }
        let Self { flow, values, progress, .. } = this;
        let polled = catch(|| {
            flow.begin();
            while let Some((index, output)) = ready!(flow.next_ended(cx, true)) {
                match V::judge(output) {
                    Ok(value) => {
                        if values.len() <= index {
                            values.resize_with(flow.drawn(), || None);
                        }
                        values[index] = Some(value);
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
                progress.ended(flow.ended(), flow.total());
            }
            let values = std::mem::take(values).into_iter();
            Poll::Ready(Ok(values.map(|value| value.expect("every child has ended in a value")).collect()))
        });
        match polled {
            Ok(Poll::Pending) => {
                this.ended = false;
                Poll::Pending
            }
            Ok(Poll::Ready(all)) => {
                // C23: the others are dropped before an error is seen.
                let all = unless_panicked(all, this.clear(), |all: Result<Vec<_>, _>| match all {
                    Ok(values) => drop_each(values.into_iter()),
                    Err(error) => drop_quietly(error),
                });
                Poll::Ready(V::all(all))
            }
            Err(panic) => {
                // C22: the siblings first.
                this.clear().into_iter().for_each(drop_quietly);
                panic.resume()
            }
        }
    }
}

impl<R, P, V> Stop for Lazy<R, P, V>
where
    R: Iterator<Item: IntoFuture>,
    P: Progress,
    V: Judge<ValueOf<R>>,
{
    type Done = Vec<Option<V::Value>>;

    fn stop(self: Pin<&mut Self>) -> Self::Done {
        let this = self.get_mut();
        this.ended = true;
        let mut done = std::mem::take(&mut this.values);
        done.resize_with(this.flow.drawn(), || None);
        unless_panicked(done, this.clear(), |done: Self::Done| drop_each(done.into_iter()))
    }
}

impl<R: Iterator<Item: IntoFuture>, P, V: Judge<ValueOf<R>>> Drop for Lazy<R, P, V> {
    fn drop(&mut self) {
        resume_first(self.clear());
    }
}

impl<R: Iterator<Item: IntoFuture>, P, V: Judge<ValueOf<R>>> fmt::Debug for Lazy<R, P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("ended", &self.flow.ended()).finish_non_exhaustive()
    }
}
