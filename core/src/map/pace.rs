//! How many items a runner takes at a time.

use std::time::Duration;

/// Items that take longer are taken one by one.
const SHORT_ITEM: Duration = Duration::from_micros(25);
/// About how long a chunk of short items takes.
const CHUNK: Duration = Duration::from_micros(100);
/// The most items in a chunk.
const MOST: usize = 1024;
/// The most items between two looks at the clock.
const UNSEEN: usize = 32;

/// The length of a runner's next chunk.
#[derive(Clone, Copy)]
pub(super) struct ChunkLength(usize);

impl ChunkLength {
    pub(super) fn new() -> Self {
        Self(1)
    }

    pub(super) fn get(self) -> usize {
        self.0
    }

    /// How many items are run between two looks at the clock, which shows when others are to have their turn: some 3 µs' worth.
    /// Items may turn long within a chunk, and the fewer of them a lone call has to wait for then, the better.
    pub(super) fn between_looks(self) -> usize {
        (self.0 / 32).clamp(1, UNSEEN)
    }

    /// `items` of them took `elapsed`. Long items count at once, short ones step by step.
    pub(super) fn judge(&mut self, items: usize, elapsed: Duration) {
        let each = elapsed / u32::try_from(items).unwrap_or(u32::MAX).max(1);
        self.0 = if each > SHORT_ITEM {
            1
        } else {
            let fits = CHUNK.as_nanos() / each.as_nanos().max(1);
            (self.0 * 2).min(usize::try_from(fits).unwrap_or(MOST)).clamp(1, MOST)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_while_items_are_short_and_shrink_at_once() {
        let mut length = ChunkLength::new();
        let lengths: Vec<usize> = (0..4)
            .map(|_| {
                length.judge(length.get(), Duration::ZERO);
                length.get()
            })
            .collect();
        assert_eq!(lengths, [2, 4, 8, 16]);
        for _ in 0..10 {
            length.judge(length.get(), Duration::ZERO);
        }
        assert_eq!(length.get(), MOST);
        assert_eq!(length.between_looks(), UNSEEN);
        length.judge(10, 10 * Duration::from_micros(1));
        assert_eq!((length.get(), length.between_looks()), (100, 3));
        length.judge(100, 100 * Duration::from_micros(26));
        assert_eq!((length.get(), length.between_looks()), (1, 1));
    }
}
