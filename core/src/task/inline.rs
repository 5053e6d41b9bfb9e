//! What is behind a `Task`, its type forgotten, without a box of its own.
//!
//! A runtime's own handle is often one pointer. A `Box<dyn Handle>` around it would be a second allocation for
//! each spawned future; it cost about 100 ns of the 670 that a spawned and awaited task took on tokio's
//! current-thread runtime (`cargo bench --all-features --bench adapters -- --filter spawn`). So the handle
//! is stored in place, with its table of functions beside it, and boxed only if it is too large.

#![expect(unsafe_code, reason = "storing a value of a forgotten type in place; see the figure above")]

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::task::{Context, Poll};

use super::Ended;

/// What a task can be made of.
pub(super) trait Handle<T>: Send + Sync {
    /// `aborted` tells whether [`abort`](Handle::abort) was called.
    fn poll(&mut self, cx: &mut Context<'_>, aborted: bool) -> Poll<Ended<T>>;
    fn abort(&self);
    /// Cancels; what it ends in is not wanted.
    fn abandon(&mut self) {
        self.abort();
    }
    fn is_finished(&self) -> bool;
    fn detach(&mut self) {}
}

/// Room for the largest of the known handles, smol's and async-std's.
type Room = [usize; 6];

pub(super) struct Inline<T> {
    /// Holds a value of the type that `table` was made for, from `new` to `drop`.
    ///
    /// In a cell, because a handle may change itself behind `&self` (`abort`), and the compiler cannot see that
    /// it does: through a plain shared reference it may take the room for constant.
    room: UnsafeCell<MaybeUninit<Room>>,
    table: &'static Table,
    /// `Handle` asks for `Send` and `Sync`, so that the value of the forgotten type is both.
    value: PhantomData<Box<dyn Handle<T>>>,
}

/// What can be done with the value, given a pointer to it. It does not name `T`, which need not be
/// `'static`; the result of a poll is written where the last argument points, room for a `Poll<Ended<T>>`.
struct Table {
    poll: unsafe fn(*mut Room, &mut Context<'_>, bool, *mut ()),
    abort: unsafe fn(*const Room),
    abandon: unsafe fn(*mut Room),
    is_finished: unsafe fn(*const Room) -> bool,
    detach: unsafe fn(*mut Room),
    drop: unsafe fn(*mut Room),
}

/// The functions for a handle of type `H`.
///
/// SAFETY of each: the pointer is to a room that holds a valid `H`, which is not used by anybody else
/// while the function runs (`*mut`), or only through shared references (`*const`).
struct TableOf<H, T>(PhantomData<(H, T)>);

impl<H: Handle<T> + 'static, T> TableOf<H, T> {
    const TABLE: Table = Table {
        // SAFETY: see `TableOf` and `Table`; the references do not outlive the call.
        poll: |room, cx, aborted, polled| unsafe {
            polled.cast::<Poll<Ended<T>>>().write((*room.cast::<H>()).poll(cx, aborted));
        },
        // SAFETY: as above.
        abort: |room| unsafe { &*room.cast::<H>() }.abort(),
        // SAFETY: as above.
        abandon: |room| unsafe { &mut *room.cast::<H>() }.abandon(),
        // SAFETY: as above.
        is_finished: |room| unsafe { &*room.cast::<H>() }.is_finished(),
        // SAFETY: as above.
        detach: |room| unsafe { &mut *room.cast::<H>() }.detach(),
        // SAFETY: as above; the caller does not use the value again.
        drop: |room| unsafe { ptr::drop_in_place(room.cast::<H>()) },
    };
}

/// The functions for an empty room.
static EMPTY: Table = Table {
    poll: |_, _, _, _| unreachable!("nobody polls what was dropped"),
    abort: |_| {},
    abandon: |_| {},
    is_finished: |_| true,
    detach: |_| {},
    drop: |_| {},
};

// SAFETY: the value in the room is `Sync`, see `value`; it is all that a shared reference reaches.
unsafe impl<T> Sync for Inline<T> {}

impl<T: 'static> Inline<T> {
    #[inline]
    pub(super) fn new<H: Handle<T> + 'static>(handle: H) -> Self {
        const { assert!(fits::<Box<u8>>()) };
        if fits::<H>() { Self::store(handle) } else { Self::store(Boxed(Box::new(handle))) }
    }

    #[inline]
    fn store<H: Handle<T> + 'static>(handle: H) -> Self {
        assert!(fits::<H>(), "only called with what fits");
        let mut room = MaybeUninit::<Room>::uninit();
        // SAFETY: the room is large enough and aligned for an `H`, as was asserted just now.
        unsafe { room.as_mut_ptr().cast::<H>().write(handle) };
        Self { room: UnsafeCell::new(room), table: const { &TableOf::<H, T>::TABLE }, value: PhantomData }
    }
}

