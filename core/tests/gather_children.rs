//! What a gather may not do with its children, whatever kind of gather it is: move them once they were polled, poll
//! them after their end, lose or keep an output that nobody gets, or let two panics meet.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use anyloop_core::{gather, race, race_ok, try_gather, yield_now};
use futures::stream::Stream as _;

const SIZES: [usize; 5] = [1, 2, 30, 31, 300];

/// Values that are there: children and outputs.
#[derive(Clone, Default)]
struct Living(Rc<Cell<usize>>);

impl Living {
    fn one(&self) -> One {
        self.0.set(self.0.get() + 1);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.get()
    }
}

struct One(Living);

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - 1);
    }
}

/// Ends in its number after so many polls. It notes where it is when it is polled first, and stays there until it is
/// dropped.
struct Settler {
    number: usize,
    pending: Cell<usize>,
    address: Cell<Option<usize>>,
    ended: Cell<bool>,
    /// Panics as it drops, whatever goes on.
    explodes: bool,
    one: One,
    _pinned: PhantomPinned,
}

impl Settler {
    fn new(number: usize, pending: usize, living: &Living) -> Self {
        Self {
            number,
            pending: Cell::new(pending),
            address: Cell::new(None),
            ended: Cell::new(false),
            explodes: false,
            one: living.one(),
            _pinned: PhantomPinned,
        }
    }

