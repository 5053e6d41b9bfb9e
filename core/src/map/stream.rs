//! A map's results, one by one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{Map, Stage, go_on_panicking};
use crate::catch::drop_each;
use crate::error::TaskError;

/// The stream of [`Map::stream`]: results in input order, as they come.
#[must_use = "a map does nothing until its stream is polled"]
pub struct MapStream<T> {
    results: Results<T, BTreeMap<usize, T>>,
    /// The index of the result that comes next.
    next: usize,
}

/// The stream of [`Map::as_completed`]: results with their indices, whichever comes first.
#[must_use = "a map does nothing until its stream is polled"]
pub struct MapCompleted<T> {
    results: Results<T, VecDeque<(usize, T)>>,
}

/// A map, and what has come of it and was not given out yet.
struct Results<T, S: Store<T>> {
    map: Map<T>,
    ready: S,
    error: Option<TaskError>,
}

trait Store<T>: Default + Extend<(usize, T)> {
    /// Takes everything out.
    fn empty(&mut self) -> impl Iterator<Item = T>;
}

impl<T> Store<T> for BTreeMap<usize, T> {
    fn empty(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(self).into_values()
    }
}

impl<T> Store<T> for VecDeque<(usize, T)> {
    fn empty(&mut self) -> impl Iterator<Item = T> {
        self.drain(..).map(|(_, value)| value)
    }
}

impl<T, S: Store<T>> Results<T, S> {
    fn new(map: Map<T>) -> Self {
        Self { map, ready: S::default(), error: None }
    }

    /// The next one that `take` finds, among what has come or comes; `None` at the end.
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut S) -> Option<R>,
    ) -> Poll<Option<R>> {
        loop {
            if let Some(result) = take(&mut self.ready) {
                return Poll::Ready(Some(result));
            }
            if let Some(error) = self.error.take() {
                // What is behind a gap comes no more.
                drop_each(self.ready.empty());
                go_on_panicking(error);
            }
            if self.map.stage == Stage::Ended {
                return Poll::Ready(None);
            }
            let delivery = ready!(self.map.poll_delivery(cx));
            self.error = delivery.error;
            self.ready.extend(delivery.each);
            for bundle in delivery.bundles {
                self.ready.extend(bundle.into_pairs());
            }
        }
    }
}

/// Results that nobody takes are dropped with care: their destructors are foreign code.
impl<T, S: Store<T>> Drop for Results<T, S> {
    fn drop(&mut self) {
        drop_each(self.ready.empty());
    }
}

impl<T> MapStream<T> {
    pub(super) fn new(map: Map<T>) -> Self {
        Self { results: Results::new(map), next: 0 }
    }
}

impl<T> MapCompleted<T> {
    pub(super) fn new(map: Map<T>) -> Self {
        Self { results: Results::new(map) }
    }
}

// No result is pinned through its stream.
impl<T> Unpin for MapStream<T> {}
impl<T> Unpin for MapCompleted<T> {}

impl<T> Stream for MapStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { results, next } = &mut *self;
        let value = ready!(results.poll(cx, |ready| ready.remove(next)));
        *next += usize::from(value.is_some());
        Poll::Ready(value)
    }
}

impl<T> Stream for MapCompleted<T> {
    type Item = (usize, T);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(usize, T)>> {
        self.results.poll(cx, VecDeque::pop_front)
    }
}

impl<T> fmt::Debug for MapStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("map", &self.results.map).field("next", &self.next).finish()
    }
}

impl<T> fmt::Debug for MapCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapCompleted").field("map", &self.results.map).finish()
    }
}
