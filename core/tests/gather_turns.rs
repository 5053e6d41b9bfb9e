//! Whose turn it is: nobody waits for ever because others are always ready.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyloop_core::{gather, race_ok, try_gather};

/// Lets others go first, once.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// As many as no test needs that does not hang.
const TOO_MANY: usize = 1_000_000;

/// An endless iterator of children that are ready at once, behind one that needs three polls.
fn endless(polls: &Cell<usize>) -> impl Iterator<Item = impl Future<Output = Result<usize, &'static str>>> {
    (0..).map(move |number| async move {
        assert!(number < TOO_MANY, "the first child is never polled again");
        if number > 0 {
            return Ok(number);
        }
        for _ in 0..3 {
            polls.set(polls.get() + 1);
            yield_now().await;
        }
        Err("it had its turn")
    })
}

#[test]
fn children_that_are_drawn_ready_do_not_starve_one_that_was_woken() {
    for limit in [2, 30, 31, 300] {
        let polls = Cell::new(0);
        let ended = pollster::block_on(try_gather(endless(&polls)).limit(limit).into_future());
        assert_eq!((ended, polls.get()), (Err("it had its turn"), 3), "limit {limit}");

        let polls = Cell::new(0);
        let mut values = try_gather(endless(&polls)).limit(limit).as_completed();
        let ended = pollster::block_on(async {
            loop {
                match values.try_next().await {
                    Ok(value) => assert!(value.is_some(), "it is endless"),
                    Err(error) => return error,
                }
            }
        });
        assert_eq!((ended, polls.get()), ("it had its turn", 3), "limit {limit}");

        let polls = Cell::new(0);
        let walk = try_gather(endless(&polls)).limit(limit).as_completed().for_each(async |_, _| {});
        assert_eq!(pollster::block_on(walk), Err("it had its turn"), "limit {limit}");
    }
}

#[test]
fn an_endless_draw_lets_the_end_and_the_task_have_their_turn() {
    for limit in [1, 31] {
        let ready = (0..).map(|number: usize| {
            assert!(number < TOO_MANY, "the end is never seen");
            std::future::ready(number)
        });
        let end = async {
            for _ in 0..3 {
                yield_now().await;
            }
        };
        let partial = pollster::block_on(gather(ready).limit(limit).until(end).into_future());
        assert!(partial.expect_err("it is endless").done.iter().any(Option::is_some));
    }
}

/// Whoever is polled first takes the only loaf there is in a poll; everybody gets it at some time.
#[test]
fn everybody_is_the_first_to_be_polled_at_some_time() {
    for size in [1, 2, 3, 12, 30, 31, 64, 65, 129, 200] {
        let loaf = Cell::new(false);
        let fed: Vec<Cell<usize>> = (0..size).map(|_| Cell::new(0)).collect();
        let child = |number: usize| {
            let (loaf, fed) = (&loaf, &fed);
            std::future::poll_fn(move |cx| {
                if loaf.take() {
                    fed[number].set(fed[number].get() + 1);
                }
                cx.waker().wake_by_ref();
                Poll::<Result<(), ()>>::Pending
            })
        };
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = pin!(gather((0..size).map(child)).into_future());
        everybody_is_fed(&loaf, &fed, || all.as_mut().poll(&mut cx).is_pending());
        let mut limited = pin!(gather((0..size).map(child)).limit(size).into_future());
        everybody_is_fed(&loaf, &fed, || limited.as_mut().poll(&mut cx).is_pending());
        let mut racing = pin!(race_ok((0..size).map(child)).into_future());
        everybody_is_fed(&loaf, &fed, || racing.as_mut().poll(&mut cx).is_pending());
        if let Some(few) = fed.first_chunk() {
            let [first, second, third] = [0, 1, 2].map(child);
            let mut tuple = pin!(gather((first, second, third)).into_future());
            everybody_is_fed(&loaf, few as &[Cell<usize>; 3], || tuple.as_mut().poll(&mut cx).is_pending());
        }
    }
}

fn everybody_is_fed(loaf: &Cell<bool>, fed: &[Cell<usize>], mut poll: impl FnMut() -> bool) {
    // Each block of 64 leads in turn, and each child of a block when it leads.
    let rounds = fed.len().div_ceil(64) * 64 * 2;
    for _ in 0..rounds {
        loaf.set(true);
        assert!(poll(), "nobody ends");
    }
    for (number, fed) in fed.iter().enumerate() {
        assert!(fed.take() > 0, "child {number} is never the first");
    }
}