    fn explosive(mut self) -> Self {
        self.explodes = true;
        self
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Children that end after one poll, two or three.
    fn all(size: usize, living: &Living) -> impl Iterator<Item = Self> {
        (0..size).map(|number| Self::new(number, number % 3, living))
    }

    /// None of which ends.
    fn endless(size: usize, living: &Living) -> impl Iterator<Item = Self> {
        (0..size).map(|number| Self::new(number, usize::MAX, living))
    }

    /// An `Ok` of the child of this number, or its `Err`.
    async fn fails_if(self, fails: bool) -> Result<(usize, One), (usize, One)> {
        let ended = self.await;
        if fails { Err(ended) } else { Ok(ended) }
    }
}

impl Future for Settler {
    type Output = (usize, One);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.ended.get(), "it is polled after its end");
        let address = self.address.get().unwrap_or_else(|| self.address());
        self.address.set(Some(address));
        assert_eq!(address, self.address(), "it was moved after its first poll");
        if self.pending.get() == 0 {
            self.ended.set(true);
            return Poll::Ready((self.number, self.one.0.one()));
        }
        self.pending.set(self.pending.get() - 1);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        if self.address.get().is_some_and(|address| address != self.address()) {
            // Not to be caught by a gather.
            std::process::abort();
        }
        if self.explodes {
            resume_unwind(Box::new("a destructor's"));
        }
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn assert_in_order(values: &[(usize, One)], size: usize) {
    assert!(values.iter().map(|value| value.0).eq(0..size));
}

#[test]
fn children_stay_where_they_were_polled_first() {
    let living = Living::default();
    for size in SIZES {
        assert_in_order(&pollster::block_on(gather(Settler::all(size, &living)).into_future()), size);
        for limit in [1, 7, 31, 1000] {
            let limited = gather(Settler::all(size, &living)).limit(limit);
            assert_in_order(&pollster::block_on(limited.into_future()), size);
            let mut values = gather(Settler::all(size, &living)).limit(limit).as_completed();
            pollster::block_on(async {
                let mut seen = 0;
                while let Some((index, value)) = values.next().await {
                    assert_eq!(index, value.0);
                    seen += 1;
                }
                assert_eq!(seen, size);
            });
        }
        let settled = pollster::block_on(gather(Settler::all(size, &living)).settle().into_future());
        assert!(settled.into_iter().map(|ended| ended.expect("none panics").0).eq(0..size));
        let walk =
            gather(Settler::all(size, &living)).as_completed().for_each(async |_, _| yield_now().await);
        pollster::block_on(walk);
        let racing = race(Settler::all(size, &living));
        assert_eq!(pollster::block_on(racing.into_future()).0, 0, "of {size}");
        // Dropped where they are.
        let mut dropped = Box::pin(gather(Settler::endless(size, &living)).into_future());
        assert!(poll(dropped.as_mut()).is_pending());
        drop(dropped);
        assert_eq!(living.count(), 0, "of {size}");
    }
    let child = |pending| Settler::new(pending, pending, &living);
    let tuple = gather((child(0), child(2), child(1), gather((child(3), child(1)))));
    let ((a, _), (b, _), (c, _), ((d, _), (e, _))) = pollster::block_on(tuple.into_future());
    assert_eq!((a, b, c, d, e), (0, 2, 1, 3, 1));
    let tuple = gather((child(1), child(2))).settle().until(std::future::pending::<()>());
    assert!(pollster::block_on(tuple.into_future()).is_ok());
    assert_eq!(living.count(), 0);
}

#[test]
fn outputs_that_nobody_gets_are_dropped() {
    let living = Living::default();
    for size in SIZES {
        // An error comes when all the others have ended.
        let children = || Settler::all(size, &living).chain([Settler::new(size, 5, &living)]);
        let failing = || {
            children().map(|child| async {
                let fails = child.number == size;
                child.fails_if(fails).await
            })
        };
        let error = pollster::block_on(try_gather(failing()).into_future()).map(|_| ());
        assert_eq!(error.map_err(|error| error.0), Err(size));
        assert_eq!(living.count(), 0, "after an error of {size}");
        for limit in [1, 40] {
            let error = pollster::block_on(try_gather(failing()).limit(limit).into_future()).map(|_| ());
            assert_eq!(error.map_err(|error| error.0), Err(size));
            assert_eq!(living.count(), 0, "after an error of {size}, {limit} at once");
        }
        // The errors of a race that is won after all.
        let contrary = children().map(|child| async {
            let fails = child.number != size;
            child.fails_if(fails).await
        });
        let won = pollster::block_on(race_ok(contrary).into_future());
        assert_eq!(won.ok().map(|won| won.0), Some(size));
        assert_eq!(living.count(), 0, "after a race of {size}");
        // Partial values, which hold their outputs until they are dropped themselves.
        let half = || Settler::all(size, &living).chain(Settler::endless(size, &living));
        let end = async {
            for _ in 0..4 {
                yield_now().await;
            }
        };
        let partial = pollster::block_on(gather(half()).until(end).into_future()).map(|_| ());
        let partial = partial.expect_err("half of them never end");
        assert_eq!(living.count(), size);
        assert_eq!(partial.into_values().count(), size);
        assert_eq!(living.count(), 0, "after an end of {size}");
        // A stream that is dropped with values in it, and a walk in a body.
        let mut values = gather(Settler::all(size, &living)).as_completed();
        assert!(pollster::block_on(values.next()).is_some());
        drop(values);
        assert_eq!(living.count(), 0, "after a stream of {size}");
        let mut walk =
            Box::pin(gather(half()).as_completed().for_each(async |_, _| std::future::pending().await));
        for _ in 0..4 {
            assert!(poll(walk.as_mut()).is_pending());
        }
        drop(walk);
        assert_eq!(living.count(), 0, "after a walk through {size}");
    }
}

#[test]
fn the_stream_says_how_many_are_to_come() {
    let living = Living::default();
    for size in SIZES {
        let mut values = gather(Settler::all(size, &living)).as_completed();
        for left in (1..=size).rev() {
            assert_eq!(values.size_hint(), (left, Some(left)));
            assert!(pollster::block_on(values.next()).is_some());
        }
        assert_eq!(values.size_hint(), (0, Some(0)));
        assert!(pollster::block_on(values.next()).is_none());
        assert_eq!(values.size_hint(), (0, Some(0)));
        let mut values = gather(Settler::all(size, &living)).limit(3).as_completed();
        for left in (1..=size).rev() {
            assert_eq!(values.size_hint(), (left, Some(left)), "with a limit");
            assert!(pollster::block_on(values.next()).is_some());
        }
    }
}

/// Whoever awaits it panics, and every child as it is dropped then: two panics at once would end the process.
#[test]
fn a_panic_of_the_awaiter_survives_destructors_that_panic() {
    fn panic_with<F: Future>(gathering: impl FnOnce() -> F) -> bool {
        let awaiting = AssertUnwindSafe(|| {
            let mut gathering = pin!(gathering());
            assert!(poll(gathering.as_mut()).is_pending());
            resume_unwind(Box::new("the awaiter's"));
        });
        let panic = catch_unwind(awaiting).expect_err("it panics");
        panic.downcast_ref::<&str>() == Some(&"the awaiter's")
    }
    let living = Living::default();
    let explosive = |number| Settler::new(number, usize::MAX, &living).explosive();
    for size in SIZES {
        let children = || (0..size).map(explosive);
        assert!(panic_with(|| gather(children()).into_future()));
        assert!(panic_with(|| gather(children()).limit(31).into_future()));
        assert!(panic_with(|| gather(children()).until(std::future::pending::<()>()).into_future()));
        assert!(panic_with(|| race(children()).into_future()));
        assert!(panic_with(|| gather(children()).as_completed().for_each(async |_, _| ())));
    }
    assert!(panic_with(|| gather((explosive(0), explosive(1), explosive(2))).into_future()));
    assert!(panic_with(|| gather((gather([explosive(0), explosive(1)]), explosive(2))).into_future()));
    assert_eq!(living.count(), 0);
}

/// Destructors that panic while a walk through the values is dropped, or while a child's panic goes on: of the values that wait for the
/// body, and of what the body holds.
#[test]
fn a_walk_survives_destructors_that_panic() {
    let living = Living::default();
    let bomb = |number: usize| Settler::new(number, 0, &living).explosive();
    let caught = |gathering: &mut dyn FnMut()| {
        let panic = catch_unwind(AssertUnwindSafe(gathering)).expect_err("it panics");
        panic.downcast_ref::<&str>().copied()
    };
    for size in SIZES {
        // Each ends in a bomb, of which the body has the first one.
        let children = || (0..size.max(3)).map(|number| std::future::ready(bomb(number)));
        let dropped = caught(&mut || {
            let body = async |_, value| {
                std::mem::forget(value);
                std::future::pending::<()>().await;
            };
            let mut walk = Box::pin(gather(children()).as_completed().for_each(body));
            assert!(poll(walk.as_mut()).is_pending());
            drop(walk);
        });
        assert_eq!(dropped, Some("a destructor's"));
        let panicked = caught(&mut || {
            let children = (0..size + 1).map(|number| async move {
                if number == size {
                    yield_now().await;
                    resume_unwind(Box::new("a child's"));
                }
            });
            let body = async |_, ()| {
                let _held = bomb(0);
                std::future::pending::<()>().await;
            };
            pollster::block_on(gather(children).as_completed().for_each(body));
        });
        assert_eq!(panicked, Some("a child's"));
    }
}

/// An iterator that panics while it is drawn from, with children there that panic as they drop.
#[test]
fn an_iterators_panic_survives_destructors_that_panic() {
    let living = Living::default();
    for size in SIZES {
        let children = || {
            (0..=size).map(|number| {
                if number == size {
                    resume_unwind(Box::new("the iterator's"));
                }
                Settler::new(number, 0, &living).explosive()
            })
        };
        let gathers: [&dyn Fn(); 3] = [
            &|| drop(gather(children()).into_future()),
            &|| drop(gather(children()).limit(size + 1).into_future()),
            &|| drop(gather(children()).as_completed()),
        ];
        for gathering in gathers {
            let panic = catch_unwind(AssertUnwindSafe(gathering)).expect_err("it panics");
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the iterator's"));
        }
        assert_eq!(living.count(), 0);
    }
}

/// What an iterator gives after its end is no child, with a limit or without.
#[test]
fn an_iterator_that_goes_on_after_its_end_is_not_asked_again() {
    for limit in [1, 2, 3, 5, 40] {
        let mut next = 0;
        let children = std::iter::from_fn(move || {
            next += 1;
            (next % 3 != 0).then(|| std::future::ready(next))
        });
        assert_eq!(
            pollster::block_on(gather(children).limit(limit).into_future()),
            [1, 2],
            "{limit} at once"
        );
    }
}

/// How many children an iterator says that it has is not believed before there is one.
#[test]
fn no_children_of_an_iterator_that_promises_many() {
    struct Promising(usize);
    impl Iterator for Promising {
        type Item = std::future::Ready<u8>;

        fn next(&mut self) -> Option<Self::Item> {
            None
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.0, None)
        }
    }
    for promised in [1, 1 << 40, usize::MAX] {
        assert_eq!(pollster::block_on(gather(Promising(promised))), []);
        assert_eq!(pollster::block_on(gather(Promising(promised)).limit(2)), []);
    }
}
