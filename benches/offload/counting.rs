//! Counts what is allocated, while it is asked to.
#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// The system's allocator. A process that does not count pays one load of a shared flag.
pub(crate) struct Counting;

static IS_ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What was allocated, by all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocated {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

/// Counts from 0.
pub(crate) fn start() {
    // ORDERING: SeqCst here and below: cost does not matter while counting, and whoever asks has awaited
    // the calls whose allocations it asks for.
    ALLOCATIONS.store(0, Ordering::SeqCst);
    BYTES.store(0, Ordering::SeqCst);
    IS_ON.store(true, Ordering::SeqCst);
}

/// Ends counting.
pub(crate) fn stop() -> Allocated {
    // ORDERING: SeqCst, as in `start`.
    IS_ON.store(false, Ordering::SeqCst);
    Allocated { allocations: ALLOCATIONS.load(Ordering::SeqCst), bytes: BYTES.load(Ordering::SeqCst) }
}

fn count(bytes: usize) {
    // ORDERING: Relaxed. The processes that are timed never set the flag, and the one that counts sets it before
    // it submits the calls that it counts.
    if IS_ON.load(Ordering::Relaxed) {
        // ORDERING: SeqCst, as in `start`.
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        BYTES.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

// SAFETY: each call goes to the system's allocator as it came; counting allocates nothing and does not panic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the rules that are the system's, too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // One more allocation, of what was added.
        count(size.saturating_sub(layout.size()));
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
