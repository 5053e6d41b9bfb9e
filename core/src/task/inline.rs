//! A runtime's own handle inside a `Task`, without a box of its own.
//!
//! Most such handles are one pointer. A `Box<dyn NativeTask>` around it would be a second allocation for
//! each spawned future; it cost about 100 ns of the 670 that a spawned and awaited task took on tokio's
//! current-thread runtime (`cargo bench --all-features --bench adapters -- --filter spawn`). So the handle
//! is stored in place, with its table of functions beside it, and boxed only if it is too large.

#![expect(unsafe_code, reason = "storing a value of a forgotten type in place; see the figure above")]

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::task::{Context, Poll};

use super::{NativeTask, Outcome};

/// Room for the largest of the known handles, smol's and async-std's.
type Room = [usize; 5];

pub(super) struct Inline<T> {
    /// Holds a value of the type that `table` was made for, from `new` to `drop`.
    ///
    /// In a cell, because a handle may change itself behind `&self` (`abort`), and the compiler cannot see that
    /// it does: through a plain shared reference it may take the room for constant.
    room: UnsafeCell<MaybeUninit<Room>>,
    table: &'static Table,
    /// `NativeTask` asks for `Send` and `Sync`, so that the value of the forgotten type is both.
    value: PhantomData<Box<dyn NativeTask<Outcome<T>>>>,
}

/// What can be done with the value, given a pointer to it. It does not name `T`, which need not be
/// `'static`; the result of a poll goes where the third argument points, a valid `Polled<T>`.
struct Table {
    poll: unsafe fn(*mut Room, &mut Context<'_>, *mut ()),
    abort: unsafe fn(*const Room),
    is_finished: unsafe fn(*const Room) -> bool,
    detach: unsafe fn(*mut Room),
    drop: unsafe fn(*mut Room),
}

type Polled<T> = Poll<Option<Outcome<T>>>;

/// The functions for a handle of type `H`.
///
/// SAFETY of each: the pointer is to a room that holds a valid `H`, which is not used by anybody else
/// while the function runs (`*mut`), or only through shared references (`*const`).
struct TableOf<H, T>(PhantomData<(H, T)>);

impl<H: NativeTask<Outcome<T>> + 'static, T> TableOf<H, T> {
    const TABLE: Table = Table {
        // SAFETY: see `TableOf` and `Table`; the references do not outlive the call.
        poll: |room, cx, polled| unsafe { *polled.cast::<Polled<T>>() = (*room.cast::<H>()).poll(cx) },
        // SAFETY: as above.
        abort: |room| unsafe { &*room.cast::<H>() }.abort(),
        // SAFETY: as above.
        is_finished: |room| unsafe { &*room.cast::<H>() }.is_finished(),
        // SAFETY: as above.
        detach: |room| unsafe { &mut *room.cast::<H>() }.detach(),
        // SAFETY: as above; the caller does not use the value again.
        drop: |room| unsafe { ptr::drop_in_place(room.cast::<H>()) },
    };
}

// SAFETY: the value in the room is `Sync`, see `value`; it is all that a shared reference reaches.
unsafe impl<T> Sync for Inline<T> {}

impl<T: 'static> Inline<T> {
    pub(super) fn new<H: NativeTask<Outcome<T>> + 'static>(handle: H) -> Self {
        const { assert!(fits::<Box<u8>>()) };
        if fits::<H>() { Self::store(handle) } else { Self::store(Boxed(Box::new(handle))) }
    }

    fn store<H: NativeTask<Outcome<T>> + 'static>(handle: H) -> Self {
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
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Polled<T> {
        let mut polled: Polled<T> = Poll::Pending;
        let place = (&raw mut polled).cast();
        // SAFETY: the table is that of the value in the room, which is borrowed mutably here; the place
        // is a valid `Polled<T>`.
        unsafe { (self.table.poll)(self.room.get().cast(), cx, place) };
        polled
    }

    pub(super) fn abort(&self) {
        // SAFETY: the table is that of the value in the room, which is `Sync`.
        unsafe { (self.table.abort)(self.room.get().cast_const().cast()) }
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

impl<T> Drop for Inline<T> {
    fn drop(&mut self) {
        // SAFETY: as in `poll`; nothing is done with the value after its drop.
        unsafe { (self.table.drop)(self.room.get().cast()) }
    }
}

/// A handle that is too large for the room.
struct Boxed<H>(Box<H>);

impl<H: NativeTask<T>, T> NativeTask<T> for Boxed<H> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll(cx)
    }

    fn abort(&self) {
        self.0.abort();
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
    use crate::TaskError;

    /// A handle that counts its drops, made larger by `N` words.
    struct Counting<const N: usize> {
        drops: Arc<AtomicUsize>,
        aborts: AtomicUsize,
        padding: [usize; N],
    }

    impl<const N: usize> NativeTask<Outcome<usize>> for Counting<N> {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<Option<Outcome<usize>>> {
            let sum = self.padding.iter().sum::<usize>() + self.aborts.load(Ordering::Relaxed);
            Poll::Ready(Some(Outcome::new(Ok::<_, TaskError>(sum))))
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
        let polled = inline[0].poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(outcome)) = polled else { panic!("it is ready") };
        assert_eq!(outcome.into_result().unwrap(), 7 * N + 1001);
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        drop(inline);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_handle_is_kept_and_dropped_once_in_place_or_boxed() {
        const { assert!(fits::<Counting<3>>() && !fits::<Counting<4>>()) };
        goes_through::<0>();
        goes_through::<3>();
        goes_through::<4>();
        goes_through::<100>();
    }
}
