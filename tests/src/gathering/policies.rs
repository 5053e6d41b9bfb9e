//! C22 settled, progress, races, fairness, and what happens in the margins (C28).

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use anyloop_core::{BlockOn, gather, race, race_ok, try_gather};

use super::children::{Child, SIZES, among, assert_dropped, told};
use crate::Subject;
use crate::tools::{
    BOMB, Bomb, Probe, Signal, exploding_waker, panic_of, panic_of_future, panicking_waker, poll_once,
    yield_now,
};

/// C22: with `settle()` a panic is that child's own result, and the siblings go on.
pub fn c22_a_settled_gather_gives_each_child_its_own_result<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let child = |number: usize| async move {
                yield_now().await;
                assert!(!number.is_multiple_of(3), "every third panics");
                number
            };
            for (number, ended) in gather((0..size).map(child)).settle().await.into_iter().enumerate() {
                match ended {
                    Ok(value) => assert_eq!(value, number),
                    Err(panic) => assert_eq!((number % 3, panic.message()), (0, "every third panics")),
                }
            }
        }
        let settled = gather((std::future::pending::<()>(), async { 2 })).settle().until(async {});
        let (never, two) = settled.await.expect_err("one never ends").done;
        assert!(never.is_none());
        assert_eq!(two.expect("it has ended").expect("in a value"), 2);
        // A panic of a destructor is the child's, too.
        let child = async {
            let _bomb = Bomb;
            1
        };
        let ended = gather([child]).settle().await;
        assert_eq!(ended[0].as_ref().expect_err("the bomb's").message(), BOMB);
    });
}

/// C22, C23: in a settled `try_gather` a panic is a value, and an error still ends all.
pub fn c22_a_settled_try_gather_still_ends_with_an_error<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let child = |number: u8| async move {
            match number {
                0 => panic!("a child's"),
                1 => Ok(1),
                _ => Err("no such row"),
            }
        };
        let ended = try_gather([0, 1].map(child)).settle().await.expect("no error");
        assert_eq!(ended[0].as_ref().expect_err("a panic").message(), "a child's");
        assert_eq!(*ended[1].as_ref().expect("a value"), 1);
        assert_eq!(try_gather([0, 2, 1].map(child)).settle().await.map(|_| ()), Err("no such row"));
        let tuple = try_gather((child(0), async { Ok("two") })).settle().await.expect("no error");
        assert_eq!((tuple.0.is_err(), tuple.1.ok()), (true, Some("two")));
    });
}

/// Progress is told once for each child, with a limit too; a panic of the closure is as a child's.
pub fn c20_progress_is_told_of_each_child<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let mut told = Vec::new();
            let child = |number| async move {
                yield_now().await;
                number
            };
            let values =
                gather((0..size).map(child)).on_progress(|done, total| told.push((done, total))).await;
            assert!(values.into_iter().eq(0..size));
            assert!(told.drain(..).eq((1..=size).map(|done| (done, size))));
            gather((0..size).map(child)).limit(2).on_progress(|done, total| told.push((done, total))).await;
            assert!(told.into_iter().eq((1..=size).map(|done| (done, size))));
        }
        let (probe, drops) = Probe::new();
        let children: [Child<'_, ()>; 2] = [Box::pin(async {}), Box::pin(super::children::endless(probe))];
        let gathering = gather(children).on_progress(|_, _| panic!("the bar's"));
        assert_eq!(panic_of_future(gathering.into_future()).await, "the bar's");
        assert_eq!(drops.count(), 1);
    });
}

