//! A child's place: the future, then its output, then nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Panic;
use crate::catch::{catch, drop_quietly};

pin_project! {
    #[project = SlotProj]
    pub(super) enum Slot<F: Future> {
        Pending { #[pin] future: F },
        Done { output: Option<F::Output> },
        Gone,
    }
}

impl<F: Future> Slot<F> {
    pub(super) fn new(future: F) -> Self {
        Self::Pending { future }
    }

    /// Polls a pending child. Ready once: when it has just ended; the future is dropped then.
    ///
    /// # Errors
    ///
    /// Its panic, or that of its destructor.
    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<Poll<()>, Panic> {
        let polled = match self.as_mut().project() {
            SlotProj::Pending { future } => catch(|| future.poll(cx))?,
            SlotProj::Done { .. } | SlotProj::Gone => Poll::Pending,
        };
        match polled {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(output) => {
                catch(|| self.set(Self::Done { output: Some(output) }))?;
                Ok(Poll::Ready(()))
            }
        }
    }

    pub(super) fn take(self: Pin<&mut Self>) -> Option<F::Output> {
        match self.project() {
            SlotProj::Done { output } => output.take(),
            SlotProj::Pending { .. } | SlotProj::Gone => None,
        }
    }

    /// Drops what is there. Returns the destructor's panic.
    pub(super) fn clear(mut self: Pin<&mut Self>) -> Option<Panic> {
        catch(|| self.set(Self::Gone)).err()
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Slot<F> {
    /// The error that the child has ended in, if it has ended in one.
    pub(super) fn take_error(self: Pin<&mut Self>) -> Option<E> {
        match self.project() {
            SlotProj::Done { output } => match output.take() {
                Some(Err(error)) => Some(error),
                other => {
                    *output = other;
                    None
                }
            },
            SlotProj::Pending { .. } | SlotProj::Gone => None,
        }
    }

    pub(super) fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.take().and_then(Result::ok)
    }
}

/// Goes on with a panic, unless one is under way: two at once would end the process.
pub(super) fn resume_first(panics: impl IntoIterator<Item = Panic>) {
    let mut panics = panics.into_iter();
    let first = panics.next();
    panics.for_each(drop_quietly);
    match first {
        Some(panic) if std::thread::panicking() => drop_quietly(panic),
        Some(panic) => panic.resume(),
        None => {}
    }
}

pub(super) const POLLED_AGAIN: &str = "a gather was polled again after it had ended";
