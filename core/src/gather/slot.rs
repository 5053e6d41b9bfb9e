//! A child's place: the future, then its output, then nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Panic;
use crate::catch::{catch, drop_quietly};

pin_project! {
    #[project = SlotProj]
    #[project_replace = SlotTaken]
    pub(super) enum Slot<F: Future> {
        Pending { #[pin] future: F },
        Done { output: F::Output },
        Gone,
    }
}

impl<F: Future> Slot<F> {
    pub(super) fn new(future: F) -> Self {
        Self::Pending { future }
    }

    /// Polls a pending child. Ready once: when it has just ended; the future is dropped then.
    ///
    /// # Panics
    ///
    /// If the child does, or its destructor.
    #[inline]
    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let SlotProj::Pending { future } = self.as_mut().project() else {
            return Poll::Pending;
        };
        let output = std::task::ready!(future.poll(cx));
        self.set(Self::Done { output });
        Poll::Ready(())
    }

    /// Whether it has ended, in an output of this kind.
    #[inline]
    pub(super) fn is_done_and(self: Pin<&Self>, kind: impl FnOnce(&F::Output) -> bool) -> bool {
        matches!(self.get_ref(), Self::Done { output } if kind(output))
    }

    #[inline]
    pub(super) fn take(self: Pin<&mut Self>) -> Option<F::Output> {
        if !matches!(*self, Self::Done { .. }) {
            return None;
        }
        match self.project_replace(Self::Gone) {
            SlotTaken::Done { output } => Some(output),
            SlotTaken::Pending { .. } | SlotTaken::Gone => None,
        }
    }

    /// Drops what is there. Returns the destructor's panic.
    pub(super) fn clear(mut self: Pin<&mut Self>) -> Option<Panic> {
        if matches!(*self, Self::Gone) {
            return None;
        }
        catch(|| self.set(Self::Gone)).err()
    }
}

/// Gives `value` back, unless others have panicked as they were dropped: then the first of those panics goes on, after `discard` has
/// dropped the value, each part of it with care. By the unwinding it would be dropped without: see [`careful`](super::careful).
#[inline]
pub(super) fn unless_panicked<V>(value: V, panics: Vec<Panic>, discard: impl FnOnce(V)) -> V {
    if panics.is_empty() {
        return value;
    }
    if std::thread::panicking() {
        panics.into_iter().for_each(drop_quietly);
        return value;
    }
    discard(value);
    resume(panics);
    unreachable!("the first of them goes on")
}

/// Goes on with the first of these panics, if there is one.
#[inline]
pub(super) fn resume_first(panics: Vec<Panic>) {
    if !panics.is_empty() {
        resume(panics);
    }
}

/// Unless one is under way: two at once would end the process.
#[cold]
fn resume(panics: Vec<Panic>) {
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