/// The same for a tuple, which may fail, settle or be ended early; and for one of no children, of whom nobody is told.
pub fn c20_progress_of_a_tuple_is_told_of_each_child<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let child = |number| async move {
            for _ in 0..number {
                yield_now().await;
            }
            number
        };
        let mut told = Vec::new();
        let mut tell = |done, total| told.push((done, total));
        assert_eq!(gather((child(2), child(0), child(1))).on_progress(&mut tell).await, (2, 0, 1));
        let fails = async {
            yield_now().await;
            Err::<(), _>("late")
        };
        let failed = try_gather((async { Ok(1) }, fails)).on_progress(&mut tell).await;
        assert_eq!(failed.map(|_| ()), Err("late"));
        let settled =
            gather((async { 1 }, async { panic!("a child's") as u8 })).on_progress(&mut tell).settle();
        assert_eq!(settled.await.0.ok(), Some(1));
        let partial = gather((child(0), std::future::pending::<()>())).on_progress(&mut tell).until(child(3));
        assert_eq!(partial.await.map_err(|partial| partial.done), Err((Some(0), None)));
        assert_eq!(told, [(1, 3), (2, 3), (3, 3), (1, 2), (1, 2), (2, 2), (1, 2)]);
        let (probe, drops) = Probe::new();
        let gathering =
            gather((child(0), super::children::endless::<()>(probe))).on_progress(|_, _| panic!("the bar's"));
        let mut gathering = Box::pin(gathering.into_future());
        assert_eq!(panic_of_future(&mut gathering).await, "the bar's");
        assert_eq!(drops.count(), 1);
        assert!(panic_of_future(&mut gathering).await.contains("polled again"));
        let never = |_, _| panic!("nobody has ended");
        gather(()).on_progress(never).await;
        assert_eq!(try_gather(()).on_progress(never).await, Ok(()));
        gather(()).settle().await;
        assert_eq!(gather(()).until(std::future::pending::<()>()).await, Ok(()));
        assert_eq!(try_gather(()).until(std::future::pending::<()>()).await, Ok(Ok(())));
    });
}

/// The first in time wins a race, and the others are dropped before it is seen; nobody wins an empty one.
pub fn c23_the_first_in_time_wins_a_race<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            for place in [0, size / 2, size - 1] {
                let (children, books) = among(size, place, async {
                    yield_now().await;
                    7
                });
                assert_eq!(race::<Vec<Child<'_, _>>>(children).await, (place, 7), "of {size}");
                assert_dropped(&books, size);
                let (children, books) = among(size, place, async { Ok::<_, ()>(7) });
                assert_eq!(race_ok::<Vec<Child<'_, _>>, _, _>(children).await, Ok(7));
                assert_dropped(&books, size);
            }
            let failing = (0..size).map(|number| async move {
                for _ in 0..number % 3 {
                    yield_now().await;
                }
                Err::<(), _>(number)
            });
            let errors = race_ok(failing).await.expect_err("all fail");
            assert!(errors.into_iter().eq(0..size), "all errors, in input order");
        }
        let signals = [Signal::new(), Signal::new()];
        let racing = race([0, 1].map(|number| told(signals[number].clone(), number)));
        signals[1].set();
        assert_eq!(racing.await, (1, 1));
        let none: [Child<'_, u8>; 0] = [];
        assert!(panic_of_future(race(none).into_future()).await.contains("without any child"));
        let none: [Child<'_, Result<u8, u8>>; 0] = [];
        assert_eq!(race_ok(none).await, Err(Vec::new()));
        let mut panicking = race([async { panic!("a child's") as u8 }]).into_future();
        assert_eq!(panic_of_future(&mut panicking).await, "a child's");
        assert!(panic_of_future(&mut panicking).await.contains("polled again"));
    });
}

/// C21: a child that wakes itself all the time starves neither its siblings nor the others on its task.
pub fn c21_a_child_that_always_wakes_itself_starves_nobody<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 31, 1000] {
            let (stop, turns) = (Cell::new(false), Cell::new(0));
            let restless = |_| async {
                while !stop.get() {
                    yield_now().await;
                }
            };
            let others = async {
                for _ in 0..10 {
                    turns.set(turns.get() + 1);
                    yield_now().await;
                }
                stop.set(true);
            };
            gather((gather((0..size).map(restless)), others)).await;
            assert_eq!(turns.get(), 10, "of {size}");
        }
    });
}

