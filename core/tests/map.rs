//! `PoolExt::map`: order, panics, dropping at any moment, pools that refuse or run in place. Each item and each
//! result is dropped exactly once. A failure prints the seed that repeats the choices; `ANYLOOP_TEST_SEED` sets it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyloop_core::{AnyPool, Job, Map, Pool, PoolExt, Refused, TaskError, ThreadPool, from_thread};
use futures::StreamExt;
use pollster::block_on;

/// Counts what is alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn value(&self, number: usize) -> Value {
        self.0.fetch_add(1, Ordering::SeqCst);
        Value { number, alive: self.clone(), explodes: false }
    }

    fn wait_for_none(&self) {
        while self.count() > 0 {
            thread::yield_now();
        }
    }
}

/// An item or a result.
struct Value {
    number: usize,
    alive: Alive,
    explodes: bool,
}

impl Drop for Value {
    fn drop(&mut self) {
        let before = self.alive.0.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "dropped twice");
        if self.explodes && !thread::panicking() {
            std::panic::resume_unwind(Box::new("a destructor"));
        }
    }
}

fn numbers(values: Vec<Value>) -> Vec<usize> {
    values.iter().map(|value| value.number).collect()
}

fn pool(max_threads: usize) -> ThreadPool {
    ThreadPool::new(max_threads).unwrap()
}

/// A pool that runs each job where it is submitted.
fn in_place() -> AnyPool {
    AnyPool::from_fn(|job| {
        job.run();
        Ok(())
    })
}

/// A pool with a thread for each job.
fn thread_each() -> AnyPool {
    AnyPool::from_fn(|job| {
        thread::spawn(move || job.run());
        Ok(())
    })
}

/// A pool that takes jobs, to be run or dropped later.
fn held() -> (AnyPool, Arc<Mutex<Vec<Job>>>) {
    let jobs = Arc::new(Mutex::new(Vec::new()));
    let taking = jobs.clone();
    let pool = AnyPool::from_fn(move |job| {
        taking.lock().unwrap().push(job);
        Ok(())
    });
    (pool, jobs)
}

fn all_pools() -> Vec<AnyPool> {
    vec![
        pool(1).to_any(),
        pool(2).to_any(),
        pool(3).to_any(),
        pool(64).to_any(),
        ThreadPool::builder().max_threads(2).queue_limit(1).build().unwrap().to_any(),
        pool(8).limit(1).to_any(),
        pool(8).limit(3).to_any(),
        pool(8).limit(3).limit(2).to_any(),
        in_place(),
        in_place().limit(2).to_any(),
        thread_each(),
        thread_each().limit(2).to_any(),
    ]
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn results_come_in_input_order_from_every_pool() {
    for pool in all_pools() {
        for count in [0, 1, 2, 3, 100, 20_000] {
            let expected: Vec<usize> = (0..count).map(|i| i * 2).collect();
            assert_eq!(block_on(pool.map(0..count, |i| i * 2)), expected, "{pool:?}");
            assert_eq!(block_on(pool.map(0..count, |i| i * 2).settle()).unwrap(), expected);
            assert_eq!(block_on(pool.map(0..count, |i| i * 2).stream().collect::<Vec<_>>()), expected);
            let pairs: BTreeSet<_> = block_on(pool.map(0..count, |i| i * 2).as_completed().collect());
            assert!(pairs.into_iter().eq(expected.into_iter().enumerate()));
        }
    }
}

#[test]
fn any_length_of_a_chunk_will_do() {
    for pool in all_pools() {
        for chunk in [0, 1, 2, 7, 1_000, usize::MAX] {
            let map = pool.map(0..1_000, |i| i + 1).chunk(chunk);
            assert_eq!(block_on(map), (1..=1_000).collect::<Vec<_>>(), "{chunk}");
        }
    }
}

#[test]
fn nothing_begins_before_the_first_poll_or_start() {
    let (pool, jobs) = held();
    let alive = Alive::default();
    let value = alive.value(1);
    let map = pool.map([value], |value| value.number);
    let stream = pool.map([1], |i| i).stream();
    let completed = pool.map([1], |i| i).as_completed();
    assert!(jobs.lock().unwrap().is_empty());
    drop((map, stream, completed));
    assert!(jobs.lock().unwrap().is_empty());
    assert_eq!(alive.count(), 0);
    let map = pool.map([1], |i| i).start();
    assert_eq!(jobs.lock().unwrap().len(), 1);
    let job = jobs.lock().unwrap().pop().unwrap();
    job.run();
    assert_eq!(block_on(map), [1]);
}

#[test]
fn an_empty_map_is_ready_at_once_and_asks_no_pool() {
    let (pool, jobs) = held();
    assert!(matches!(poll_once(&mut pool.map([0_u8; 0], |i| i)), Poll::Ready(all) if all.is_empty()));
    let mut stream = pool.map([0_u8; 0], |i| i).stream();
    assert!(matches!(poll_once(&mut stream.next()), Poll::Ready(None)));
    assert!(jobs.lock().unwrap().is_empty());
}

#[test]
fn polled_again_after_the_end_a_map_panics_and_a_stream_gives_none() {
    let pool = pool(2);
    let mut map = pool.map([1], |i| i);
    assert_eq!(block_on(&mut map), [1]);
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| poll_once(&mut map).is_ready())).is_err());
    let mut stream = pool.map([1], |i| i).stream();
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!(block_on(stream.next()), None);
    assert_eq!(block_on(stream.next()), None);
}

