//! C06: a closure runs at most once and is dropped exactly once, before its result can be seen.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyloop_core::{AnyPool, BlockOn, Job, Pool, PoolExt, Refused, TaskError, ThreadPool};

use crate::Subject;
use crate::subject::Way;
use crate::tools::{Bomb, Probe, yield_now};

/// C06: after a run, and after a panic, everything that the closure captured is gone when the result is
/// there.
pub fn c06_what_a_closure_captured_is_gone_before_its_result<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for number in 0..50 {
            let shared = Arc::new(AtomicUsize::new(0));
            let (probe, drops) = Probe::new();
            let running = shared.clone();
            let task = subject.submit(move || {
                let _probe = probe;
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "a closure runs once");
                assert!(number % 2 == 0, "every other one panics");
            });
            if number % 3 == 0 {
                // Seen without a wake, by looking.
                while !task.is_finished() {
                    yield_now().await;
                }
                assert_eq!((drops.count(), Arc::strong_count(&shared)), (1, 1));
            }
            assert_eq!(task.await.is_ok(), number % 2 == 0);
            assert_eq!((drops.count(), Arc::strong_count(&shared)), (1, 1));
            assert_eq!(shared.load(Ordering::SeqCst), 1);
        }
    });
}

/// C06: a future, too, is gone before the result of its task can be seen.
pub fn c06_a_future_is_gone_before_its_result<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for number in 0..50 {
            let (probe, drops) = Probe::new();
            let task = subject.runtime().spawn(async move {
                let _probe = probe;
                yield_now().await;
                assert!(number % 2 == 0, "every other one panics");
            });
            assert_eq!(task.await.is_ok(), number % 2 == 0);
            assert_eq!(drops.count(), 1);
        }
    });
}

/// C06: a closure that is cancelled while it is queued is dropped once, before `Cancelled` can be seen.
pub fn c06_a_cancelled_closure_is_dropped_once<R: BlockOn>(subject: &Subject<R>) {
    for way in Way::ALL {
        let busy = subject.busy();
        let (probe, drops) = Probe::new();
        let started = way.start(&busy.pool, move || drop(probe));
        drop(started);
        assert_eq!(drops.count(), 1, "{way:?}");
        busy.open();
        busy.pool.submit(|| ()).wait().expect("the pool goes on");
        assert_eq!(drops.count(), 1, "{way:?}");
    }
    let busy = subject.busy();
    let (probe, drops) = Probe::new();
    let task = busy.pool.submit(move || drop(probe));
    task.abort();
    assert!(task.is_finished());
    assert_eq!(drops.count(), 1);
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
}

/// C06: cancelling races with running; whoever wins, the closure is dropped once.
pub fn c06_cancelling_and_running_race_for_a_closure<R: BlockOn>(subject: &Subject<R>) {
    let mut books = Vec::new();
    for number in 0..200 {
        let (probe, drops) = Probe::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let running = runs.clone();
        let task = subject.submit(move || {
            running.fetch_add(1, Ordering::SeqCst);
            drop(probe);
        });
        match number % 4 {
            0 => drop(task),
            1 => std::thread::yield_now(),
            2 => {
                task.abort();
                let ended = task.wait();
                let ran = runs.load(Ordering::SeqCst);
                assert_eq!((drops.count(), ended.is_ok()), (1, ran == 1));
            }
            _ => {
                let ended = subject.block_on(task.cancel());
                assert!(matches!(ended, Ok(()) | Err(TaskError::Cancelled)));
            }
        }
        books.push((drops, runs));
    }
    subject.block_on(async {
        for (drops, runs) in books {
            drops.seen().await;
            assert_eq!(drops.count(), 1);
            assert!(runs.load(Ordering::SeqCst) <= 1);
        }
    });
}

