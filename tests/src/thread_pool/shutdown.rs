//! C15: the end of a pool.

use std::time::Duration;

use anyloop_core::{BlockOn, Call, PoolExt, Refused, TaskError, ThreadPool, from_thread};

use super::block;
use crate::Subject;
use crate::tools::{Probe, SetOnDrop, Signal};

/// Waited for only where something is wrong.
const LONG: Duration = Duration::from_secs(600);

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("at least one thread")
}

/// C15: what is queued runs, and nothing more is taken.
pub fn c15_a_shutdown_runs_what_is_queued<R: BlockOn>(subject: &Subject<R>) {
    for threads in [1, 3] {
        let pool = pool(threads);
        let gate = block(&pool, threads);
        let queued: Vec<_> = (0..50).map(|number| pool.submit(move || number)).collect();
        let shutdown = pool.shutdown();
        assert!(matches!(subject.block_on(pool.submit(|| 1)), Err(TaskError::Shutdown)));
        let Err((_, Refused::Shutdown)) = pool.try_submit(|| 1) else { panic!("it takes no more") };
        let late = Call::new(|| 1).on(&pool).settle();
        assert!(matches!(subject.block_on(late), Err(TaskError::Shutdown)));
        gate.0.set();
        subject.block_on(shutdown).expect("from outside");
        assert_eq!(pool.metrics().threads, 0, "they were joined");
        for (number, task) in queued.into_iter().enumerate() {
            assert_eq!(subject.block_on(task).expect("it ran"), number);
        }
        subject.block_on(pool.shutdown()).expect("again does no harm");
    }
}

/// C15: what views have queued runs, too.
pub fn c15_a_shutdown_runs_what_views_have_queued<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(2);
    let gate = block(&pool, 2);
    let tasks: Vec<_> = (0..4)
        .map(|_| pool.limit(1))
        .flat_map(|view| (0..10).map(move |number| view.submit(move || number)))
        .collect();
    let shutdown = pool.shutdown();
    gate.0.set();
    subject.block_on(shutdown).expect("from outside");
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(subject.block_on(task).expect("it ran"), number % 10);
    }
}

/// C15: inside a call of the pool it is refused, and the pool stays open.
pub fn c15_inside_a_call_of_the_pool_it_is_refused<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(2);
    let inner = pool.clone();
    let error = subject.block_on(pool.submit(move || {
        let refused = from_thread::block_on(inner.shutdown()).expect_err("it would wait for itself");
        let limited = from_thread::block_on(inner.shutdown_timeout(Duration::ZERO));
        (refused, limited.expect_err("so would this"))
    }));
    let (refused, limited) = error.expect("a value");
    assert_eq!(refused, limited);
    assert!(refused.to_string().contains("wait for itself"), "{refused}");
    assert_eq!(subject.block_on(pool.submit(|| 7)).expect("it is open"), 7);
}

/// C15: with time enough, `shutdown_timeout` is a shutdown that counts.
pub fn c15_a_shutdown_in_time_counts_what_finished<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(2);
    subject.block_on(pool.submit(|| ())).expect("before it");
    let gate = block(&pool, 2);
    let queued: Vec<_> = (0..10).map(|number| pool.submit(move || number)).collect();
    let shutdown = pool.shutdown_timeout(LONG);
    gate.0.set();
    let report = subject.block_on(shutdown).expect("from outside");
    assert_eq!((report.finished, report.cancelled, report.still_running), (12, 0, 0));
    assert_eq!(queued.into_iter().filter(|task| task.is_finished()).count(), 10);
}

/// C15: when the time is up, what is queued ends in `Shutdown` and its closures are dropped; what runs is told
/// and counted.
pub fn c15_a_shutdown_whose_time_is_up_cancels_the_rest<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    let view = pool.limit(1);
    let told = Signal::new();
    let (telling, started) = (told.clone(), Signal::new());
    let starting = started.clone();
    let running = pool.submit(move || {
        starting.set();
        while !from_thread::is_cancelled() {
            std::thread::yield_now();
        }
        telling.set();
        "it runs to its own end"
    });
    started.wait();
    let (probe, drops) = Probe::new();
    let queued = pool.submit(move || drop(probe));
    let in_view = view.submit(|| 1);
    let cancelled = pool.submit(|| ());
    cancelled.abort();
    let report = subject.block_on(pool.shutdown_timeout(Duration::from_millis(20))).expect("from outside");
    assert_eq!((report.finished, report.cancelled, report.still_running), (0, 2, 1));
    assert_eq!(drops.count(), 1);
    assert!(matches!(subject.block_on(queued), Err(TaskError::Shutdown)));
    assert!(matches!(subject.block_on(in_view), Err(TaskError::Shutdown)));
    assert!(matches!(subject.block_on(cancelled), Err(TaskError::Cancelled)));
    told.wait();
    assert_eq!(subject.block_on(running).expect("a value"), "it runs to its own end");
    subject.block_on(pool.shutdown()).expect("now everything has ended");
    assert_eq!(pool.metrics().threads, 0);
}

/// C15: dropping the last handle blocks nobody, and what is queued still runs.
pub fn c15_dropping_the_last_handle_runs_what_is_queued<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    let gate = block(&pool, 1);
    let (own, viewed) = (pool.submit(|| 1), pool.limit(1).submit(|| 2));
    drop(pool);
    gate.0.set();
    assert_eq!(subject.block_on(own).expect("it ran"), 1);
    assert_eq!(subject.block_on(viewed).expect("it ran"), 2);
}

/// C15: a view keeps its pool open, when every other handle is gone.
pub fn c15_a_view_keeps_its_pool_open<R: BlockOn>(subject: &Subject<R>) {
    let view = pool(2).limit(1);
    for number in 0..3 {
        assert_eq!(subject.block_on(view.submit(move || number)).expect("the pool is open"), number);
    }
}

/// C15: submits that race with a shutdown end in their value or in `Shutdown`; none is lost.
pub fn c15_submits_that_race_with_a_shutdown_end<R: BlockOn>(subject: &Subject<R>) {
    for _ in 0..20 {
        let pool = pool(2);
        let ready = SetOnDrop(Signal::new());
        let racers: Vec<_> = (0..2)
            .map(|_| {
                let (pool, ready) = (pool.clone(), ready.0.clone());
                std::thread::spawn(move || {
                    ready.wait();
                    (0..50).map(|number| pool.submit(move || number)).collect::<Vec<_>>()
                })
            })
            .collect();
        ready.0.set();
        subject.block_on(pool.shutdown()).expect("from outside");
        for racer in racers {
            for (number, task) in racer.join().expect("no panic").into_iter().enumerate() {
                match subject.block_on(task) {
                    Ok(value) => assert_eq!(value, number),
                    Err(TaskError::Shutdown) => {}
                    Err(other) => panic!("ended in {other:?}"),
                }
            }
        }
    }
}
