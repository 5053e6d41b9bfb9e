//! C10, C11 and C16: how many threads there are, and what runs on them.
//!
//! Run on another pool, C10 and C11 tell what that one keeps: C11's order and bound are looked at where a
//! pool of a known width can be made.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use anyloop_core::{BlockOn, Call, Pool, PoolExt, TaskError, ThreadPool, gather};

use crate::Subject;
use crate::tools::{Probe, SetOnDrop, Signal};

/// C10: calls that block until all of them have begun do all begin, each on a thread of its own.
pub fn c10_calls_that_block_use_a_thread_each<R: BlockOn>(subject: &Subject<R>) {
    for calls in [1, 2, 3, 8, 20] {
        let barrier = Arc::new(Barrier::new(calls));
        let threads = subject.block_on(gather((0..calls).map(|_| {
            let barrier = barrier.clone();
            subject.call(move || {
                barrier.wait();
                thread::current().id()
            })
        })));
        assert_eq!(threads.into_iter().collect::<HashSet<_>>().len(), calls);
    }
}

/// C10: that is so up to the very last thread of a pool, again and again, and after short calls have left
/// some of its threads idle.
pub fn c10_all_threads_of_a_pool_can_block_at_once<R: BlockOn>(subject: &Subject<R>) {
    const WIDTH: usize = 4;
    let pool = subject.of_width(WIDTH).unwrap_or_else(|| subject.pool().clone());
    for round in 0..25 {
        for _ in 0..round % 4 {
            pool.submit(|| ()).detach();
        }
        let barrier = Arc::new(Barrier::new(WIDTH));
        let tasks: Vec<_> = (0..WIDTH)
            .map(|_| {
                let barrier = barrier.clone();
                pool.submit(move || barrier.wait().is_leader())
            })
            .collect();
        for task in tasks {
            task.wait().expect("a value");
        }
    }
}

/// C11: while `max_threads` closures run, no other starts.
pub fn c11_no_more_than_max_threads_run<R: BlockOn>(subject: &Subject<R>) {
    const WIDTH: usize = 3;
    let Some(pool) = subject.of_width(WIDTH) else {
        // Nothing is promised of a pool whose bound nobody knows.
        assert_eq!(subject.pool().max_threads(), None, "a pool that knows its bound can be made narrower");
        return;
    };
    let known = pool.max_threads().map(std::num::NonZero::get);
    assert!(known.is_none_or(|known| known == WIDTH), "{known:?}");
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let barrier = Arc::new(Barrier::new(WIDTH));
    let calls = (0..20 * WIDTH).map(|_| {
        let (running, most, barrier) = (running.clone(), most.clone(), barrier.clone());
        Call::new(move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // All of the width is used, by this many calls at a time.
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
        })
        .on(&pool)
    });
    subject.block_on(gather(calls));
    assert!(most.load(Ordering::SeqCst) <= WIDTH, "{most:?} at once");
}

/// C11: closures start in the order submitted; with one thread, one after the other.
pub fn c11_one_thread_starts_them_in_order<R: BlockOn>(subject: &Subject<R>) {
    let Some(pool) = subject.of_width(1) else {
        assert_eq!(subject.pool().max_threads(), None, "a pool that knows its bound can be made narrower");
        return;
    };
    let order = Arc::new(Mutex::new(Vec::new()));
    let gate = SetOnDrop(Signal::new());
    let (opened, started) = (gate.0.clone(), Signal::new());
    let starting = started.clone();
    pool.submit(move || {
        starting.set();
        opened.wait();
    })
    .detach();
    started.wait();
    let mut cancelled = Vec::new();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            // What was cancelled in between leaves the others in their order.
            cancelled.push(pool.submit(|| ()));
            let order = order.clone();
            pool.submit(move || order.lock().expect("not poisoned").push(number))
        })
        .collect();
    drop(cancelled);
    gate.0.set();
    for task in tasks {
        task.wait().expect("a value");
    }
    assert_eq!(*order.lock().expect("not poisoned"), (0..100).collect::<Vec<_>>());
}

fn no_thread() -> io::Error {
    io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test")
}

/// A pool to which the system gives only its first `given` threads.
fn rationed(given: usize) -> ThreadPool {
    let left = AtomicUsize::new(given);
    let pool = ThreadPool::builder().max_threads(8).spawn_handler(move |builder, body| {
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => builder.spawn(body),
            Err(_) => Err(no_thread()),
        }
    });
    pool.build().expect("possible settings")
}

/// C16: a pool that gets no thread at all ends its tasks in `NoThread`, with the system's reason; a
/// closure is dropped, and no task is left behind.
pub fn c16_without_any_thread_tasks_end_in_no_thread<R: BlockOn>(subject: &Subject<R>) {
    let pool = rationed(0);
    for _ in 0..10 {
        let (probe, drops) = Probe::new();
        let ended = subject.block_on(pool.submit(move || drop(probe)));
        let Err(TaskError::NoThread(error)) = ended else { panic!("ended in {ended:?}") };
        assert_eq!((error.kind(), error.to_string()), (no_thread().kind(), no_thread().to_string()));
        assert_eq!(drops.count(), 1);
        let settled = subject.block_on(Call::new(|| 1).on(&pool).settle());
        assert!(matches!(settled, Err(TaskError::NoThread(_))), "{settled:?}");
    }
    assert_eq!((pool.metrics().threads, pool.metrics().queued), (0, 0));
    subject.block_on(pool.shutdown()).expect("a pool without threads shuts down");
}

