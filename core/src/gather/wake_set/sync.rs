//! What the wake set is made of: the standard library's, or loom's, which tries every interleaving.

#[cfg(not(all(test, loom)))]
mod chosen {
    pub(in super::super) use std::alloc::{alloc, dealloc};
    pub(in super::super) use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

    /// As loom's, of which every access is a closure.
    #[derive(Debug)]
    pub(in super::super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(in super::super) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(in super::super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// Nothing to see to outside the models.
    pub(in super::super) struct Uses;

    impl Uses {
        pub(in super::super) fn new() -> Self {
            Self
        }

        #[inline]
        pub(in super::super) fn one(&self) {}

        #[inline]
        pub(in super::super) fn end(&self) {}
    }
}

#[cfg(all(test, loom))]
mod chosen {
    pub(in super::super) use loom::alloc::{alloc, dealloc};
    pub(in super::super) use loom::cell::UnsafeCell;
    pub(in super::super) use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

    /// Reads, and a write at the end, which loom wants to come after all of them.
    pub(in super::super) struct Uses(UnsafeCell<()>);

    impl Uses {
        pub(in super::super) fn new() -> Self {
            Self(UnsafeCell::new(()))
        }

        pub(in super::super) fn one(&self) {
            self.0.with(|_| ());
        }

        pub(in super::super) fn end(&self) {
            self.0.with_mut(|_| ());
        }
    }
}

pub(super) use chosen::*;
