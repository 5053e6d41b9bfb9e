//! Calls that wait for calls of the same pool (C17), of several tenants at once: places that are lent go to what is waited for, and not
//! to more calls that come to wait.

mod support;

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use anyloop_core::{
    AnyPool, Call, InlinePool, Limiter, Pool, PoolExt, Task, TaskError, ThreadPool, from_thread, gather,
};
use support::bell::Bell;

/// A call that waits so many times for another one of the pool.
fn waiting(on: &AnyPool, pool: &ThreadPool, times: usize) -> Task<()> {
    let pool = pool.clone();
    on.submit(move || {
        for _ in 0..times {
            from_thread::block_on(pool.submit(|| thread::sleep(Duration::from_micros(50)))).unwrap();
        }
    })
}

/// Those that wait in vain say so after three seconds, by a panic.
fn assert_all_end(max_threads: usize, views: usize, own: bool, each: usize, times: usize) {
    let pool = ThreadPool::new(max_threads).unwrap();
    let mut tenants: Vec<_> = (0..views).map(|_| pool.limit(40).to_any()).collect();
    tenants.extend(own.then(|| pool.to_any()));
    let calls: Vec<_> = (0..each)
        .flat_map(|_| tenants.iter().map(|on| waiting(on, &pool, times)).collect::<Vec<_>>())
        .collect();
    for call in calls {
        call.wait().unwrap();
    }
    let metrics = pool.metrics();
    // Where all of those wait for a moment, one more serves them.
    assert!(metrics.threads_started <= 2 * max_threads as u64 + 1, "{metrics:?}");
}

#[test]
fn calls_of_several_views_may_all_wait() {
    for max_threads in [2, 3, 4, 8] {
        assert_all_end(max_threads, 2, false, 20, 1);
        assert_all_end(max_threads, 5, false, 8, 3);
    }
}

#[test]
fn calls_of_views_and_of_the_pool_may_all_wait() {
    for max_threads in [2, 4, 8] {
        assert_all_end(max_threads, 1, true, 20, 1);
        assert_all_end(max_threads, 3, true, 10, 3);
    }
}

#[test]
fn items_of_several_maps_may_all_wait() {
    for max_threads in [2, 4, 8] {
        let pool = ThreadPool::new(max_threads).unwrap();
        let maps = (0..4).map(|_| {
            let inner = pool.clone();
            let item = move |item| from_thread::block_on(inner.submit(move || item)).unwrap();
            pool.map(0..40, item).start().settle()
        });
        for map in maps.collect::<Vec<_>>() {
            assert!(pollster::block_on(map).unwrap().into_iter().eq(0..40));
        }
    }
}

/// Under a `Limiter`, too, and under two of them: a permit that is lent goes first to what is waited for.
#[test]
fn calls_under_a_limiter_may_all_wait_for_others_under_it() {
    static TWO: Limiter = Limiter::new(2);
    static THREE: Limiter = Limiter::new(3);
    for max_threads in [1, 2, 4] {
        let pool = ThreadPool::new(max_threads).unwrap();
        for (weight, times) in [(1, 1), (2, 1), (1, 3)] {
            let calls: Vec<_> = (0..40)
                .map(|_| {
                    let inner = pool.clone();
                    let call = Call::new(move || {
                        for _ in 0..times {
                            let nested = Call::new(|| thread::sleep(Duration::from_micros(50))).on(&inner);
                            from_thread::block_on(nested.limit(&TWO).limit(&THREE));
                        }
                    });
                    call.on(&pool).limit_weighted(&TWO, weight).limit(&THREE).start()
                })
                .collect();
            for call in calls {
                call.wait().unwrap();
            }
        }
    }
}

/// Those that hold nothing of the limiter that what they wait for has to pass, or of another one than it passes first.
#[test]
fn calls_may_wait_for_others_under_limiters_that_they_do_not_hold() {
    static ONE: Limiter = Limiter::new(1);
    static TWO: Limiter = Limiter::new(2);
    let pool = ThreadPool::new(4).unwrap();
    let work = || thread::sleep(Duration::from_micros(50));
    for kind in 0..3 {
        let calls: Vec<_> = (0..60)
            .map(|_| {
                let inner = pool.clone();
                let call = Call::new(move || {
                    let nested = Call::new(work).on(&inner);
                    match kind {
                        0 => from_thread::block_on(nested.limit(&TWO)),
                        1 => from_thread::block_on(nested.limit(&ONE).limit(&TWO)),
                        _ => from_thread::block_on(nested.limit(&TWO).limit(&ONE)),
                    }
                });
                if kind == 0 { call.on(&pool).start() } else { call.on(&pool).limit(&TWO).start() }
            })
            .collect();
        for call in calls {
            call.wait().unwrap();
        }
    }
}

/// Run by who hands it on, on a pool that runs jobs in place, a call is the one who hands on what it waits for.
#[test]
fn a_call_that_is_run_in_place_may_wait_under_its_limiter() {
    static ONE: Limiter = Limiter::new(1);
    let pool = ThreadPool::new(2).unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let holding = Call::new(move || released.recv().unwrap_or(())).on(&pool).limit(&ONE).start();
    let inner = pool.clone();
    let waiting = Call::new(move || Call::new(|| 7).on(&inner).limit(&ONE).start().wait());
    let waiting = waiting.on(&InlinePool).limit(&ONE).start();
    drop(release);
    holding.wait().unwrap();
    assert_eq!(waiting.wait().unwrap().unwrap(), 7);
}

