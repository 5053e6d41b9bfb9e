//! A place for each result, where it stays: the runners' results are one vector in the end, and nothing is copied for it.
//!
//! With a vector for each runner, put together when all had come, a batch of no-ops took half as long again: the copy is
//! the work of one thread, and memory that is touched for the first time costs more than the item.
#![expect(unsafe_code, reason = "results that several threads write into one vector")]

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::catch::drop_each;
use crate::sync::UnsafeCell;

/// Places for the results of all items of a map.
pub(super) struct Slots<T>(Box<[Place<T>]>);

type Place<T> = UnsafeCell<MaybeUninit<T>>;

// SAFETY: a place is written and emptied by one thread at a time: whoever has been given its index alone, then whoever has the
// bundle with it. Both are handed from thread to thread by locks, and the value goes along, for which it must be `Send`.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as above. Nobody is given a reference to a value.
unsafe impl<T: Send> Sync for Slots<T> {}

/// Results that are in their places. Whoever has it has them.
pub(super) struct Bundle<T> {
    slots: Arc<Slots<T>>,
    runs: Vec<Run>,
}

/// The results of items `first..end`.
struct Run {
    first: usize,
    end: usize,
}

/// Takes the results of consecutive items.
pub(super) struct Filling<'a, T> {
    bundle: &'a mut Bundle<T>,
    first: usize,
    next: usize,
}

impl<T> Slots<T> {
    pub(super) fn new(items: usize) -> Arc<Self> {
        #[cfg(all(test, loom))]
        let places = (0..items).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
        #[cfg(not(all(test, loom)))]
        // Nobody touches the memory yet, so that it costs nothing where it is not used. To make the places one by one would, where that is
        // not optimized: the map's watcher then saw runners that get nowhere, and called for more.
        // SAFETY: a place is a `MaybeUninit` in a transparent wrapper, for which any bytes will do.
        let places = unsafe { Box::<[Place<T>]>::new_uninit_slice(items).assume_init() };
        Arc::new(Self(places))
    }

    pub(super) fn bundle(self: &Arc<Self>) -> Bundle<T> {
        Bundle { slots: self.clone(), runs: Vec::new() }
    }

    /// # Safety
    ///
    /// The place holds a value, which is the caller's alone, and none after this.
    unsafe fn take(&self, index: usize) -> T {
        // SAFETY: by the caller's word, there is a value and nobody else uses it.
        self.0[index].with_mut(|place| unsafe { (*place).assume_init_read() })
    }

    /// # Safety
    ///
    /// All places hold a value.
    unsafe fn into_values(self) -> Vec<T> {
        #[cfg(all(test, loom))]
        // SAFETY: by the caller's word; `self` ends here.
        return (0..self.0.len()).map(|index| unsafe { self.take(index) }).collect();
        #[cfg(not(all(test, loom)))]
        {
            let values = Box::into_raw(self.0) as *mut [T];
            // SAFETY: the memory is the box's. A place is a `T` in two transparent wrappers, and by the caller's word each
            // is a valid one.
            unsafe { Box::from_raw(values) }.into_vec()
        }
    }
}

impl<T> Bundle<T> {
    /// Takes the results of items from `first` on, until what it gives is dropped.
    ///
    /// # Safety
    ///
    /// These items' indices were given to the caller, and will be given to nobody else.
    pub(super) unsafe fn fill(&mut self, first: usize) -> Filling<'_, T> {
        Filling { bundle: self, first, next: first }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All results, in input order. `bundles` are all there are.
    pub(super) fn merge(slots: Arc<Slots<T>>, bundles: Vec<Self>) -> Vec<T> {
        // No two runs have an index in common: so many are all of them.
        let results: usize = bundles.iter().flat_map(|bundle| &bundle.runs).map(Run::len).sum();
        assert_eq!(results, slots.0.len(), "a map's results are complete when it ends without an error");
        for mut bundle in bundles {
            bundle.runs.clear();
        }
        match Arc::into_inner(slots) {
            // SAFETY: the runs were one for each place, and are gone; with them whoever might empty one.
            Some(slots) => unsafe { slots.into_values() },
            None => unreachable!("a runner keeps its bundle no longer than it runs"),
        }
    }