/// All of them wait for each other: fewer threads would never end.
#[test]
fn items_that_block_have_all_threads_of_the_pool() {
    for (pool, threads) in [(pool(1).to_any(), 1), (pool(7).to_any(), 7), (pool(64).to_any(), 64)]
        .into_iter()
        .chain([(pool(64).limit(5).to_any(), 5), (thread_each(), 40)])
    {
        let barrier = Arc::new(Barrier::new(threads));
        let waiting = barrier.clone();
        let values = block_on(pool.map(0..threads, move |i| {
            waiting.wait();
            i
        }));
        assert_eq!(values, (0..threads).collect::<Vec<_>>());
        // After many short ones, so that chunks have grown: they are stolen from.
        let values = block_on(pool.map(0..5_000 + threads, move |i| {
            if i >= 5_000 {
                barrier.wait();
            }
            i
        }));
        assert_eq!(values.len(), 5_000 + threads);
    }
}

#[test]
fn neighbours_in_one_chunk_do_not_wait_for_each_other() {
    let barrier = Arc::new(Barrier::new(4));
    // One chunk for all, of which the others steal.
    let map = pool(4).map(0..4, move |i| {
        barrier.wait();
        i
    });
    assert_eq!(block_on(map.chunk(4)), [0, 1, 2, 3]);
}

#[test]
fn no_more_than_the_pools_threads_run_items() {
    for (pool, most) in
        [(pool(3).to_any(), 3), (pool(8).limit(2).to_any(), 2), (thread_each().limit(2).to_any(), 2)]
    {
        let (running, greatest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let noting = greatest.clone();
        block_on(pool.map(0..200, move |_| {
            noting.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(100));
            running.fetch_sub(1, Ordering::SeqCst);
        }));
        assert!(greatest.load(Ordering::SeqCst) <= most);
    }
}

#[test]
fn a_map_and_calls_of_one_view_are_within_its_limit_together() {
    let view = pool(8).limit(2);
    let (running, greatest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = {
        let greatest = greatest.clone();
        move || {
            greatest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(200));
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let calls: Vec<_> = (0..50).map(|_| view.submit(work.clone())).collect();
    block_on(view.map(0..50, move |_| work()));
    calls.into_iter().for_each(|call| call.wait().unwrap());
    assert!(greatest.load(Ordering::SeqCst) <= 2);
}

#[test]
fn a_short_map_starts_few_threads() {
    let pool = pool(64);
    assert_eq!(block_on(pool.map(0..100_000, |i| i)).len(), 100_000);
    let cores = thread::available_parallelism().unwrap().get();
    // Two watchers, the pool's and the map's; and one runner for each core.
    assert!(pool.metrics().threads <= cores + 8, "{} threads", pool.metrics().threads);
}

#[test]
fn a_panic_comes_back_with_its_payload_after_the_rest_was_stopped() {
    for pool in all_pools() {
        let alive = Alive::default();
        let captured = alive.value(0);
        let items: Vec<Value> = (0..1_000).map(|number| alive.value(number)).collect();
        let making = alive.clone();
        let map = pool.map(items, move |item| {
            let _captured = &captured;
            if item.number == 300 {
                std::panic::resume_unwind(Box::new(item.number));
            }
            making.value(item.number)
        });
        let Err(TaskError::Panicked(panic)) = block_on(map.settle()) else { panic!("a panic is lost") };
        assert_eq!(panic.into_payload().downcast_ref(), Some(&300_usize));
        assert_eq!(alive.count(), 0, "{pool:?}");
        assert_eq!(block_on(pool.map(0..3, |i| i)), [0, 1, 2], "the pool goes on");
    }
}

#[test]
fn awaited_plainly_a_panic_goes_on_and_other_errors_become_one() {
    let map = pool(2).map(0..9, |_| std::panic::resume_unwind(Box::new(7_u8)));
    let payload = std::panic::catch_unwind(AssertUnwindSafe(|| block_on(map))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7_u8));
    let map = AnyPool::from_fn(|_| Err(Refused::Full)).map(0..9, |i| i);
    let payload = std::panic::catch_unwind(AssertUnwindSafe(|| block_on(map))).unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains(&TaskError::Full.to_string()));
}