const fn fits<H>() -> bool {
    size_of::<H>() <= size_of::<Room>() && align_of::<H>() <= align_of::<Room>()
}

impl<T> Inline<T> {
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, aborted: bool) -> Poll<Ended<T>> {
        let mut polled = MaybeUninit::<Poll<Ended<T>>>::uninit();
        // SAFETY: the table is that of the value in the room, which is borrowed mutably here; the function
        // has written its result when it returns.
        unsafe {
            (self.table.poll)(self.room.get().cast(), cx, aborted, polled.as_mut_ptr().cast());
            polled.assume_init()
        }
    }

    pub(super) fn abort(&self) {
        // SAFETY: the table is that of the value in the room, which is `Sync`.
        unsafe { (self.table.abort)(self.room.get().cast_const().cast()) }
    }

    pub(super) fn abandon(&mut self) {
        // SAFETY: as in `poll`.
        unsafe { (self.table.abandon)(self.room.get().cast()) }
    }

    pub(super) fn is_finished(&self) -> bool {
        // SAFETY: as in `abort`.
        unsafe { (self.table.is_finished)(self.room.get().cast_const().cast()) }
    }

    pub(super) fn detach(&mut self) {
        // SAFETY: as in `poll`.
        unsafe { (self.table.detach)(self.room.get().cast()) }
    }
}

impl<T> Inline<T> {
    /// Drops the value, and leaves the room empty even when the value's destructor panics.
    pub(super) fn clear(&mut self) {
        let table = std::mem::replace(&mut self.table, &EMPTY);
        // SAFETY: as in `poll`; and nothing is done with the value after its drop.
        unsafe { (table.drop)(self.room.get().cast()) }
    }
}

impl<T> Drop for Inline<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `clear`.
        unsafe { (self.table.drop)(self.room.get().cast()) }
    }
}

/// A handle that is too large for the room.
struct Boxed<H>(Box<H>);

impl<H: Handle<T>, T> Handle<T> for Boxed<H> {
    fn poll(&mut self, cx: &mut Context<'_>, aborted: bool) -> Poll<Ended<T>> {
        self.0.poll(cx, aborted)
    }

    fn abort(&self) {
        self.0.abort();
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn detach(&mut self) {
        self.0.detach();
    }
}

const _: () = {
    // The auto traits come from the marker; this is here so that a change of it is noticed.
    const fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Inline<u8>>();
    assert!(size_of::<Inline<u8>>() == size_of::<Room>() + size_of::<usize>());
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    /// A handle that counts its drops, made larger by `N` words.
    struct Counting<const N: usize> {
        drops: Arc<AtomicUsize>,
        aborts: AtomicUsize,
        padding: [usize; N],
    }

    impl<const N: usize> Handle<usize> for Counting<N> {
        fn poll(&mut self, _: &mut Context<'_>, aborted: bool) -> Poll<Ended<usize>> {
            assert!(aborted);
            let sum = self.padding.iter().sum::<usize>() + self.aborts.load(Ordering::Relaxed);
            Poll::Ready(Ok(sum))
        }
        fn abort(&self) {
            self.aborts.fetch_add(1000, Ordering::Relaxed);
        }
        fn is_finished(&self) -> bool {
            self.padding.iter().all(|&word| word == 7)
        }
        fn detach(&mut self) {
            self.aborts.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl<const N: usize> Drop for Counting<N> {
        fn drop(&mut self) {
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn goes_through<const N: usize>() {
        let drops = Arc::new(AtomicUsize::new(0));
        let handle = Counting { drops: drops.clone(), aborts: AtomicUsize::new(0), padding: [7; N] };
        let mut inline = Inline::new(handle);
        assert!(inline.is_finished());
        inline.abort();
        inline.detach();
        // Moving it moves the value along.
        let mut inline = std::hint::black_box([inline]);
        let polled = inline[0].poll(&mut Context::from_waker(Waker::noop()), true);
        let Poll::Ready(ended) = polled else { panic!("it is ready") };
        assert_eq!(ended.unwrap(), 7 * N + 1001);
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        drop(inline);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_handle_is_kept_and_dropped_once_in_place_or_boxed() {
        const { assert!(fits::<Counting<4>>() && !fits::<Counting<5>>()) };
        goes_through::<0>();
        goes_through::<4>();
        goes_through::<5>();
        goes_through::<100>();
    }
}
