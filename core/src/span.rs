//! The caller's tracing span, around its call (C34). Without the feature `tracing`, nothing.

#[cfg(feature = "tracing")]
mod chosen {
    use tracing::level_filters::LevelFilter;

    /// In a box, for a span takes five words, and few calls are made in one: without, it is one empty word.
    pub(crate) struct Span(Option<Box<tracing::Span>>);

    impl Span {
        #[inline]
        pub(crate) fn current() -> Self {
            // Nobody listens: one load tells, where the question for the span would look for who might know.
            if LevelFilter::current() == LevelFilter::OFF {
                return Self(None);
            }
            let span = tracing::Span::current();
            Self(if span.is_none() { None } else { Some(Box::new(span)) })
        }

        #[inline]
        pub(crate) fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
            match &self.0 {
                Some(span) => span.in_scope(f),
                None => f(),
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod chosen {
    pub(crate) struct Span;

    impl Span {
        pub(crate) fn current() -> Self {
            Self
        }

        pub(crate) fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
            f()
        }
    }
}

pub(crate) use chosen::Span;