#[test]
fn a_stream_gives_what_came_before_a_panic() {
    let pool = pool(1);
    let mut stream = pool
        .map(0..5, |i| {
            if i == 2 {
                std::panic::resume_unwind(Box::new("two"));
            }
            i
        })
        .stream();
    let mut seen = Vec::new();
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        while let Some(value) = block_on(stream.next()) {
            seen.push(value);
        }
    }));
    assert!(panicked.is_err());
    assert_eq!(seen, [0, 1]);
    assert_eq!(block_on(stream.next()), None);
}

#[test]
fn a_stream_gives_each_result_as_it_comes() {
    let (open, opened) = channel::<()>();
    let opened = Mutex::new(opened);
    let mut stream = pool(1)
        .map(0..2, move |i| {
            if i == 1 {
                opened.lock().unwrap().recv().unwrap();
            }
            i
        })
        .stream();
    // The second one waits until the first was seen.
    assert_eq!(block_on(stream.next()), Some(0));
    open.send(()).unwrap();
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!(block_on(stream.next()), None);
}

#[test]
fn as_completed_gives_the_first_in_time_first() {
    let (open, opened) = channel::<()>();
    let opened = Mutex::new(opened);
    let mut pairs = pool(2)
        .map(0..2, move |i| {
            if i == 0 {
                opened.lock().unwrap().recv().unwrap();
            }
            i
        })
        .as_completed();
    assert_eq!(block_on(pairs.next()), Some((1, 1)));
    open.send(()).unwrap();
    assert_eq!(block_on(pairs.next()), Some((0, 0)));
    assert_eq!(block_on(pairs.next()), None);
}

struct Gate {
    started: Sender<()>,
    open: Mutex<Receiver<()>>,
}

#[test]
fn dropping_a_map_drops_what_has_not_begun_at_once_and_what_runs_sees_it() {
    let alive = Alive::default();
    let items: Vec<Value> = (0..100).map(|number| alive.value(number)).collect();
    let ((started, starts), (open, opened), (tell, told)) = (channel(), channel(), channel());
    let (gate, making) = (Gate { started, open: Mutex::new(opened) }, alive.clone());
    let captured = alive.value(0);
    let map = pool(1).map(items, move |item| {
        let _captured = &captured;
        gate.started.send(()).unwrap();
        gate.open.lock().unwrap().recv().unwrap();
        tell.send(from_thread::is_cancelled()).unwrap();
        making.value(item.number)
    });
    let map = map.start();
    starts.recv().unwrap();
    assert_eq!(alive.count(), 101);
    drop(map);
    // The item that runs, and the closure.
    assert_eq!(alive.count(), 2);
    open.send(()).unwrap();
    assert!(told.recv().unwrap());
    alive.wait_for_none();
    assert!(starts.try_recv().is_err(), "no other item was begun");
}

#[test]
fn nothing_is_cancelled_in_a_map_that_goes_on() {
    let seen = block_on(pool(2).map(0..100, |_| from_thread::is_cancelled()));
    assert!(seen.into_iter().all(|cancelled| !cancelled));
}

#[test]
fn dropping_a_map_whose_jobs_are_queued_drops_everything() {
    let (pool, jobs) = held();
    let alive = Alive::default();
    let items: Vec<Value> = (0..100).map(|number| alive.value(number)).collect();
    let captured = alive.value(0);
    let mut map = pool.map(items, move |item| {
        let captured = &captured;
        item.number + captured.number
    });
    assert!(poll_once(&mut map).is_pending());
    drop(map);
    assert_eq!(alive.count(), 0);
    let jobs = std::mem::take(&mut *jobs.lock().unwrap());
    assert!(!jobs.is_empty() && jobs.iter().all(Job::is_cancelled));
    jobs.into_iter().for_each(Job::run);
}