/// A place that is lent goes to nobody else because what stands before what is waited for was cancelled.
#[test]
fn a_cancelled_call_before_what_is_waited_for_does_no_harm() {
    let pool = ThreadPool::new(1).unwrap();
    let view = pool.limit(1);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let (inner, inner_view) = (pool.clone(), view.clone());
    let first = pool.submit(move || {
        gone.recv().unwrap();
        inner_view.submit(|| ()).abort();
        inner.submit(|| ()).wait().unwrap();
    });
    let inner = pool.clone();
    let second = view.submit(move || inner.submit(|| ()).wait().unwrap());
    go.send(()).unwrap();
    first.wait().unwrap();
    second.wait().unwrap();
}

/// Where a thread's locals are dropped, somebody may wait, too.
#[test]
fn a_threads_local_may_wait_as_it_is_dropped() {
    struct Waits(ThreadPool);

    impl Drop for Waits {
        fn drop(&mut self) {
            self.0.submit(|| thread::sleep(Duration::from_millis(5))).wait().unwrap();
        }
    }

    thread_local! {
        static AT_THE_END: RefCell<Option<Waits>> = const { RefCell::new(None) };
    }

    let pool = ThreadPool::new(2).unwrap();
    let ending = thread::spawn(move || {
        AT_THE_END.set(Some(Waits(pool.clone())));
        pool.submit(|| thread::sleep(Duration::from_millis(5))).wait().unwrap();
    });
    ending.join().unwrap();
}

/// What a call waits for under a limiter does not come before everybody else's calls under it.
#[test]
fn what_is_waited_for_under_a_limiter_delays_no_other_call() {
    static TWO: Limiter = Limiter::new(2);
    let pool = ThreadPool::new(4).unwrap();
    let inner = pool.clone();
    let (begin, begun) = std::sync::mpsc::channel();
    let parent = Call::new(move || {
        let slow = || thread::sleep(Duration::from_millis(1));
        let children: Vec<_> = (0..1_000).map(|_| Call::new(slow).on(&inner).limit(&TWO).start()).collect();
        begin.send(()).unwrap();
        from_thread::block_on(gather(children));
    });
    let parent = parent.on(&pool).limit(&TWO).start();
    begun.recv().unwrap();
    let later = Call::new(|| ()).on(&pool).limit(&TWO).start();
    assert!(later.wait().is_ok());
    parent.abort();
    pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
}

/// A call that waits for a map, which it has made: the map's jobs come before more such calls.
#[test]
fn calls_may_all_wait_for_maps() {
    for max_threads in [2, 4] {
        let pool = ThreadPool::new(max_threads).unwrap();
        let views: Vec<_> = (0..3).map(|_| pool.limit(40)).collect();
        let calls: Vec<_> = (0..30)
            .map(|number: usize| {
                let inner = pool.clone();
                views[number % 3]
                    .submit(move || from_thread::block_on(inner.map(0..number, |item| item)).len())
            })
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait().unwrap(), number);
        }
    }
}

/// The threads in between are others' all the same: what one tenant's calls wait for does not keep another's first call waiting.
#[test]
fn what_is_waited_for_delays_no_other_call() {
    let pool = ThreadPool::new(2).unwrap();
    let view = pool.limit(1);
    let (busy, other) = (pool.clone(), pool.limit(1));
    let (begin, begun) = std::sync::mpsc::channel();
    let parent = view.submit(move || {
        let slow = || thread::sleep(Duration::from_millis(1));
        let children: Vec<_> = (0..2_000).map(|_| busy.submit(slow)).collect();
        begin.send(()).unwrap();
        for child in children {
            from_thread::block_on(child).unwrap();
        }
    });
    begun.recv().unwrap();
    other.submit(|| ()).wait().unwrap();
    assert!(!parent.is_finished(), "the other call waited for all of the children");
    assert!(pool.metrics().queued > 1_000, "{:?}", pool.metrics());
    parent.abort();
    pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
}

/// Only calls that wait for calls can be stuck: what else they wait for, such as an answer from afar, may take any time.
#[test]
fn calls_that_wait_for_something_else_may_take_their_time() {
    let pool = ThreadPool::new(1).unwrap();
    let bell = Bell::default();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let bell = bell.clone();
            pool.submit(move || bell.wait())
        })
        .collect();
    // Longer than it takes a pool to see that it is stuck.
    thread::sleep(Duration::from_secs(4));
    bell.ring();
    for call in calls {
        call.wait().unwrap();
    }
}

#[test]
fn calls_that_are_nested_too_deeply_say_so() {
    fn nest(pool: ThreadPool, depth: usize) -> Result<usize, TaskError> {
        let inner = pool.clone();
        match depth {
            0 => Ok(0),
            depth => {
                from_thread::block_on(pool.submit(move || nest(inner, depth - 1)))?.map(|depth| depth + 1)
            }
        }
    }
    for submitted_outside in [0, 3] {
        let pool = ThreadPool::new(1).unwrap();
        let inner = pool.clone();
        let outermost = pool.submit(move || nest(inner, 80));
        let others: Vec<_> = (0..submitted_outside).map(|number| pool.submit(move || number)).collect();
        match outermost.wait().and_then(|ended| ended) {
            Err(TaskError::Panicked(panic)) => {
                assert!(panic.message().contains("Raise max_threads"), "{panic}")
            }
            other => panic!("ended in {other:?}"),
        }
        for (number, other) in others.into_iter().enumerate() {
            assert_eq!(other.wait().unwrap(), number);
        }
    }
}
