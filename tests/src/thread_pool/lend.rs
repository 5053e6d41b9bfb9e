//! C17: a call that waits gives its place to others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{BlockOn, Call, Limiter, Pool, PoolExt, TaskError, ThreadPool, from_thread, gather};

use super::block;
use crate::Subject;
use crate::tools::{SetOnDrop, Signal};

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("at least one thread")
}

/// C17: a call that waits for another one on the same full pool does not deadlock, in either way of waiting.
pub fn c17_a_call_may_wait_for_another_on_a_full_pool<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    for round in 0..20 {
        let inner = pool.clone();
        let outer = pool.submit(move || {
            let task = inner.submit(move || round);
            let waited = if round % 2 == 0 { task.wait() } else { from_thread::block_on(task) };
            waited.expect("a value") + 1
        });
        assert_eq!(subject.block_on(outer).expect("no deadlock"), round + 1);
    }
    assert!(pool.metrics().threads <= 2);
}

/// C17: nor do calls on a view that is full of calls that wait.
pub fn c17_a_call_may_wait_for_another_on_a_full_view<R: BlockOn>(subject: &Subject<R>) {
    let view = pool(4).limit(1);
    let inner = view.clone();
    let outer = view.submit(move || inner.submit(|| 20).wait().expect("a value") + 22);
    assert_eq!(subject.block_on(outer).expect("no deadlock"), 42);
    assert_eq!(subject.block_on(view.submit(|| 1)).expect("the view goes on"), 1);
}

/// C17: nor do calls under a limiter, one behind another too.
pub fn c17_a_call_may_wait_for_another_under_its_limiter<R: BlockOn>(subject: &Subject<R>) {
    // Of its own: other tests run at the same time.
    let one: &'static Limiter = Box::leak(Box::new(Limiter::new(1)));
    let pool = pool(4);
    let limited = pool.limit(2);
    for _ in 0..3 {
        let inner = limited.clone();
        let outer =
            Call::new(move || Call::new(|| 20).on(&inner).limit(one).start().wait().expect("a value") + 1);
        assert_eq!(subject.block_on(outer.on(&limited).limit(one)), 21);
    }
    // A permit is given back after the result has been delivered; then it can be had again, once.
    let (first, second) = (Call::new(|| 1).on(&pool).limit(one), Call::new(|| 2).on(&pool).limit(one));
    assert_eq!(subject.block_on(gather((first, second))), (1, 2));
}

