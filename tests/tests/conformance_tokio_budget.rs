//! tokio's budget of a task: what its channels, semaphores and timers do when a gather's children use it up
//! (<https://docs.rs/tokio/latest/tokio/task/coop/index.html>). They are pending then, though they are ready, and wake
//! their task at once.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyloop_conformance::tools::yield_now;
use anyloop_conformance::watched;
use anyloop_core::{Runtime, gather, race, try_gather};
use anyloop_tokio::Tokio;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

type Child<T> = Pin<Box<dyn Future<Output = T>>>;

/// On both sides of the threshold, of tokio's budget, and of the gather's own.
const SIZES: [usize; 6] = [2, 30, 31, 128, 300, 5000];

/// Runs it on a tokio runtime of one thread, under a name that is told if it hangs.
fn on_one_thread<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F + Send + 'static) {
    watched(name, || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("tokio starts");
        LocalSet::new().block_on(&runtime, async { test().await });
    });
}

/// How often a future was polled until its end.
async fn polls_of<F: IntoFuture>(future: F) -> (usize, F::Output) {
    let mut future = pin!(future.into_future());
    let mut polls = 0;
    let output = std::future::poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    let output = output.await;
    (polls, output)
}

/// A child of a channel that has its value, or of a semaphore that has a permit, by turns.
fn ready_child(number: usize, semaphore: &Arc<Semaphore>) -> Child<usize> {
    if number.is_multiple_of(2) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        sender.send(number).expect("the receiver is there");
        return Box::pin(async move { receiver.recv().await.expect("a value") });
    }
    let semaphore = semaphore.clone();
    Box::pin(async move {
        let _permit = semaphore.acquire().await.expect("it is open");
        number
    })
}

/// Goes on receiving from a channel that always has something.
async fn greedy<T>() -> T {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    sender.send(()).expect("the receiver is there");
    loop {
        let () = receiver.recv().await.expect("a value");
        sender.send(()).expect("the receiver is there");
    }
}

/// A task beside the one that gathers, and how many turns it had.
fn sibling_task() -> Rc<Cell<usize>> {
    let turns = Rc::new(Cell::new(0));
    let counting = Rc::downgrade(&turns);
    spawn_local(async move {
        while let Some(turns) = counting.upgrade() {
            turns.set(turns.get() + 1);
            drop(turns);
            yield_now().await;
        }
    });
    turns
}

/// Children that are ready, more of them than the budget has: the gather gives way as often as the budget
/// is used up, and gets on by as many children in each poll.
#[test]
fn ready_children_beyond_the_budget_give_way_and_get_on() {
    on_one_thread("ready_children_beyond_the_budget_give_way_and_get_on", || async {
        for limit in [None, Some(1), Some(20), Some(200), Some(10_000)] {
            for size in SIZES {
                let semaphore = Arc::new(Semaphore::new(size));
                let turns = sibling_task();
                let children = (0..size).map(move |number| ready_child(number, &semaphore));
                let gathering: Child<Vec<usize>> = match limit {
                    None => Box::pin(gather(children.collect::<Vec<_>>()).into_future()),
                    Some(limit) => Box::pin(gather(children).limit(limit).into_future()),
                };
                let (polls, values) = spawn_local(polls_of(gathering)).await.expect("a value");
                assert!(values.into_iter().eq(0..size));
                // The task that gathers and its sibling take turns.
                assert!(turns.get() + 1 >= polls, "{} turns, {polls} polls, of {size}", turns.get());
                assert!(polls > size / 200, "{polls} polls used one budget, of {size}, {limit:?}");
                assert!(
                    polls <= size / 32 + 2,
                    "{polls} polls got on by next to nothing, of {size}, {limit:?}"
                );
            }
        }
    });
}

/// A gather that is polled when its task has nothing left of its budget.
#[test]
fn a_gather_without_a_budget_waits_for_the_next_turn() {
    on_one_thread("a_gather_without_a_budget_waits_for_the_next_turn", || async {
        for size in SIZES {
            let semaphore = Arc::new(Semaphore::new(size));
            let spent = spawn_local(async move {
                let mut used_up = pin!(greedy::<()>());
                std::future::poll_fn(|cx| {
                    assert!(used_up.as_mut().poll(cx).is_pending(), "the budget has an end");
                    Poll::Ready(())
                })
                .await;
                polls_of(gather((0..size).map(|number| ready_child(number, &semaphore)))).await
            });
            let (polls, values) = spent.await.expect("a value");
            assert!(values.into_iter().eq(0..size));
            assert!((2..=size / 32 + 3).contains(&polls), "{polls} polls, of {size}");
        }
    });
}

/// Children that use up the budget in every poll do not keep a sibling from being polled with some of it left,
/// wherever they stand.
#[test]
fn greedy_children_leave_their_siblings_a_budget() {
    on_one_thread("greedy_children_leave_their_siblings_a_budget", || async {
        for size in [2, 3, 30, 31, 65, 130, 300] {
            for modest in [0, 1, size / 2, size - 1] {
                let child = move |number: usize| -> Child<Result<(), usize>> {
                    if number != modest {
                        return Box::pin(greedy());
                    }
                    Box::pin(async move {
                        yield_now().await;
                        ready_child(0, &Arc::new(Semaphore::new(1))).await;
                        Err(modest)
                    })
                };
                let turns = sibling_task();
                assert_eq!(try_gather((0..size).map(child)).await, Err(modest), "of {size}");
                assert_eq!(try_gather((0..size).map(child)).limit(size).await, Err(modest), "of {size}");
                assert_eq!(race((0..size).map(child)).await, (modest, Err(modest)), "of {size}");
                let mut values = gather((0..size).map(child)).as_completed();
                assert_eq!(values.next().await, Some((modest, Err(modest))), "of {size}");
                assert!(turns.get() > 0);
            }
        }
        let modest = || ready_child(0, &Arc::new(Semaphore::new(1)));
        let last = try_gather((greedy::<Result<(), _>>(), greedy::<Result<(), _>>(), async {
            Err::<(), _>(modest().await)
        }));
        assert_eq!(last.await, Err(0));
        let middle = try_gather((greedy::<Result<(), _>>(), async { Err::<(), _>(modest().await) }, async {
            greedy::<Result<(), _>>().await
        }));
        assert_eq!(middle.await, Err(0));
    });
}

/// What ends a gather gets a budget too, whatever the children use up.
#[test]
fn greedy_children_leave_the_end_a_budget() {
    on_one_thread("greedy_children_leave_the_end_a_budget", || async {
        for size in [1, 30, 31, 300] {
            let (end, ended) = oneshot::channel();
            let other = spawn_local(async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                end.send(()).expect("the gather waits for it");
            });
            let partial = gather((0..size).map(|_| greedy::<u8>())).until(ended).await;
            assert_eq!(partial.expect_err("they never end").done, vec![None; size]);
            other.await.expect("it sent");
        }
    });
}

/// What has a time limit leaves it a budget, although it uses all that it is given, in each poll.
#[test]
fn a_greedy_future_leaves_its_time_limit_a_budget() {
    on_one_thread("a_greedy_future_leaves_its_time_limit_a_budget", || async {
        let runtime = Tokio::current().expect("inside tokio");
        let soon = Duration::from_millis(5);
        assert!(runtime.timeout(soon, greedy::<()>()).await.is_err());
        let all = gather([greedy::<()>()]).until(runtime.sleep(soon)).await;
        assert!(all.is_err());
    });
}
