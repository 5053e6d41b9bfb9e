//! Children that run as tasks of a runtime.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Runtime;
use crate::catch::drop_quietly;
use crate::error::TaskError;
use crate::task::Task;

/// What [`Runtime::gather`] gathers: each child is spawned when it is drawn.
#[derive(Clone)]
pub struct Tasks<R, I> {
    runtime: R,
    children: I,
}

/// The iterator of [`Tasks`].
pub struct Spawning<R, I> {
    runtime: R,
    children: I,
}

/// A task whose end is its value: a child's panic goes on in its gatherer.
pub struct Plain<T>(Task<T>);

impl<R, I> Tasks<R, I> {
    pub(super) fn new(runtime: R, children: I) -> Self {
        Self { runtime, children }
    }
}

impl<R, I> IntoIterator for Tasks<R, I>
where
    R: Runtime,
    I: IntoIterator<Item: IntoFuture<Output: Send + 'static, IntoFuture: Send + 'static>>,
{
    type Item = Plain<<I::Item as IntoFuture>::Output>;
    type IntoIter = Spawning<R, I::IntoIter>;

    fn into_iter(self) -> Self::IntoIter {
        Spawning { runtime: self.runtime, children: self.children.into_iter() }
    }
}

impl<R, I> Iterator for Spawning<R, I>
where
    R: Runtime,
    I: Iterator<Item: IntoFuture<Output: Send + 'static, IntoFuture: Send + 'static>>,
{
    type Item = Plain<<I::Item as IntoFuture>::Output>;

    fn next(&mut self) -> Option<Self::Item> {
        let child = self.children.next()?;
        Some(Plain(self.runtime.spawn(child.into_future())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.children.size_hint()
    }
}

impl<T> Future for Plain<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(TaskError::Panicked(panic)) => panic.resume(),
            Err(error) => {
                let text = error.to_string();
                drop_quietly(error);
                panic!("a gathered task did not run to its end: {text}")
            }
        }
    }
}

impl<R: fmt::Debug, I> fmt::Debug for Tasks<R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl<R: fmt::Debug, I> fmt::Debug for Spawning<R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawning").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