/// C17: all threads of a pool may wait at once, each for a call of its own.
pub fn c17_all_threads_may_wait_at_once<R: BlockOn>(subject: &Subject<R>) {
    const WIDTH: usize = 4;
    let pool = pool(WIDTH);
    let calls = (0..10 * WIDTH).map(|number| {
        let inner = pool.clone();
        Call::new(move || from_thread::block_on(Call::new(move || number).on(&inner))).on(&pool)
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(subject.block_on(gather(calls)), (0..10 * WIDTH).collect::<Vec<_>>());
    let threads = pool.metrics().threads;
    // Where all of those wait for a moment, one more serves them.
    assert!(threads <= 2 * WIDTH + 1, "{threads} threads, twice max_threads are {}", 2 * WIDTH);
}

/// C17: it takes its place back without waiting, and as long as too many run, no other starts.
pub fn c17_the_place_is_taken_back_without_waiting<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    let (go_on, lent) = (SetOnDrop(Signal::new()), Signal::new());
    let (resumed, lending) = (go_on.0.clone(), lent.clone());
    let back = Signal::new();
    let coming = back.clone();
    let may_end = SetOnDrop(Signal::new());
    let ending = may_end.0.clone();
    let waits = pool.submit(move || {
        from_thread::block_on(async {
            lending.set();
            resumed.seen().await;
        });
        coming.set();
        ending.wait();
    });
    lent.wait();
    // This one gets the place that was lent, and keeps it.
    let gate = block(&pool, 1);
    go_on.0.set();
    // So two run, and the one that waited was not kept.
    back.wait();
    let begun = Arc::new(AtomicUsize::new(0));
    let beginning = begun.clone();
    let third = pool.submit(move || beginning.fetch_add(1, Ordering::SeqCst));
    // One has ended, the other runs: the pool is full, with one.
    gate.0.set();
    for _ in 0..100 {
        thread::yield_now();
        assert_eq!(begun.load(Ordering::SeqCst), 0, "max_threads is 1, and one runs");
    }
    may_end.0.set();
    subject.block_on(waits).expect("a value");
    subject.block_on(third).expect("a value");
}

/// C17: deeper than twice `max_threads`, where the innermost call would have no thread, there is an error and
/// no hang.
pub fn c17_too_deep_is_an_error<R: BlockOn>(subject: &Subject<R>) {
    fn nest(pool: &Arc<dyn Pool>, depth: usize) -> Result<usize, TaskError> {
        let inner = pool.clone();
        pool.submit(move || match depth {
            0 => Ok(0),
            depth => nest(&inner, depth - 1).map(|depth| depth + 1),
        })
        .wait()?
    }
    let pool: Arc<dyn Pool> = Arc::new(pool(2));
    let outermost = pool.clone();
    let deep = thread::spawn(move || (nest(&outermost, 67), nest(&outermost, 80)));
    let (fits, too_deep) = deep.join().expect("errors are no panics");
    assert_eq!(fits.expect("68 calls: four threads, and 64 that serve them"), 67);
    match too_deep {
        Err(TaskError::Panicked(panic)) => {
            assert!(panic.message().contains("Raise max_threads"), "{panic}");
        }
        other => panic!("ended in {other:?}"),
    }
    assert_eq!(subject.block_on(pool.submit(|| 1)).expect("the pool goes on"), 1);
}

/// C17: so it is in `from_thread::block_on`, also under a runtime that has to be driven, which is looked after meanwhile.
pub fn c17_too_deep_is_an_error_in_block_on<R: BlockOn>(subject: &Subject<R>) {
    fn nest(pool: ThreadPool, depth: usize) -> Result<usize, TaskError> {
        let inner = pool.clone();
        match depth {
            0 => Ok(0),
            depth => {
                from_thread::block_on(pool.submit(move || nest(inner, depth - 1)))?.map(|depth| depth + 1)
            }
        }
    }
    let ended = subject.block_on(async {
        let pool = pool(1);
        let inner = pool.clone();
        pool.submit(move || nest(inner, 80)).await
    });
    // Whichever of them says so.
    match ended.and_then(|ended| ended) {
        Err(TaskError::Panicked(panic)) => {
            assert!(panic.message().contains("Raise max_threads"), "{panic}");
        }
        other => panic!("ended in {other:?}"),
    }
}

/// C17: who has a deadline waits no longer than that, and is not told that he waits for ever.
pub fn c17_a_deadline_is_let_come<R: BlockOn>(subject: &Subject<R>) {
    // Longer than it takes a pool to see that nothing moves.
    const DEADLINE: Duration = Duration::from_secs(4);
    let asked = AtomicUsize::new(0);
    let two_threads = move |builder: thread::Builder, body: Box<dyn FnOnce() + Send>| {
        if asked.fetch_add(1, Ordering::Relaxed) < 2 {
            builder.spawn(body)
        } else {
            Err(io::Error::other("no more threads in this test"))
        }
    };
    let pool =
        ThreadPool::builder().max_threads(1).spawn_handler(two_threads).build().expect("possible settings");
    let (both, begun) = (Signal::new(), Arc::new(AtomicUsize::new(0)));
    let calls = [(); 2].map(|()| {
        let (inner, both, begun) = (pool.clone(), both.clone(), begun.clone());
        let outer = Call::new(move || {
            if begun.fetch_add(1, Ordering::SeqCst) == 1 {
                both.set();
            }
            from_thread::block_on(both.seen());
            from_thread::block_on(inner.submit(|| ()).timeout(DEADLINE))
        });
        outer.on(&pool).settle()
    });
    let ended = subject.block_on(gather(calls));
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert!(
        matches!(ended[..], [Ok(Err(TaskError::TimedOut)), _] | [_, Ok(Err(TaskError::TimedOut))]),
        "{ended:?}"
    );
}

/// C17: what a call waits for need not be on its pool: a timer ends, at any depth.
pub fn c17_waiting_for_other_things_needs_no_thread<R: BlockOn>(subject: &Subject<R>) {
    let pool = pool(1);
    let (inner, runtime) = (pool.clone(), subject.runtime().clone());
    let outer = {
        let _current = subject.runtime().enter();
        pool.submit(move || {
            let timer = inner.submit(move || {
                from_thread::block_on(runtime.sleep(Duration::from_millis(20)));
                5
            });
            timer.wait().expect("no error, though its place could not be lent")
        })
    };
    assert_eq!(subject.block_on(outer).expect("a value"), 5);
}