#[test]
fn destructors_of_items_results_and_closure_may_panic() {
    for pool in all_pools() {
        let alive = Alive::default();
        let bomb = |alive: &Alive, number| {
            let mut value = alive.value(number);
            value.explodes = true;
            value
        };
        // Dropped unpolled, dropped when polled, stopped by a panic, and run to its end.
        for fate in 0..4 {
            let items: Vec<Value> = (0..200).map(|number| bomb(&alive, number)).collect();
            let (captured, making) = (bomb(&alive, 0), alive.clone());
            let mut map = pool.map(items, move |item| {
                let _captured = &captured;
                let number = item.number;
                std::mem::forget(item);
                making.0.fetch_sub(1, Ordering::SeqCst);
                if fate == 2 && number == 100 {
                    std::panic::resume_unwind(Box::new(bomb(&making, number)));
                }
                bomb(&making, number)
            });
            match fate {
                0 => drop(map),
                1 => {
                    let _ready =
                        poll_once(&mut map).map(|values| values.into_iter().for_each(std::mem::forget));
                    drop(map);
                    continue;
                }
                2 => {
                    let Err(TaskError::Panicked(panic)) = block_on(map.settle()) else { panic!("lost") };
                    let dropped = AssertUnwindSafe(|| drop(panic));
                    assert!(std::panic::catch_unwind(dropped).is_err());
                }
                _ => {
                    for value in block_on(map) {
                        let dropped = AssertUnwindSafe(|| drop(value));
                        assert!(std::panic::catch_unwind(dropped).is_err());
                    }
                }
            }
        }
        assert_eq!(block_on(pool.map(0..3, |i| i)), [0, 1, 2], "the pool goes on: {pool:?}");
    }
}

#[test]
fn a_stream_that_is_dropped_drops_what_it_holds() {
    let alive = Alive::default();
    for take in [0, 1, 50] {
        let items: Vec<Value> = (0..100).map(|number| alive.value(number)).collect();
        let mut stream = pool(2).map(items, |item| item).stream();
        for _ in 0..take {
            drop(block_on(stream.next()));
        }
        drop(stream);
        alive.wait_for_none();
        let items: Vec<Value> = (0..100).map(|number| alive.value(number)).collect();
        let mut pairs = pool(2).map(items, |item| item).as_completed();
        for _ in 0..take {
            drop(block_on(pairs.next()));
        }
        drop(pairs);
        alive.wait_for_none();
    }
}

#[test]
fn the_closure_is_gone_before_the_results_can_be_seen() {
    for pool in all_pools() {
        for _ in 0..50 {
            let alive = Alive::default();
            let captured = alive.value(0);
            block_on(pool.map(0..40, move |i| {
                let captured = &captured;
                i + captured.number
            }));
            assert_eq!(alive.count(), 0, "{pool:?}");
        }
    }
}

#[test]
fn a_pool_that_refuses_is_what_the_map_ends_in() {
    let closed = pool(2);
    block_on(closed.shutdown()).unwrap();
    let alive = Alive::default();
    let items: Vec<Value> = (0..100).map(|number| alive.value(number)).collect();
    assert!(matches!(block_on(closed.map(items, |item| item.number).settle()), Err(TaskError::Shutdown)));
    assert_eq!(alive.count(), 0);
    let full = AnyPool::from_fn(|_| Err(Refused::Full));
    assert!(matches!(block_on(full.map([1], |i| i).settle()), Err(TaskError::Full)));
    let none = pool(1).limit(0);
    assert!(matches!(block_on(none.map([1], |i| i).settle()), Err(TaskError::NoPool(_))));
    let careless = AnyPool::from_fn(|job| {
        drop(job);
        Ok(())
    });
    assert!(matches!(block_on(careless.map([1], |i| i).settle()), Err(TaskError::Shutdown)));
    let threadless = ThreadPool::builder()
        .max_threads(4)
        .spawn_handler(|_, _| Err(std::io::Error::other("none")))
        .build()
        .unwrap();
    assert!(matches!(block_on(threadless.map(0..9, |i| i).settle()), Err(TaskError::NoThread(_))));
}