    /// The results with their indices.
    pub(super) fn into_pairs(mut self) -> impl Iterator<Item = (usize, T)> {
        std::iter::from_fn(move || self.pop())
    }

    /// Takes one out.
    fn pop(&mut self) -> Option<(usize, T)> {
        let run = self.runs.last_mut()?;
        let index = run.first;
        run.first += 1;
        if run.len() == 0 {
            self.runs.pop();
        }
        // SAFETY: it was in the run, and is not any more.
        Some((index, unsafe { self.slots.take(index) }))
    }
}

impl Run {
    fn len(&self) -> usize {
        self.end - self.first
    }
}

/// Results that nobody wants: their destructors are foreign code. Drop this without a lock.
impl<T> Drop for Bundle<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            drop_each(std::iter::from_fn(|| self.pop()));
        }
    }
}

impl<T> Filling<'_, T> {
    /// The next item's result.
    #[inline]
    pub(super) fn push(&mut self, value: T) {
        self.bundle.slots.0[self.next].with_mut(|place| {
            // SAFETY: nobody else has this index, by the word of `fill`'s caller, and it is passed now.
            unsafe { (*place).write(value) };
        });
        self.next += 1;
    }

    /// How many it has taken.
    pub(super) fn len(&self) -> usize {
        self.next - self.first
    }
}

/// Also when an item has panicked: the results before it are the bundle's.
impl<T> Drop for Filling<'_, T> {
    fn drop(&mut self) {
        let Self { bundle, first, next } = self;
        match bundle.runs.last_mut() {
            Some(run) if run.end == *first => run.end = *next,
            _ if next > first => bundle.runs.push(Run { first: *first, end: *next }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::rc::Rc;

    use super::*;

    fn bundle<T>(slots: &Arc<Slots<T>>, runs: &[(usize, usize)], value: impl Fn(usize) -> T) -> Bundle<T> {
        let mut bundle = slots.bundle();
        for &(first, end) in runs {
            // SAFETY: no two runs of these tests overlap.
            let mut filling = unsafe { bundle.fill(first) };
            (first..end).for_each(|index| filling.push(value(index)));
            assert_eq!(filling.len(), end - first);
        }
        bundle
    }

    #[test]
    fn merged_they_are_in_input_order() {
        assert_eq!(Bundle::merge(Slots::<usize>::new(0), Vec::new()), []);
        let slots = Slots::new(9);
        let several = [vec![(4, 6), (0, 1)], vec![], vec![(2, 4)], vec![(1, 2), (6, 6), (6, 7), (7, 9)]];
        let several = several.map(|runs| bundle(&slots, &runs, |index| index.to_string()));
        assert!(several[1].is_empty());
        let expected: Vec<_> = (0..9).map(|index| index.to_string()).collect();
        assert_eq!(Bundle::merge(slots, several.into()), expected);
    }

    #[test]
    fn of_nothing_there_are_as_many_as_there_were_items() {
        let slots = Slots::new(3);
        let all = bundle(&slots, &[(0, 3)], |_| ());
        assert_eq!(Bundle::merge(slots, vec![all]), [(), (), ()]);
    }

    #[test]
    fn a_bundle_gives_pairs() {
        let slots = Slots::new(9);
        let mut pairs: Vec<_> = bundle(&slots, &[(2, 4), (7, 9)], |index| index * 10).into_pairs().collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [(2, 20), (3, 30), (7, 70), (8, 80)]);
    }

    #[test]
    fn what_is_dropped_is_dropped_once() {
        let (slots, value) = (Slots::new(9), Rc::new(()));
        let mut some = bundle(&slots, &[(0, 2), (5, 7)], |_| value.clone());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: no run overlaps.
            let mut filling = unsafe { some.fill(7) };
            filling.push(value.clone());
            resume_unwind(Box::new("an item's"));
        }));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&value), 6);
        drop(slots);
        let mut pairs = some.into_pairs();
        drop(pairs.next());
        assert_eq!(Rc::strong_count(&value), 5);
        drop(pairs);
        assert_eq!(Rc::strong_count(&value), 1);
    }

    #[test]
    #[should_panic = "complete"]
    fn a_gap_is_found() {
        let slots = Slots::new(3);
        let some = bundle(&slots, &[(0, 1), (2, 3)], |index| index);
        Bundle::merge(slots, vec![some]);
    }
}
