//! Which children were woken since the last poll.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use crate::catch::drop_quietly;

/// Shared by a gather and the wakers of its children.
#[derive(Default)]
pub(super) struct WakeSet(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    children: Vec<usize>,
    parent: Option<Waker>,
}

/// One child's waker.
pub(super) struct ChildWaker {
    set: Arc<WakeSet>,
    index: usize,
    /// Stands in the list already.
    listed: AtomicBool,
}

impl ChildWaker {
    pub(super) fn new(set: &Arc<WakeSet>, index: usize) -> Arc<Self> {
        Arc::new(Self { set: set.clone(), index, listed: AtomicBool::new(false) })
    }

    /// Before the child is polled: a wake from now on counts again.
    pub(super) fn rearm(&self) {
        // ORDERING: AcqRel/Acquire pairs with the swap in `wake_by_ref`: what a waking thread wrote
        // before a wake that found the flag set is seen by the poll that follows.
        self.listed.swap(false, Ordering::AcqRel);
    }
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: AcqRel, see `rearm`.
        if self.listed.swap(true, Ordering::AcqRel) {
            return;
        }
        let parent = {
            let mut woken = self.set.lock();
            woken.children.push(self.index);
            woken.parent.take()
        };
        if let Some(parent) = parent {
            parent.wake();
        }
    }
}

impl WakeSet {
    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the parent's waker and takes the children that were woken into `into`.
    pub(super) fn drain(&self, parent: &Waker, into: &mut Vec<usize>) {
        into.clear();
        let fresh = parent.clone();
        let old = {
            let mut woken = self.lock();
            std::mem::swap(&mut woken.children, into);
            woken.parent.replace(fresh)
        };
        drop_quietly(old);
    }
}
