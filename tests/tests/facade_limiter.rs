//! A `Limiter`: never more than its limit, in order, and its places come back whatever happens.

mod facade_support;

use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;

use anyloop::{AnyPool, Limiter, Refused, Task, TaskError, ThreadPool, async_wrap, gather, to_thread};
use facade_support::{bounded, panic_text, runtimes};
use pollster::block_on;

/// A call that takes a place until the sender is dropped, and is known to have begun.
fn hold(limiter: &'static Limiter) -> (Task<()>, Sender<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let task = to_thread(move || {
        begin.send(()).unwrap();
        let _ = gone.recv();
    });
    let task = task.limit(limiter).start();
    begun.recv().unwrap();
    (task, go)
}

/// Whether all the places are free: that many calls run at the same time.
#[track_caller]
fn assert_free(limiter: &'static Limiter, places: usize) {
    let held: Vec<_> = (0..places).map(|_| hold(limiter)).collect();
    for (task, go) in held {
        drop(go);
        task.wait().unwrap();
    }
}

#[test]
fn never_more_than_the_limit_on_all_pools_together() {
    static LIMITER: Limiter = Limiter::new(3);
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let work = || {
        let now = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        thread::yield_now();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    };
    bounded(move || {
        let runtimes = runtimes();
        let pools: Vec<AnyPool> = runtimes.iter().filter_map(|runtime| runtime.native()).collect();
        let ours = ThreadPool::new(5).unwrap();
        let call = |n: usize| {
            let call = to_thread(work).limit(&LIMITER);
            if n.is_multiple_of(2) { call.on(&ours) } else { call.on(&pools[n % pools.len()]) }
        };
        block_on(gather((0..1_000).map(call)).into_future());
        assert!((1..=3).contains(&MOST.load(Ordering::SeqCst)), "{}", MOST.load(Ordering::SeqCst));
        assert_free(&LIMITER, 3);
    });
}

#[test]
fn a_limit_is_shared_by_the_calls_of_one_function() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    #[async_wrap(limit = 2)]
    fn limited() -> usize {
        let now = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
        thread::yield_now();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        now
    }
    bounded(|| {
        let seen = block_on(gather((0..500).map(|_| limited())).into_future());
        assert!(seen.iter().all(|now| *now <= 2), "{seen:?}");
    });
}

