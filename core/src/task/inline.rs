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
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::{Context, Poll};

use super::Ended;

/// What a task can be made of.
pub(crate) trait Handle<T>: Send + Sync {
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

/// Room for the largest of the known handles, async-std's. Tokio's is one word, a closure's two: a larger
/// room costs them, for a program that spawns many tasks keeps as many `Task`s. With 64 bytes for a `Task`, a
/// spawn on tokio took 2 to 8 % longer than with 32.
type Room = [usize; 5];

pub(super) struct Inline<T> {
    /// Holds a value of the type that `table` was made for, from `new` to `drop`.
    ///
    /// In a cell, because a handle may change itself behind `&self` (`abort`), and the compiler cannot see that
    /// it does: through a plain shared reference it may take the room for constant.
    room: UnsafeCell<MaybeUninit<Room>>,
    /// One of the tables of the value's type, which tells as well how far the task is. Always a `&'static`.
    table: AtomicPtr<Table>,
    /// `Handle` asks for `Send` and `Sync`, so that the value of the forgotten type is both.
    value: PhantomData<Box<dyn Handle<T>>>,
}

/// What can be done with the value, given a pointer to it. It does not name `T`, which need not be
/// `'static`; the result of a poll is written where the last argument points, room for a `Poll<Ended<T>>`.
struct Table {
    poll: unsafe fn(*mut Room, &mut Context<'_>, *mut ()),
    abort: unsafe fn(*const Room),
    abandon: unsafe fn(*mut Room),
    is_finished: unsafe fn(*const Room) -> bool,
    detach: unsafe fn(*mut Room),
    drop: unsafe fn(*mut Room),
    has_ended: bool,
    /// The table after an abort, and after the end, where it is another.
    aborted: Option<&'static Table>,
    ended: Option<&'static Table>,
}

/// The functions for a handle of type `H`.
///
/// SAFETY of each: the pointer is to a room that holds a valid `H`, which is not used by anybody else
/// while the function runs (`*mut`), or only through shared references (`*const`).
struct TableOf<H, T>(PhantomData<(H, T)>);

impl<H: Handle<T> + 'static, T> TableOf<H, T> {
    const RUNNING: Table = Table {
        // SAFETY: see `TableOf` and `Table`; the references do not outlive the call.
        poll: |room, cx, polled| unsafe {
            polled.cast::<Poll<Ended<T>>>().write((*room.cast::<H>()).poll(cx, false));
        },
        aborted: Some(&Self::ABORTED),
        ..Self::ABORTED
    };

    const ABORTED: Table = Table {
        // SAFETY: as above.
        poll: |room, cx, polled| unsafe {
            polled.cast::<Poll<Ended<T>>>().write((*room.cast::<H>()).poll(cx, true));
        },
        // SAFETY: as above.
        abort: |room| unsafe { &*room.cast::<H>() }.abort(),
        // SAFETY: as above.
        abandon: |room| unsafe { &mut *room.cast::<H>() }.abandon(),
        // SAFETY: as above.
        is_finished: |room| unsafe { &*room.cast::<H>() }.is_finished(),
        // SAFETY: as above.
        detach: |room| unsafe { &mut *room.cast::<H>() }.detach(),
        drop: Self::DROP,
        has_ended: false,
        aborted: None,
        ended: Some(&Self::ENDED),
    };

    /// All that is left to do is to drop it.
    const ENDED: Table = Table { drop: Self::DROP, ..EMPTY };

    // SAFETY: as above; the caller does not use the value again.
    const DROP: unsafe fn(*mut Room) = |room| unsafe { ptr::drop_in_place(room.cast::<H>()) };
}

/// The functions for an empty room.
const EMPTY: Table = Table {
    poll: |_, _, _| panic!("a Task was polled again after it had ended"),
    abort: |_| {},
    abandon: |_| {},
    is_finished: |_| true,
    detach: |_| {},
    drop: |_| {},
    has_ended: true,
    aborted: None,
    ended: None,
};

// SAFETY: the value in the room is `Sync`, see `value`; it is all that a shared reference reaches, but for
// the table, which is atomic.
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
        let table = const { &TableOf::<H, T>::RUNNING };
        Self { room: UnsafeCell::new(room), table: AtomicPtr::new(pointer(table)), value: PhantomData }
    }
}

/// Nothing writes through it.
const fn pointer(table: &'static Table) -> *mut Table {
    ptr::from_ref(table).cast_mut()
}

const fn fits<H>() -> bool {
    size_of::<H>() <= size_of::<Room>() && align_of::<H>() <= align_of::<Room>()
}

impl<T> Inline<T> {
    #[inline]
    fn table(&self) -> &'static Table {
        // ORDERING: Relaxed: each table is there from the start, and the value is the same with all of them.
        // SAFETY: it was made of a `&'static Table`.
        unsafe { &*self.table.load(Ordering::Relaxed) }
    }

    #[inline]
    fn set_table(&mut self, table: &'static Table) {
        *self.table.get_mut() = pointer(table);
    }

    /// Once it was ready, all that is left to do is to drop it; polling it again panics.
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        let table = self.table();
        let mut polled = MaybeUninit::<Poll<Ended<T>>>::uninit();
        // SAFETY: the table is that of the value in the room, which is borrowed mutably here; the function
        // has written its result when it returns.
        let polled = unsafe {
            (table.poll)(self.room.get().cast(), cx, polled.as_mut_ptr().cast());
            polled.assume_init()
        };
        if polled.is_ready()
            && let Some(ended) = table.ended
        {
            self.set_table(ended);
        }
        polled
    }

    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.table().has_ended
    }

    pub(super) fn abort(&self) {
        let table = self.table();
        if let Some(aborted) = table.aborted {
            // ORDERING: Relaxed, see `table`; only `&mut self` sets another one than this.
            self.table.store(pointer(aborted), Ordering::Relaxed);
        }
        // SAFETY: the table is that of the value in the room, which is `Sync`.
        unsafe { (table.abort)(self.room.get().cast_const().cast()) }
    }

    pub(super) fn abandon(&mut self) {
        // SAFETY: as in `poll`.
        unsafe { (self.table().abandon)(self.room.get().cast()) }
    }

    pub(super) fn is_finished(&self) -> bool {
        // SAFETY: as in `abort`.
        unsafe { (self.table().is_finished)(self.room.get().cast_const().cast()) }
    }

    /// All that is left to do after it is to drop it.
    pub(super) fn detach(&mut self) {
        let table = self.table();
        if let Some(ended) = table.ended {
            self.set_table(ended);
        }
        // SAFETY: as in `poll`.
        unsafe { (table.detach)(self.room.get().cast()) }
    }

    /// Drops the value, and leaves the room empty even when the value's destructor panics.
    pub(super) fn clear(&mut self) {
        let table = self.table();
        self.set_table(const { &EMPTY });
        // SAFETY: as in `poll`; and nothing is done with the value after its drop.
        unsafe { (table.drop)(self.room.get().cast()) }
    }
}

impl<T> Drop for Inline<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `clear`.
        unsafe { (self.table().drop)(self.room.get().cast()) }
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
    use std::sync::atomic::AtomicUsize;
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
        let inline = Inline::new(handle);
        assert!(inline.is_finished());
        inline.abort();
        // Moving it moves the value along.
        let mut inline = std::hint::black_box([inline]);
        let polled = inline[0].poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(ended) = polled else { panic!("it is ready") };
        assert_eq!(ended.unwrap(), 7 * N + 1000);
        assert!(inline[0].has_ended() && inline[0].is_finished());
        inline[0].abort();
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
