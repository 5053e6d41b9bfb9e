//! What a gather allocates: at most three times, and at most 16 bytes a child beyond futures and outputs.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use anyloop_core::{gather, try_gather};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static GIVEN_BACK: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize) {
    COUNT.set(COUNT.get() + 1);
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: all of it is the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: handed on from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        GIVEN_BACK.set(GIVEN_BACK.get() + layout.size());
        // SAFETY: handed on from the caller.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        GIVEN_BACK.set(GIVEN_BACK.get() + layout.size());
        // SAFETY: handed on from the caller.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Yields once, then ends in its number.
struct Child {
    number: usize,
    yielded: bool,
}

impl Future for Child {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(self.number);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Allocations, and bytes of all of them together, while `future` is made and driven to its end.
fn spent<F: IntoFuture>(make: impl FnOnce() -> F) -> (usize, usize, F::Output) {
    COUNT.set(0);
    BYTES.set(0);
    let mut future = pin!(make().into_future());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (COUNT.get(), BYTES.get(), output);
        }
    }
}

#[test]
fn a_gather_allocates_three_times_at_most() {
    let child = |number| Child { number, yielded: false };
    let per_child = size_of::<Child>() + size_of::<usize>() + 16;
    for children in [0, 1, 30, 31, 1000, 100_000] {
        let (count, bytes, values) = spent(|| gather((0..children).map(child)));
        assert!(values.into_iter().eq(0..children));
        assert!(count <= 3, "{count} allocations for {children}");
        assert!(bytes <= children * per_child + 128, "{bytes} bytes for {children}");
    }
    let (count, _, values) = spent(|| {
        try_gather(
            (0..1000).map(|number| std::future::poll_fn(move |_| Poll::Ready(Ok::<usize, ()>(number)))),
        )
    });
    assert_eq!(values.map(|values| values.len()), Ok(1000));
    assert!(count <= 3, "{count} allocations");
}

/// Places and values. A vector of places that grows by itself makes room for four at first, and gives the rest back.
#[test]
fn few_children_allocate_twice() {
    for children in [1, 2, 3, 30] {
        let (count, _, values) =
            spent(|| gather((0..children).map(|number| Child { number, yielded: false })));
        assert!(values.into_iter().eq(0..children));
        assert_eq!(count, 2, "allocations for {children}");
    }
}

#[test]
fn a_tuple_allocates_nothing() {
    let child = |number| Child { number, yielded: false };
    let (count, _, values) = spent(|| gather((child(1), child(2), child(3))));
    assert_eq!((count, values), (0, (1, 2, 3)));
}

/// Its parent's wakers panic, as do a child and its siblings' destructors, and children's wakers outlive it.
#[test]
fn whatever_goes_wrong_all_memory_is_given_back() {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            resume_unwind(Box::new("a waker's"));
        }
    }
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("a destructor's"));
        }
    }
    let goes_wrong = || {
        for children in [2, 31, 200] {
            let wakers: RefCell<Vec<Waker>> = RefCell::default();
            let child = |number: usize| {
                let (wakers, bomb, mut polls) = (&wakers, Bomb, 0);
                std::future::poll_fn(move |cx| {
                    let _bomb = &bomb;
                    polls += 1;
                    assert!(polls < 3);
                    if polls == 2 && number == 1 {
                        resume_unwind(Box::new("a child's"));
                    }
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::<()>::Pending
                })
            };
            let parent = Waker::from(Arc::new(Panicking));
            let mut all = Box::pin(gather((0..children).map(child)).into_future());
            assert!(all.as_mut().poll(&mut Context::from_waker(&parent)).is_pending());
            let kept = wakers.borrow().clone();
            let panics =
                wakers.take().into_iter().map(|waker| catch_unwind(AssertUnwindSafe(|| waker.wake())));
            assert!(panics.filter(Result::is_err).count() > 0, "it reaches the parent");
            let polled = AssertUnwindSafe(|| all.as_mut().poll(&mut Context::from_waker(&parent)));
            assert!(catch_unwind(polled).is_err(), "a child panics");
            drop(all);
            wakers.take().into_iter().chain(kept).for_each(|waker| {
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            });
        }
    };
    // What unwinding itself keeps, it keeps once.
    goes_wrong();
    let (allocated, given_back) = (BYTES.get(), GIVEN_BACK.get());
    goes_wrong();
    assert!(BYTES.get() > allocated);
    assert_eq!(BYTES.get() - allocated, GIVEN_BACK.get() - given_back);
}