#[test]
fn first_come_first_served() {
    static LIMITER: Limiter = Limiter::new(1);
    static ORDER: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    bounded(|| {
        let (holder, go) = hold(&LIMITER);
        let push = |n| to_thread(move || ORDER.lock().unwrap().push(n)).limit(&LIMITER).start();
        let tasks: Vec<_> = (0..200).map(push).collect();
        assert!(ORDER.lock().unwrap().is_empty());
        drop(go);
        block_on(gather(tasks).into_future());
        holder.wait().unwrap();
        assert_eq!(*ORDER.lock().unwrap(), (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn a_call_takes_its_place_when_it_starts_not_when_it_is_made() {
    static LIMITER: Limiter = Limiter::new(1);
    bounded(|| {
        let first = to_thread(|| 1).limit(&LIMITER);
        assert_free(&LIMITER, 1);
        let second = to_thread(|| 2).limit(&LIMITER);
        assert_eq!(block_on(second), 2);
        assert_eq!(block_on(first), 1);
        // `run` heeds no limit.
        let (holder, go) = hold(&LIMITER);
        assert_eq!(to_thread(|| 3).limit(&LIMITER).run(), 3);
        drop(go);
        holder.wait().unwrap();
    });
}

#[test]
fn one_that_lost_interest_while_it_waited_holds_up_nobody() {
    static LIMITER: Limiter = Limiter::new(1);
    bounded(|| {
        let (holder, go) = hold(&LIMITER);
        // Dropped, aborted, cancelled, and polled calls that were dropped.
        drop(to_thread(|| ()).limit(&LIMITER).start());
        let aborted = to_thread(|| ()).limit(&LIMITER).start();
        aborted.abort();
        assert!(matches!(aborted.wait(), Err(TaskError::Cancelled)));
        let cancelled = to_thread(|| ()).limit(&LIMITER).start().cancel();
        assert!(matches!(block_on(cancelled), Err(TaskError::Cancelled)));
        let mut polled = Box::pin(to_thread(|| ()).limit(&LIMITER));
        assert!(polled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(polled);

        let last = to_thread(|| "its turn").limit(&LIMITER).start();
        drop(go);
        assert_eq!(last.wait().unwrap(), "its turn");
        holder.wait().unwrap();
        assert_free(&LIMITER, 1);
    });
}

#[test]
fn a_place_is_taken_until_the_closure_has_ended() {
    static LIMITER: Limiter = Limiter::new(1);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    bounded(|| {
        let (begin, begun) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let task = to_thread(move || {
            begin.send(()).unwrap();
            let _ = gone.recv();
            ENDED.store(1, Ordering::SeqCst);
        });
        let task = task.limit(&LIMITER).start();
        begun.recv().unwrap();
        // Its caller has lost interest, but it still runs.
        drop(task);
        let next = to_thread(|| ENDED.load(Ordering::SeqCst)).limit(&LIMITER).start();
        drop(go);
        assert_eq!(next.wait().unwrap(), 1);
    });
}

#[test]
fn a_place_comes_back_after_a_panic_and_after_a_refusal() {
    static LIMITER: Limiter = Limiter::new(2);
    bounded(|| {
        for _ in 0..20 {
            block_on(to_thread(|| panic_any(1)).limit(&LIMITER).settle()).unwrap_err();
        }
        assert_free(&LIMITER, 2);

        let closed = ThreadPool::new(1).unwrap();
        block_on(closed.shutdown()).unwrap();
        for _ in 0..20 {
            let ended = block_on(to_thread(|| ()).on(&closed).limit(&LIMITER).settle());
            assert!(matches!(ended, Err(TaskError::Shutdown)), "{ended:?}");
        }
        assert_free(&LIMITER, 2);

        // Refused by a pool of somebody's own, once the place is free.
        let refusing = AnyPool::from_fn(|_| Err(Refused::Full));
        let held = [hold(&LIMITER), hold(&LIMITER)];
        let tasks: Vec<_> = (0..20).map(|_| to_thread(|| ()).on(&refusing).limit(&LIMITER).start()).collect();
        held.into_iter().for_each(|(task, go)| {
            drop(go);
            task.wait().unwrap();
        });
        for task in tasks {
            assert!(matches!(task.wait(), Err(TaskError::Full)));
        }
        assert_free(&LIMITER, 2);
    });
}

#[test]
fn a_hundred_thousand_that_a_closed_pool_refuses_do_not_overflow_the_stack() {
    static LIMITER: Limiter = Limiter::new(1);
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (holder, go) = hold(&LIMITER);
        let start = |_| to_thread(|| ()).on(&pool).limit(&LIMITER).start();
        let tasks: Vec<_> = (0..100_000).map(start).collect();
        block_on(pool.shutdown()).unwrap();
        drop(go);
        holder.wait().unwrap();
        for task in tasks {
            assert!(matches!(task.wait(), Err(TaskError::Shutdown)));
        }
        assert_free(&LIMITER, 1);
    });
}

#[test]
fn a_hundred_thousand_on_a_pool_that_runs_them_in_place_do_not_either() {
    static LIMITER: Limiter = Limiter::new(1);
    bounded(|| {
        let in_place = AnyPool::from_fn(|job| {
            job.run();
            Ok(())
        });
        let (holder, go) = hold(&LIMITER);
        let ran = Arc::new(AtomicUsize::new(0));
        let start = |_| {
            let ran = ran.clone();
            to_thread(move || ran.fetch_add(1, Ordering::SeqCst)).on(&in_place).limit(&LIMITER).start()
        };
        let tasks: Vec<_> = (0..100_000).map(start).collect();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        drop(go);
        holder.wait().unwrap();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.wait().unwrap(), n);
        }
        assert_free(&LIMITER, 1);
    });
}

#[test]
fn a_limit_of_none_is_refused() {
    assert!(panic_text(|| Limiter::new(0)).contains("at least one"));
}
