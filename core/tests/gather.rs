//! C21 and the like: whom a gather polls, and what it costs in memory.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use anyloop_core::gather;

/// A parent whose wakes are counted.
#[derive(Default)]
struct Parent(AtomicUsize);

impl Parent {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Children that end in their number at a given poll, and what became of them meanwhile.
struct Watched {
    polls: Vec<Cell<u32>>,
    wakers: Vec<RefCell<Option<Waker>>>,
}

impl Watched {
    fn new(children: usize) -> Self {
        Self {
            polls: (0..children).map(|_| Cell::new(0)).collect(),
            wakers: (0..children).map(|_| RefCell::new(None)).collect(),
        }
    }

    fn children(&self, until: u32) -> impl Iterator<Item = impl Future<Output = usize>> {
        (0..self.polls.len()).map(move |i| {
            std::future::poll_fn(move |cx| {
                self.polls[i].set(self.polls[i].get() + 1);
                *self.wakers[i].borrow_mut() = Some(cx.waker().clone());
                if self.polls[i].get() == until { Poll::Ready(i) } else { Poll::Pending }
            })
        })
    }

    fn polls(&self) -> Vec<u32> {
        self.polls.iter().map(Cell::get).collect()
    }

    fn waker(&self, child: usize) -> Waker {
        self.wakers[child].borrow().clone().expect("it was polled")
    }
}

#[test]
fn beyond_thirty_children_only_who_was_woken_is_polled_again() {
    const CHILDREN: usize = 100;
    let watched = Watched::new(CHILDREN);
    let mut all = pin!(gather(watched.children(5)).into_future());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(all.as_mut().poll(&mut cx).is_pending());
    assert_eq!(watched.polls(), [1; CHILDREN]);
    assert!(all.as_mut().poll(&mut cx).is_pending());
    assert_eq!(watched.polls(), [1; CHILDREN], "nobody was woken");

    for woken in [7, 99, 7, 63, 64] {
        let before = watched.polls();
        watched.waker(woken).wake_by_ref();
        watched.waker(woken).wake();
        assert!(all.as_mut().poll(&mut cx).is_pending());
        for (i, polls) in watched.polls().into_iter().enumerate() {
            assert_eq!(polls - before[i], u32::from(i == woken), "child {i}");
        }
    }
    while watched.wakers.iter().any(|waker| waker.borrow().is_some()) {
        watched.wakers.iter().filter_map(|waker| waker.borrow_mut().take()).for_each(Waker::wake);
        if let Poll::Ready(values) = all.as_mut().poll(&mut cx) {
            assert!(values.into_iter().eq(0..CHILDREN));
            return;
        }
    }
    panic!("every child had a waker until its end");
}

#[test]
fn a_child_that_is_woken_once_is_polled_twice() {
    for children in [31, 64, 65, 1000, 5000] {
        let watched = Watched::new(children);
        let mut all = pin!(gather(watched.children(2)).into_future());
        let parent = Arc::new(Parent::default());
        let waker = Waker::from(parent.clone());
        let mut cx = Context::from_waker(&waker);
        // The budget divides the first round into several polls.
        let mut woken = 0;
        while watched.polls().contains(&0) {
            assert_eq!(parent.wakes(), woken, "it asks to be polled until it rests");
            assert!(all.as_mut().poll(&mut cx).is_pending());
            woken += usize::from(watched.polls().contains(&0));
        }
        std::thread::scope(|scope| {
            let wakers: Vec<Waker> = (0..children).rev().map(|child| watched.waker(child)).collect();
            scope.spawn(|| wakers.into_iter().for_each(Waker::wake));
        });
        let Poll::Ready(values) = all.as_mut().poll(&mut cx) else { panic!("all were woken") };
        assert!(values.into_iter().eq(0..children));
        assert_eq!(watched.polls(), vec![2; children]);
        assert_eq!(parent.wakes(), woken + 1, "one wake for all of them");
    }
}

#[test]
fn up_to_thirty_children_are_polled_together() {
    for children in [1, 2, 30] {
        let watched = Watched::new(children);
        let mut all = pin!(gather(watched.children(3)).into_future());
        let mut cx = Context::from_waker(Waker::noop());
        for polls in 1..3 {
            assert!(all.as_mut().poll(&mut cx).is_pending());
            assert_eq!(watched.polls(), vec![polls; children]);
        }
        assert!(all.as_mut().poll(&mut cx).is_ready());
    }
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_woken() {
    let watched = Watched::new(31);
    let mut all = pin!(gather(watched.children(9)).into_future());
    let [first, second] = [(); 2].map(|()| Arc::new(Parent::default()));
    for parent in [&first, &second] {
        let waker = Waker::from(parent.clone());
        assert!(all.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    watched.waker(3).wake();
    watched.waker(4).wake();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert_eq!(Arc::strong_count(&first), 1, "the one before is not kept");
    assert_eq!(Arc::strong_count(&second), 1, "nor is the one that was woken");
}

#[test]
fn wakers_do_nothing_after_the_end() {
    let watched = Watched::new(31);
    let parent = Arc::new(Parent::default());
    {
        let mut all = pin!(gather(watched.children(9)).into_future());
        let waker = Waker::from(parent.clone());
        assert!(all.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&parent), 1, "the gather's task is not kept by its children's wakers");
    for child in 0..31 {
        let waker = watched.waker(child);
        let clone = waker.clone();
        assert!(clone.will_wake(&waker));
        assert!(!clone.will_wake(&watched.waker((child + 1) % 31)));
        std::thread::spawn(move || clone.wake()).join().expect("it does nothing");
        waker.wake_by_ref();
    }
    assert_eq!(parent.wakes(), 0);
}
