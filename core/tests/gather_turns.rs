//! Whose turn it is: nobody waits for ever because others are always ready.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use anyloop_core::{gather, race_ok, try_gather, yield_now};

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

/// A parent that counts its wakes.
#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls as often as it is woken; says how often that was.
fn polls_of(gathering: impl IntoFuture) -> usize {
    let mut gathering = pin!(gathering.into_future());
    let parent = Arc::new(Parent::default());
    let waker = Waker::from(parent.clone());
    for polls in 1.. {
        if gathering.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return polls;
        }
        assert!(
            parent.0.load(Ordering::SeqCst) >= polls,
            "it gave way after {polls} polls, and asked for no other"
        );
    }
    unreachable!("it polls until the end")
}

#[test]
fn who_gives_way_is_polled_again() {
    const CHILDREN: usize = 5000;
    for limit in [1, 30, 31, 300] {
        let ready = || (0..CHILDREN).map(std::future::ready);
        assert!(polls_of(gather(ready()).limit(limit)) > 1, "it gives way, limit {limit}");
        assert!(polls_of(gather(ready()).limit(limit).as_completed().for_each(async |_, _| ())) > 1);
    }
    assert!(polls_of(gather((0..CHILDREN).map(|_| yield_now()))) > CHILDREN / 256);
    assert_eq!(polls_of(gather((0..CHILDREN).map(std::future::ready))), 1);
}

#[test]
fn a_child_that_wakes_itself_is_polled_once_in_a_poll() {
    for size in [1, 2, 30, 31, 64, 65, 200] {
        let polls: Vec<Cell<usize>> = (0..size).map(|_| Cell::new(0)).collect();
        let children = || {
            polls.iter().map(|polls| {
                std::future::poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    cx.waker().wake_by_ref();
                    Poll::<Result<(), ()>>::Pending
                })
            })
        };
        let each_once = |gathering: Pin<&mut dyn Future<Output = ()>>| {
            let mut gathering = gathering;
            for times in 1..5 {
                assert!(gathering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                assert!(polls.iter().all(|polls| polls.get() == times), "of {size}");
            }
            polls.iter().for_each(|polls| polls.set(0));
        };
        each_once(pin!(async { drop(gather(children()).await) }));
        each_once(pin!(async { drop(gather(children()).limit(size).await) }));
        each_once(pin!(async { drop(race_ok(children()).await) }));
        each_once(pin!(gather(children()).as_completed().for_each(async |_, _| ())));
    }
}

#[test]
fn children_that_yield_take_turns() {
    for size in [2, 12, 30, 31, 65, 256, 257, 600] {
        let steps: Vec<Cell<usize>> = (0..size).map(|_| Cell::new(0)).collect();
        let child = |number: usize| {
            let steps = &steps;
            async move {
                for step in 0..5 {
                    let least = steps.iter().map(Cell::get).min();
                    assert_eq!(
                        least,
                        Some(step),
                        "child {number} of {size} is ahead of another one by two steps"
                    );
                    steps[number].set(step + 1);
                    yield_now().await;
                }
            }
        };
        let all = pollster::block_on(gather((0..size).map(child)).into_future());
        assert_eq!(all.len(), size);
    }
}

/// Children that never end. The first one to be polled in each poll eats the only loaf there is.
struct Hungry {
    loaf: Cell<bool>,
    fed: Vec<Cell<usize>>,
    /// Those of the last poll. Runtimes may put off the wakes, and do them in any order.
    wakers: RefCell<Vec<Waker>>,
    backwards: bool,
}

impl Hungry {
    fn new(children: usize, backwards: bool) -> Self {
        let fed = (0..children).map(|_| Cell::new(0)).collect();
        Self { loaf: Cell::new(false), fed, wakers: RefCell::default(), backwards }
    }

    fn child(&self, number: usize) -> impl Future<Output = Result<(), ()>> {
        std::future::poll_fn(move |cx| {
            if self.loaf.take() {
                self.fed[number].set(self.fed[number].get() + 1);
            }
            self.wakers.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
    }

    fn children(&self) -> impl Iterator<Item = impl Future<Output = Result<(), ()>>> {
        (0..self.fed.len()).map(|number| self.child(number))
    }

    fn are_fed_by_turns(&self, gathering: impl IntoFuture) {
        let mut gathering = pin!(gathering.into_future());
        let size = self.fed.len();
        // Each block of 64 leads in turn, and each child of a block when it leads; 256 are polled in one poll.
        let rounds = size.div_ceil(64) * 64 * size.div_ceil(256);
        for _ in 0..rounds {
            self.loaf.set(true);
            assert!(gathering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let mut wakers = self.wakers.take();
            if self.backwards {
                wakers.reverse();
            }
            wakers.into_iter().for_each(Waker::wake);
        }
        for (number, fed) in self.fed.iter().enumerate() {
            assert!(fed.take() > 0, "child {number} of {size} is never the first");
        }
    }
}

#[test]
fn everybody_is_the_first_to_be_polled_at_some_time() {
    for size in [1, 2, 3, 12, 30, 31, 64, 65, 129, 200, 300] {
        for backwards in [false, true] {
            let hungry = Hungry::new(size, backwards);
            hungry.are_fed_by_turns(gather(hungry.children()));
            hungry.are_fed_by_turns(gather(hungry.children()).limit(size));
            hungry.are_fed_by_turns(race_ok(hungry.children()));
        }
    }
    let hungry = Hungry::new(3, false);
    hungry.are_fed_by_turns(gather((hungry.child(0), hungry.child(1), hungry.child(2))));
    hungry.are_fed_by_turns(try_gather((hungry.child(0), hungry.child(1), hungry.child(2))));
}