/// A runner whose turn is over, and for which the pool has no place, goes on.
#[test]
fn a_pool_that_refuses_all_jobs_but_some_loses_no_item() {
    for every in [2, 3, 1_000] {
        let number = AtomicUsize::new(0);
        let pool = AnyPool::from_fn(move |job| {
            if !number.fetch_add(1, Ordering::SeqCst).is_multiple_of(every) {
                return Err(Refused::Full);
            }
            thread::spawn(move || job.run());
            Ok(())
        });
        let values = block_on(pool.map(0..50, |i| {
            thread::sleep(Duration::from_micros(200));
            i
        }));
        assert_eq!(values, (0..50).collect::<Vec<_>>());
    }
}

#[test]
fn jobs_that_are_all_lost_later_end_the_map() {
    let (pool, jobs) = held();
    let mut map = pool.map(0..100, |i| i).settle();
    assert!(poll_once(&mut map).is_pending());
    let taken = std::mem::take(&mut *jobs.lock().unwrap());
    taken.into_iter().for_each(|job| job.refuse(Refused::Full));
    assert!(matches!(block_on(map), Err(TaskError::Full)));
}

#[test]
fn a_map_that_runs_outlives_its_pools_shutdown_and_last_handle() {
    let one = pool(1);
    let map = one.map(0..500, |i| {
        thread::sleep(Duration::from_micros(20));
        i
    });
    let map = map.start();
    block_on(one.shutdown()).unwrap();
    assert_eq!(block_on(map).len(), 500);
    let one = pool(1);
    let map = one.map(0..500, |i| i);
    drop(one);
    assert_eq!(block_on(map).len(), 500);
}

#[test]
fn when_the_time_of_a_shutdown_is_up_no_other_item_is_begun() {
    for each in [false, true] {
        let one = pool(1);
        let ((begun, begins), (end, ended)) = (channel(), channel::<()>());
        let ended = Mutex::new(ended);
        let alive = Alive::default();
        let map = one.map([0, 1, 2].map(|number| alive.value(number)), move |value| {
            begun.send(value.number).unwrap();
            let _ = ended.lock().unwrap().recv();
            value
        });
        let map = map.start();
        assert_eq!(begins.recv(), Ok(0));
        let report = block_on(one.shutdown_timeout(Duration::ZERO)).unwrap();
        assert_eq!(report.still_running, 1);
        if each {
            let mut results = map.as_completed();
            drop(end);
            // The item that ran may be there, or not.
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
                block_on(async { while results.next().await.is_some() {} })
            }));
            assert!(ended.is_err());
        } else {
            drop(end);
            assert!(matches!(block_on(map.settle()), Err(TaskError::Shutdown)));
        }
        assert_eq!(begins.try_iter().count(), 0);
        assert_eq!(alive.count(), 0);
    }
}

