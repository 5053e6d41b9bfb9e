//! The items that nobody has begun: the source, and the chunks that runners took from it.
//!
//! A runner works its chunk off from the front. Whoever finds the source empty takes the back half of the
//! fullest chunk, so that no item waits behind one that blocks while some thread has nothing to do.
//!
//! Items are moved here and nothing else is done to them: nothing foreign runs under the locks. Lock order: the
//! hub (which guards [`Supply`]), then one chunk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use crate::catch::drop_each;

/// What has not been taken by any runner, and all chunks that there are.
pub(super) struct Supply<I> {
    source: vec::IntoIter<I>,
    /// The index of the next item in the source.
    next: usize,
    chunks: Vec<Arc<Chunk<I>>>,
}

/// The items that one runner has taken and not begun.
pub(super) struct Chunk<I>(Mutex<Inside<I>>);

struct Inside<I> {
    /// The index of the item at the front.
    first: usize,
    items: VecDeque<I>,
    /// The supply knows it.
    listed: bool,
}

/// What a runner got.
pub(super) enum Claimed<I> {
    /// One item, which is in nobody's chunk.
    One(usize, I),
    /// Its chunk has been filled; the index of its first item.
    Filled(usize),
    Nothing,
}

impl<I> Chunk<I> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inside { first: 0, items: VecDeque::new(), listed: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Inside<I>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item, for its owner.
    pub(super) fn pop(&self) -> Option<I> {
        let mut inside = self.lock();
        let item = inside.items.pop_front()?;
        inside.first += 1;
        Some(item)
    }

    /// The index of the first item, if there is one.
    pub(super) fn first(&self) -> Option<usize> {
        let inside = self.lock();
        if inside.items.is_empty() { None } else { Some(inside.first) }
    }

    fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// The back half, for a thief, with the index of its first item.
    fn give_half(&self) -> Option<(usize, VecDeque<I>)> {
        let mut inside = self.lock();
        let stays = inside.items.len() / 2;
        let given = inside.items.split_off(stays);
        if given.is_empty() { None } else { Some((inside.first + stays, given)) }
    }
}

impl<I> Supply<I> {
    pub(super) fn new(items: Vec<I>) -> Self {
        Self { source: items.into_iter(), next: 0, chunks: Vec::new() }
    }

    /// Up to `size` items for the owner of `mine`, which is empty.
    pub(super) fn claim(&mut self, mine: &Arc<Chunk<I>>, size: usize) -> Claimed<I> {
        let index = self.next;
        if size <= 1 || self.source.len() <= 1 {
            let Some(item) = self.source.next() else { return self.steal(mine) };
            self.next += 1;
            return Claimed::One(index, item);
        }
        let count = {
            let mut inside = mine.lock();
            inside.first = index;
            inside.items.extend(self.source.by_ref().take(size));
            inside.items.len()
        };
        self.next += count;
        self.fill(mine, index)
    }

    fn steal(&mut self, mine: &Arc<Chunk<I>>) -> Claimed<I> {
        loop {
            let fullest = self.chunks.iter().map(|chunk| (chunk.len(), chunk)).max_by_key(|(len, _)| *len);
            let Some((1.., victim)) = fullest else { return Claimed::Nothing };
            // Its owner may have emptied it since.
            let Some((first, mut items)) = victim.give_half() else { continue };
            if items.len() == 1
                && let Some(item) = items.pop_front()
            {
                return Claimed::One(first, item);
            }
            {
                let mut inside = mine.lock();
                inside.first = first;
                inside.items = items;
            }
            return self.fill(mine, first);
        }
    }

    /// Makes the filled chunk known.
    fn fill(&mut self, mine: &Arc<Chunk<I>>, first: usize) -> Claimed<I> {
        if !std::mem::replace(&mut mine.lock().listed, true) {
            self.chunks.push(mine.clone());
        }
        Claimed::Filled(first)
    }

    /// Its owner is leaving for good.
    pub(super) fn forget(&mut self, chunk: &Arc<Chunk<I>>) {
        if chunk.lock().listed {
            self.chunks.retain(|other| !Arc::ptr_eq(other, chunk));
        }
    }

    /// Items that nobody has begun.
    pub(super) fn left(&self) -> usize {
        self.source.len() + self.chunks.iter().map(|chunk| chunk.len()).sum::<usize>()
    }

    /// Everything that is left, to be dropped without the lock.
    pub(super) fn drain(&mut self) -> Leftovers<I> {
        let source = std::mem::take(&mut self.source);
        let chunks = self.chunks.iter().map(|chunk| std::mem::take(&mut chunk.lock().items)).collect();
        Leftovers { source, chunks }
    }
}

/// Items that will not be begun. Their destructors are foreign code: drop this without a lock.
pub(super) struct Leftovers<I> {
    source: vec::IntoIter<I>,
    chunks: Vec<VecDeque<I>>,
}

impl<I> Drop for Leftovers<I> {
    fn drop(&mut self) {
        drop_each(self.source.by_ref());
        drop_each(self.chunks.iter_mut().flat_map(|items| items.drain(..)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<I>(claimed: Claimed<I>, chunk: &Chunk<I>) -> Vec<(usize, I)> {
        match claimed {
            Claimed::One(index, item) => vec![(index, item)],
            Claimed::Filled(first) => (first..).zip(std::iter::from_fn(|| chunk.pop())).collect(),
            Claimed::Nothing => Vec::new(),
        }
    }

    #[test]
    fn a_chunk_has_consecutive_items() {
        let mut supply = Supply::new((0..10).collect());
        let chunk = Chunk::new();
        for expected in [vec![0], vec![1, 2, 3], vec![4, 5, 6, 7, 8, 9], vec![]] {
            let claimed = supply.claim(&chunk, expected.len());
            let pairs = all(claimed, &chunk);
            assert!(pairs.iter().all(|(index, item)| index == item));
            assert_eq!(pairs.into_iter().map(|pair| pair.1).collect::<Vec<_>>(), expected);
        }
        assert_eq!(supply.left(), 0);
    }

    #[test]
    fn the_back_half_of_the_fullest_chunk_is_stolen_down_to_the_last_item() {
        let mut supply = Supply::new((0..10).collect());
        let (owner, thief) = (Chunk::new(), Chunk::new());
        assert!(matches!(supply.claim(&owner, 100), Claimed::Filled(0)));
        assert_eq!(owner.pop(), Some(0));
        let mut seen = vec![0];
        for expected in [vec![5, 6, 7, 8, 9], vec![3, 4], vec![2], vec![1], vec![]] {
            let claimed = supply.claim(&thief, 1);
            let items: Vec<usize> = all(claimed, &thief).into_iter().map(|pair| pair.1).collect();
            assert_eq!(items, expected);
            seen.extend(items);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_drained_is_nobodys_any_more() {
        let mut supply = Supply::new((0..10).collect());
        let chunk = Chunk::new();
        assert!(matches!(supply.claim(&chunk, 4), Claimed::Filled(0)));
        assert_eq!(supply.left(), 10);
        drop(supply.drain());
        assert_eq!((supply.left(), chunk.first()), (0, None));
        assert!(matches!(supply.claim(&chunk, 4), Claimed::Nothing));
    }
}