/// C28: no waker is called, cloned or dropped while the gather holds anything: wakers that call back, and wakers
/// that panic, do no harm.
pub fn c28_wakers_may_do_what_they_want<R: BlockOn>(_: &Subject<R>) {
    /// Wakes other children as it wakes.
    struct Calling(std::sync::Mutex<Vec<Waker>>, AtomicUsize);
    impl Wake for Calling {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(1, Ordering::SeqCst);
            let others =
                std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            others.into_iter().for_each(Waker::wake);
        }
    }
    let size = 100;
    let wakers: Vec<std::cell::RefCell<Option<Waker>>> =
        (0..size).map(|_| std::cell::RefCell::default()).collect();
    let child = |number: usize| {
        let wakers = &wakers;
        std::future::poll_fn(move |cx| {
            let first = wakers[number].replace(Some(cx.waker().clone())).is_none();
            if first { Poll::Pending } else { Poll::Ready(number) }
        })
    };
    let mut all = Box::pin(gather((0..size).map(child)).into_future());
    let waker = |number: usize| wakers[number].borrow().clone().expect("it was polled");

    let calling = Arc::new(Calling(std::sync::Mutex::default(), AtomicUsize::new(0)));
    let parent = Waker::from(calling.clone());
    assert!(all.as_mut().poll(&mut Context::from_waker(&parent)).is_pending());
    calling.0.lock().expect("nothing panicked").extend((1..size / 2).map(waker));
    waker(0).wake();
    assert_eq!(calling.1.load(Ordering::SeqCst), 1, "the others found the parent awake");

    // All that were woken meanwhile are polled, with a parent whose waker panics.
    assert!(all.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    assert_eq!(panic_of(|| waker(70).wake()), "a waker panicked");
    // The next parent's waker panics as it is dropped, which is nobody's affair here.
    let exploding = exploding_waker();
    assert!(all.as_mut().poll(&mut Context::from_waker(&exploding)).is_pending());
    std::mem::forget(exploding);
    assert!(all.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    (size / 2..size).for_each(|number| waker(number).wake());
    let Poll::Ready(values) = all.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("all were woken")
    };
    assert!(values.into_iter().eq(0..size));
}

/// C28: children's wakers outlive the gather, on other threads, and are called, cloned and dropped there, often.
pub fn c28_wakers_may_outlive_the_gather<R: BlockOn>(_: &Subject<R>) {
    for round in 0..200 {
        let size = 31 + round;
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let thread = std::thread::spawn(move || {
            let mut kept = Vec::new();
            for waker in receiver {
                waker.wake_by_ref();
                kept.push(waker.clone());
                waker.wake();
            }
            kept.into_iter().for_each(Waker::wake);
        });
        let child = |number: usize| {
            let (sender, mut polls) = (sender.clone(), 0);
            std::future::poll_fn(move |cx| {
                polls += 1;
                if polls > 2 {
                    return Poll::Ready(number);
                }
                sender.send(cx.waker().clone()).expect("the thread listens");
                Poll::Pending
            })
        };
        let mut all = Box::pin(gather((0..size).map(child)).into_future());
        let mut cx = Context::from_waker(Waker::noop());
        // In every other round it is dropped under way.
        let polls = if round % 2 == 0 { usize::MAX } else { 1 + round % 5 };
        for _ in 0..polls {
            if let Poll::Ready(values) = all.as_mut().poll(&mut cx) {
                assert!(values.into_iter().eq(0..size));
                break;
            }
            std::thread::yield_now();
        }
        drop((all, sender));
        thread.join().expect("wakers of a gather that is gone do nothing");
    }
}

/// C28: every output that a gather holds is dropped once, whatever becomes of the gather.
pub fn c28_no_output_leaks<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [1, 2, 30, 31, 100] {
            for end in ["whole", "dropped", "panic", "bomb"] {
                let mut books = Vec::new();
                let stop = Signal::new();
                let children = (0..=size).map(|number| -> Child<'_, Probe> {
                    let (probe, drops) = Probe::new();
                    books.push(drops);
                    let stop = stop.clone();
                    Box::pin(async move {
                        if number == size && end != "whole" {
                            yield_now().await;
                            let _bomb = (end == "bomb").then(|| Bomb);
                            assert!(end != "panic", "a child's");
                            stop.seen().await;
                        }
                        probe
                    })
                });
                let mut gathering = gather(children.collect::<Vec<_>>()).into_future();
                match end {
                    "whole" => drop(gathering.await),
                    "panic" => assert_eq!(panic_of_future(gathering).await, "a child's"),
                    _ => {
                        for _ in 0..3 {
                            assert!(poll_once(&mut gathering).is_pending());
                        }
                        if end == "bomb" {
                            assert_eq!(panic_of(|| drop(gathering)), BOMB);
                        } else {
                            drop(gathering);
                        }
                    }
                }
                assert!(books.iter().all(|drops| drops.count() == 1), "{end}, of {size}");
            }
        }
    });
}
