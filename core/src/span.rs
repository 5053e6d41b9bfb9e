//! The caller's tracing span, around its call (C34). Without the feature `tracing`, nothing.

use crate::error::Panic;

#[cfg(feature = "tracing")]
mod kept {
    use tracing::level_filters::LevelFilter;

    use super::Panic;
    use crate::catch::{catch, drop_quietly};

    /// In a box, for a span takes five words, and few calls are made in one: without, it is one empty word.
    pub(crate) struct Span(Option<Box<tracing::Span>>);

    impl Span {
        #[inline]
        pub(crate) fn current() -> Self {
            // Nobody listens: one load tells, where the question for the span would look for who might know.
            if LevelFilter::current() == LevelFilter::OFF {
                return Self::none();
            }
            let span = tracing::Span::current();
            Self(if span.is_none() { None } else { Some(Box::new(span)) })
        }

        pub(crate) const fn none() -> Self {
            Self(None)
        }

        pub(crate) fn is_none(&self) -> bool {
            self.0.is_none()
        }
    }

    /// Runs `f` inside the span. A subscriber is foreign code: what it does when `f` has run concerns nobody any more; if it
    /// panics before, that is the end.
    #[inline]
    pub(crate) fn within<T>(span: &Span, f: impl FnOnce() -> Result<T, Panic>) -> Result<T, Panic> {
        let Some(span) = &span.0 else { return f() };
        let mut f = Some(f);
        let mut ended = None;
        let entered = catch(|| span.in_scope(|| ended = f.take().map(|f| f())));
        // Of a panic before it: not while that unwinds (C07).
        drop_quietly(f);
        match (ended, entered) {
            (Some(ended), entered) => {
                drop_quietly(entered);
                ended
            }
            (None, Err(panic)) => Err(panic),
            (None, Ok(())) => unreachable!("`in_scope` runs what it is given"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod kept {
    use super::Panic;

    pub(crate) struct Span;

    impl Span {
        pub(crate) fn current() -> Self {
            Self
        }

        pub(crate) fn none() -> Self {
            Self
        }

        pub(crate) fn is_none(&self) -> bool {
            true
        }
    }

    #[inline]
    pub(crate) fn within<T>(_: &Span, f: impl FnOnce() -> Result<T, Panic>) -> Result<T, Panic> {
        f()
    }
}

pub(crate) use kept::{Span, within};
