//! Who is told of each child that has ended.

/// Is told how many children have ended, of how many.
pub trait Progress {
    #[doc(hidden)]
    fn ended(&mut self, done: usize, total: usize);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

/// A closure.
#[derive(Clone, Copy, Debug)]
pub struct Watch<F>(pub(super) F);

impl Progress for Silent {
    #[inline]
    fn ended(&mut self, _done: usize, _total: usize) {}
}

impl<F: FnMut(usize, usize)> Progress for Watch<F> {
    fn ended(&mut self, done: usize, total: usize) {
        (self.0)(done, total);
    }
}