/// C06: a closure that a pool refuses is dropped before the refusal can be seen; `try_submit` gives it
/// back instead, whole.
pub fn c06_a_refused_closure_is_dropped_or_given_back<R: BlockOn>(subject: &Subject<R>) {
    let closed = ThreadPool::new(1).expect("a pool");
    subject.block_on(closed.shutdown()).expect("not inside a call");
    let (probe, drops) = Probe::new();
    let task = closed.submit(move || drop(probe));
    assert!(task.is_finished());
    assert_eq!(drops.count(), 1);
    assert!(matches!(task.wait(), Err(TaskError::Shutdown)));
    let (probe, drops) = Probe::new();
    let Err((closure, Refused::Shutdown)) = closed.try_submit(move || probe) else {
        panic!("a pool that was shut down took a closure");
    };
    assert_eq!(drops.count(), 0, "it was given back");
    drop(closure());
    assert_eq!(drops.count(), 1);
    let bomb = Bomb;
    let refused = closed.submit(move || std::mem::forget(bomb));
    assert!(matches!(refused.wait(), Err(TaskError::Shutdown)), "a destructor's panic stays where it is");
}

/// C06: that holds even of a pool that refuses a job and yet keeps it, to run it later.
pub fn c06_a_pool_that_refuses_and_keeps_the_job_runs_nothing<R: BlockOn>(subject: &Subject<R>) {
    let kept = Arc::new(Mutex::new(Vec::<Job>::new()));
    let keeping = kept.clone();
    let pool = AnyPool::from_fn(move |job| {
        keeping.lock().expect("not poisoned").push(job);
        Err(Refused::Full)
    });
    let runs = Arc::new(AtomicUsize::new(0));
    let (probe, drops) = Probe::new();
    let running = runs.clone();
    let ended = subject.block_on(pool.submit(move || {
        let _probe = probe;
        running.fetch_add(1, Ordering::SeqCst);
    }));
    assert!(matches!(ended, Err(TaskError::Full)));
    assert_eq!(drops.count(), 1, "it is dropped before its result can be seen");
    let (probe, given_back) = Probe::new();
    let refused = pool.try_submit(move || probe);
    let jobs = std::mem::take(&mut *kept.lock().expect("not poisoned"));
    jobs.into_iter().for_each(Job::run);
    assert_eq!((runs.load(Ordering::SeqCst), drops.count()), (0, 1), "a refused closure never runs");
    assert!(refused.is_err());
    assert_eq!(given_back.count(), 0);
    drop(refused);
    assert_eq!(given_back.count(), 1);
}

/// C06: a job that a pool takes and then drops ends its task in `Shutdown`, its closure dropped before.
pub fn c06_a_job_that_is_given_up_ends_in_shutdown<R: BlockOn>(subject: &Subject<R>) {
    let careless = AnyPool::from_fn(|job| {
        drop(job);
        Ok(())
    });
    for way in [Way::Submit, Way::Start, Way::TrySubmit] {
        let (probe, drops) = Probe::new();
        let crate::subject::Started::Task(task) = way.start(&careless, move || drop(probe)) else {
            panic!("a task was asked for");
        };
        assert!(matches!(subject.block_on(task), Err(TaskError::Shutdown)), "{way:?}");
        assert_eq!(drops.count(), 1, "{way:?}");
    }
}

/// C06, C07: running a job never panics, so that a pool of anybody's needs no care of its own.
pub fn c06_running_a_job_never_panics<R: BlockOn>(subject: &Subject<R>) {
    let unwound = Arc::new(AtomicUsize::new(0));
    let counting = unwound.clone();
    let pool = AnyPool::from_fn(move |job| {
        let run = std::panic::AssertUnwindSafe(move || job.run());
        if std::panic::catch_unwind(run).is_err() {
            counting.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    });
    pool.submit(|| panic!("in the closure")).detach();
    pool.submit(|| std::panic::panic_any(Bomb)).detach();
    pool.submit(|| Bomb).detach();
    // Given up by its handle while it waits.
    let held = Arc::new(Mutex::new(Vec::<Job>::new()));
    let holding = held.clone();
    let later = AnyPool::from_fn(move |job| {
        holding.lock().expect("not poisoned").push(job);
        Ok(())
    });
    later.submit(|| Bomb).detach();
    later.submit(|| std::panic::panic_any(Bomb)).detach();
    let jobs = std::mem::take(&mut *held.lock().expect("not poisoned"));
    for job in jobs {
        let taken = Pool::execute(&pool, job);
        assert!(taken.is_ok());
    }
    assert_eq!(unwound.load(Ordering::SeqCst), 0);
    assert_eq!(subject.block_on(subject.submit(|| 1)).expect("a value"), 1);
}
