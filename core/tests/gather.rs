//! C21: a gather of many polls again only whom somebody woke.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyloop_core::gather;

#[test]
fn beyond_thirty_children_only_who_was_woken_is_polled_again() {
    const CHILDREN: usize = 100;
    let polls: Vec<Cell<u32>> = (0..CHILDREN).map(|_| Cell::new(0)).collect();
    let wakers: Vec<RefCell<Option<Waker>>> = (0..CHILDREN).map(|_| RefCell::new(None)).collect();
    let (polls, wakers) = (&polls, &wakers);
    let children = (0..CHILDREN).map(|i| {
        std::future::poll_fn(move |cx| {
            polls[i].set(polls[i].get() + 1);
            *wakers[i].borrow_mut() = Some(cx.waker().clone());
            if polls[i].get() == 5 { Poll::Ready(i) } else { Poll::Pending }
        })
    });
    let mut all = pin!(gather(children).into_future());
    let mut cx = Context::from_waker(Waker::noop());
    // The first poll uses the parent's waker, the second gives each child its own.
    assert!(all.as_mut().poll(&mut cx).is_pending());
    assert!(all.as_mut().poll(&mut cx).is_pending());
    assert!(polls.iter().all(|polls| polls.get() == 2));

    assert!(all.as_mut().poll(&mut cx).is_pending());
    assert!(polls.iter().all(|polls| polls.get() == 2), "nobody was woken");
    for woken in [7, 99, 7] {
        let before: Vec<u32> = polls.iter().map(Cell::get).collect();
        let waker = wakers[woken].borrow().clone().expect("it was polled");
        waker.wake_by_ref();
        waker.wake();
        assert!(all.as_mut().poll(&mut cx).is_pending());
        for (i, polls) in polls.iter().enumerate() {
            assert_eq!(polls.get() - before[i], u32::from(i == woken), "child {i}");
        }
    }
    while wakers.iter().any(|waker| waker.borrow().is_some()) {
        wakers.iter().filter_map(|waker| waker.borrow_mut().take()).for_each(Waker::wake);
        if let Poll::Ready(values) = all.as_mut().poll(&mut cx) {
            assert!(values.into_iter().eq(0..CHILDREN));
            return;
        }
    }
    panic!("every child had a waker until its end");
}
