//! Clears queues of what was cancelled in them.

use std::collections::VecDeque;

/// The least length at which a queue is cleared.
pub(crate) const SWEEP: usize = 1024;

/// Takes what is spent out of a queue, to be dropped without its lock, and sets the length at which to look again.
pub(crate) fn sweep<T>(
    queue: &mut VecDeque<T>,
    sweep_at: &mut usize,
    is_spent: impl FnMut(&T) -> bool,
) -> Vec<T> {
    let (spent, left): (Vec<_>, Vec<_>) = queue.drain(..).partition(is_spent);
    queue.extend(left);
    *sweep_at = SWEEP.max(queue.len() * 2);
    spent
}
