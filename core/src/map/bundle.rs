//! Results on their way from a runner to the awaiter.

use crate::catch::drop_each;

/// Results of items that follow each other, one after another: no allocation for each.
pub(super) struct Bundle<T> {
    runs: Vec<Run>,
    values: Vec<T>,
}

/// The results of items `first..end`.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    end: usize,
}

impl<T> Bundle<T> {
    pub(super) fn new() -> Self {
        Self { runs: Vec::new(), values: Vec::new() }
    }

    /// All results, in input order.
    pub(super) fn whole(values: Vec<T>) -> Self {
        Self { runs: vec![Run { first: 0, end: values.len() }], values }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether what begins at `first` may be put in: a bundle's indices only grow.
    pub(super) fn takes(&self, first: usize) -> bool {
        self.runs.last().is_none_or(|run| run.end <= first)
    }

    /// Puts in the results that `fill` pushes, of items from `first` on. Returns how many it were.
    pub(super) fn put(&mut self, first: usize, fill: impl FnOnce(&mut Vec<T>)) -> usize {
        let before = self.values.len();
        fill(&mut self.values);
        let count = self.values.len() - before;
        match self.runs.last_mut() {
            Some(run) if run.end == first => run.end += count,
            _ if count > 0 => self.runs.push(Run { first, end: first + count }),
            _ => {}
        }
        count
    }

    /// All results, in input order: the bundles hold those of items `0..` without a gap.
    pub(super) fn merge(mut bundles: Vec<Self>) -> Vec<T> {
        if let [only] = bundles.as_mut_slice()
            && only.runs.len() <= 1
        {
            return std::mem::take(&mut only.values);
        }
        let mut runs: Vec<(Run, usize)> = Vec::new();
        let mut values = Vec::new();
        let mut count = 0;
        for (number, bundle) in bundles.iter_mut().enumerate() {
            runs.extend(bundle.runs.iter().map(|&run| (run, number)));
            count += bundle.values.len();
            values.push(std::mem::take(&mut bundle.values).into_iter());
        }
        runs.sort_unstable_by_key(|(run, _)| run.first);
        let mut merged = Vec::with_capacity(count);
        for (run, number) in runs {
            merged.extend(values[number].by_ref().take(run.end - run.first));
        }
        merged
    }

    /// The results with their indices.
    pub(super) fn into_pairs(mut self) -> impl Iterator<Item = (usize, T)> {
        let indices = std::mem::take(&mut self.runs).into_iter().flat_map(|run| run.first..run.end);
        indices.zip(std::mem::take(&mut self.values))
    }
}

/// Results that nobody wants: their destructors are foreign code. Drop this without a lock.
impl<T> Drop for Bundle<T> {
    fn drop(&mut self) {
        drop_each(self.values.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(runs: &[(usize, usize)]) -> Bundle<usize> {
        let mut bundle = Bundle::new();
        for &(first, end) in runs {
            assert!(bundle.takes(first));
            assert_eq!(bundle.put(first, |values| values.extend(first..end)), end - first);
        }
        bundle
    }

    #[test]
    fn merged_they_are_in_input_order() {
        assert_eq!(Bundle::<usize>::merge(Vec::new()), []);
        assert_eq!(Bundle::merge(vec![bundle(&[(0, 3), (3, 5)])]), (0..5).collect::<Vec<_>>());
        let several =
            vec![bundle(&[(0, 1), (4, 6)]), bundle(&[]), bundle(&[(2, 4)]), bundle(&[(1, 2), (6, 9)])];
        assert_eq!(Bundle::merge(several), (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn a_bundle_takes_growing_indices_only() {
        let bundle = bundle(&[(2, 4), (7, 9)]);
        assert!(bundle.takes(9) && !bundle.takes(8) && !bundle.takes(0));
        let pairs: Vec<_> = bundle.into_pairs().collect();
        assert_eq!(pairs, [(2, 2), (3, 3), (7, 7), (8, 8)]);
    }
}