#[test]
fn maps_take_turns_on_one_thread() {
    let one = pool(1);
    let (end, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    // Ends only when the other one, which begins later on the same thread, has ended.
    let long = one.map(0..1_000_000_usize, move |i| {
        thread::sleep(Duration::from_micros(100));
        assert!(ended.lock().unwrap().try_recv().is_err(), "over");
        i
    });
    let long = long.settle();
    let mut long = pin!(long);
    assert!(long.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(block_on(one.map(0..10, |i| i)), (0..10).collect::<Vec<_>>());
    assert_eq!(one.submit(|| 1).wait().unwrap(), 1);
    end.send(()).unwrap();
    assert!(matches!(block_on(long), Err(TaskError::Panicked(_))));
}

#[test]
fn wakers_may_panic() {
    struct Explosive;
    impl std::task::Wake for Explosive {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker"));
        }
    }
    let pool = pool(1);
    let (open, opened) = channel::<()>();
    let opened = Mutex::new(opened);
    let mut map = pool.map([1], move |i| {
        opened.lock().unwrap().recv().unwrap();
        i
    });
    let waker = Waker::from(Arc::new(Explosive));
    assert!(Pin::new(&mut map).poll(&mut Context::from_waker(&waker)).is_pending());
    open.send(()).unwrap();
    // Behind it on the pool's only thread.
    assert_eq!(pool.submit(|| 2).wait().unwrap(), 2);
    assert_eq!(block_on(map), [1]);
}

#[test]
fn a_map_inside_an_item_of_a_map_does_not_deadlock() {
    for max_threads in [1, 2, 8] {
        let outer = pool(max_threads);
        let inner = outer.clone();
        let sums = block_on(outer.map(0..4_u64, move |i| {
            from_thread::block_on(inner.map(0..4_u64, move |j| i * j)).into_iter().sum::<u64>()
        }));
        assert_eq!(sums, [0, 6, 12, 18]);
    }
}

/// Marsaglia's xorshift64: choices that a seed repeats.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A map of random items, and what becomes of it, against the obvious model.
fn one_random_map(pool: &AnyPool, choices: &mut Choices) {
    let alive = Alive::default();
    let limit = [3, 40, 2_000][choices.below(3) as usize];
    let count = choices.below(limit) as usize;
    let panics_at = (choices.below(4) == 0).then(|| choices.below(count.max(1) as u64) as usize);
    let sleeps = [0, 0, 7, 50][choices.below(4) as usize];
    let explodes = choices.below(4) == 0;
    let items: Vec<Value> = (0..count).map(|number| alive.value(number)).collect();
    let (making, captured) = (alive.clone(), alive.value(0));
    let f = move |item: Value| {
        let _captured = &captured;
        if sleeps > 0 && item.number.is_multiple_of(sleeps) {
            thread::sleep(Duration::from_micros(50));
        }
        if panics_at == Some(item.number) {
            std::panic::resume_unwind(Box::new(item.number));
        }
        let mut value = making.value(item.number * 3);
        value.explodes = explodes;
        value
    };
    let mut map: Map<Value> = pool.map(items, f);
    if choices.below(3) == 0 {
        map = map.chunk(choices.below(50) as usize);
    }
    if choices.below(3) == 0 {
        map = map.start();
    }
    let fails = panics_at.is_some_and(|at| at < count);
    let expected: Vec<usize> = (0..count).map(|i| i * 3).collect();
    let disarm = |mut value: Value| {
        value.explodes = false;
        value
    };
    match choices.below(5) {
        0 => {
            for _ in 0..choices.below(2_000) {
                std::hint::spin_loop();
            }
            drop(map);
            alive.wait_for_none();
        }
        1 => {
            let polled = poll_once(&mut map.settle());
            match polled {
                Poll::Ready(Ok(values)) => {
                    assert_eq!(numbers(values.into_iter().map(disarm).collect()), expected);
                }
                Poll::Ready(Err(error)) => assert!(fails, "{error}"),
                Poll::Pending => alive.wait_for_none(),
            }
        }
        2 => match block_on(map.settle()) {
            Ok(values) => {
                assert!(!fails);
                assert_eq!(numbers(values.into_iter().map(disarm).collect()), expected);
            }
            Err(TaskError::Panicked(panic)) => {
                assert_eq!(panic.into_payload().downcast_ref(), panics_at.as_ref());
                assert_eq!(alive.count(), 0);
            }
            Err(error) => panic!("{error}"),
        },
        3 => {
            let mut stream = map.stream();
            let stop_at = choices.below(2 * limit) as usize;
            let mut seen = 0;
            let end = std::panic::catch_unwind(AssertUnwindSafe(|| {
                while seen < stop_at
                    && let Some(value) = block_on(stream.next())
                {
                    assert_eq!(disarm(value).number, seen * 3);
                    seen += 1;
                }
            }));
            assert!(seen <= panics_at.unwrap_or(count));
            match end {
                Ok(()) => assert!(seen == stop_at || (seen == count && !fails)),
                Err(payload) => assert_eq!(payload.downcast_ref(), panics_at.as_ref()),
            }
            drop(stream);
            alive.wait_for_none();
        }
        _ => {
            let mut pairs = map.as_completed();
            let mut seen = BTreeSet::new();
            let end = std::panic::catch_unwind(AssertUnwindSafe(|| {
                while let Some((index, value)) = block_on(pairs.next()) {
                    assert_eq!(disarm(value).number, index * 3);
                    assert!(seen.insert(index));
                }
            }));
            match end {
                Ok(()) => assert!(!fails && seen.into_iter().eq(0..count)),
                Err(payload) => assert_eq!(payload.downcast_ref(), panics_at.as_ref()),
            }
            alive.wait_for_none();
        }
    }
    assert_eq!(alive.count(), 0);
}

#[test]
fn whatever_is_done_to_it_every_item_and_result_is_dropped_once() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.subsec_nanos());
    let seed = std::env::var("ANYLOOP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(u64::from(now));
    println!("ANYLOOP_TEST_SEED={seed}");
    let pools = all_pools();
    thread::scope(|scope| {
        for number in 1..=2 {
            let pools = &pools;
            scope.spawn(move || {
                let mut choices = Choices(seed.wrapping_mul(number) | 1);
                for _ in 0..400 {
                    let pool = &pools[choices.below(pools.len() as u64) as usize];
                    one_random_map(pool, &mut choices);
                }
            });
        }
    });
}