/// C16: while at least one thread lives, queued work waits for it, whatever the system refuses.
pub fn c16_queued_work_waits_for_a_living_thread<R: BlockOn>(subject: &Subject<R>) {
    for given in 1..4 {
        let pool = rationed(given);
        let gate = SetOnDrop(Signal::new());
        let started = Signal::new();
        let (starting, opened) = (started.clone(), gate.0.clone());
        let blocked = pool.submit(move || {
            starting.set();
            opened.wait();
        });
        started.wait();
        let tasks: Vec<_> = (0..50).map(|number| pool.submit(move || number)).collect();
        gate.0.set();
        subject.block_on(async {
            blocked.await.expect("a value");
            for (number, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.expect("nothing is lost"), number);
            }
        });
        assert!(pool.metrics().threads <= given);
    }
}

/// C16: a pool whose threads were refused works again as soon as the system gives one.
pub fn c16_a_refusal_is_not_for_ever<R: BlockOn>(subject: &Subject<R>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let asking = asked.clone();
    let pool = ThreadPool::builder().max_threads(4).spawn_handler(move |builder, body| {
        if asking.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            Err(no_thread())
        } else {
            builder.spawn(body)
        }
    });
    let pool = pool.build().expect("possible settings");
    assert!(matches!(subject.block_on(pool.submit(|| 1)), Err(TaskError::NoThread(_))));
    assert_eq!(subject.block_on(pool.submit(|| 2)).expect("a value"), 2);
    assert!(asked.load(Ordering::SeqCst) >= 2);
}

/// C16: refusals on many threads at once lose nothing: each task ends in its value or in `NoThread`.
pub fn c16_refusals_at_the_same_time_lose_nothing<R: BlockOn>(subject: &Subject<R>) {
    let asked = AtomicUsize::new(0);
    let pool = ThreadPool::builder().max_threads(4).keep_alive(std::time::Duration::ZERO).spawn_handler(
        move |builder, body| {
            if asked.fetch_add(1, Ordering::SeqCst) % 3 == 2 { builder.spawn(body) } else { Err(no_thread()) }
        },
    );
    let pool = pool.build().expect("possible settings");
    let ended: usize = thread::scope(|scope| {
        let submitters: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let tasks: Vec<_> =
                        (0..100).map(|number| (number, pool.submit(move || number))).collect();
                    let ended = tasks.into_iter().map(|(number, task)| match task.wait() {
                        Ok(value) => assert_eq!(value, number),
                        Err(TaskError::NoThread(_)) => {}
                        Err(other) => panic!("ended in {other:?}"),
                    });
                    ended.count()
                })
            })
            .collect();
        submitters.into_iter().map(|submitter| submitter.join().expect("its tasks ended")).sum()
    });
    assert_eq!(ended, 300);
    subject.block_on(pool.shutdown()).expect("and the books are balanced");
}

/// C16: a handler that panics counts as one that refuses.
pub fn c16_a_handler_that_panics_refuses<R: BlockOn>(subject: &Subject<R>) {
    let pool = ThreadPool::builder().spawn_handler(|_, _| panic!("a handler's bug"));
    let pool = pool.build().expect("possible settings");
    let ended = subject.block_on(pool.submit(|| 1));
    assert!(
        matches!(&ended, Err(TaskError::NoThread(error)) if error.to_string().contains("a handler's bug")),
        "{ended:?}"
    );
    assert_eq!(pool.metrics().threads, 0);
}

/// C16: so does a thread that dies before it comes to the pool's own code, as one whose set-up panics.
pub fn c16_a_thread_that_dies_in_its_set_up_is_a_refusal<R: BlockOn>(subject: &Subject<R>) {
    let asked = AtomicUsize::new(0);
    let pool = ThreadPool::builder().spawn_handler(move |builder, body| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        builder.spawn(move || {
            assert!(!first, "the set-up of the first thread fails");
            body();
        })
    });
    let pool = pool.build().expect("possible settings");
    let ended = subject.block_on(pool.submit(|| 1));
    assert!(matches!(ended, Err(TaskError::NoThread(_))), "{ended:?}");
    assert_eq!(subject.block_on(pool.submit(|| 2)).expect("the next thread lives"), 2);
    subject.block_on(pool.shutdown()).expect("and the books are balanced");
}

/// C16: a handler that starts the thread and then reports an error, or panics, loses nothing either.
pub fn c16_a_handler_that_started_the_thread_all_the_same<R: BlockOn>(subject: &Subject<R>) {
    for panics in [false, true] {
        let pool = ThreadPool::builder().max_threads(2).spawn_handler(move |builder, body| {
            let thread = builder.spawn(body)?;
            if panics {
                panic!("a handler's bug, after the thread was started");
            }
            drop(thread);
            Err(no_thread())
        });
        let pool = pool.build().expect("possible settings");
        for _ in 0..20 {
            let ended = subject.block_on(pool.submit(|| 1));
            assert!(matches!(ended, Ok(1) | Err(TaskError::NoThread(_))), "{ended:?}");
        }
        assert!(pool.metrics().threads <= 2, "{:?}", pool.metrics());
        subject.block_on(pool.shutdown()).expect("and the books are balanced");
    }
}
