//! What the wake set is made of: the standard library's, or loom's, which tries every interleaving.

#[cfg(not(all(test, loom)))]
mod chosen {
    pub(in super::super) use std::alloc::{alloc, dealloc};
    pub(in super::super) use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

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
    use super::UnsafeCell;
    pub(in super::super) use loom::alloc::{alloc, dealloc};
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

pub(super) use crate::sync::{UnsafeCell, thread_local};
pub(super) use chosen::*;
