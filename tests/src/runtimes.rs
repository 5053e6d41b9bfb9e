//! C30 (what is ambient), C33, C34 and C35: what every runtime keeps.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use anyloop_core::{
    BlockOn, Call, Pool, PoolExt, Runtime, TaskError, ThreadPool, current, default_pool, from_thread,
};

use crate::Subject;
use crate::tools::{SetOnDrop, Signal, panic_of, yield_now};

/// The name of the current runtime and the width of the default pool.
fn here() -> (Option<&'static str>, Option<usize>) {
    let name = current().ok().map(|runtime| runtime.name());
    (name, default_pool().max_threads().map(NonZeroUsize::get))
}

/// C30: inside `block_on`, spawned futures, calls, and while an `enter()` guard lives, the runtime is
/// current, and its pool the default.
pub fn c30_the_ambient_runtime_is_current<R: BlockOn>(subject: &Subject<R>) {
    // A width that nothing else has.
    let pool = ThreadPool::new(37).expect("a pool");
    let runtime = subject.runtime().with_pool(&pool);
    let expected = (Some(subject.runtime().name()), Some(37));
    runtime.block_on(async {
        assert_eq!(here(), expected);
        assert_eq!(runtime.spawn(async { here() }).await.expect("a value"), expected);
        assert_eq!(runtime.spawn_blocking(here).await.expect("a value"), expected);
        assert_eq!(Call::new(here).await, expected);
        yield_now().await;
        assert_eq!(here(), expected, "after an await too");
    });
    assert_eq!(runtime.run(async { here() }), expected);
    // Which runtime is current outside depends on the runs that other threads have in progress; the pool
    // does not.
    let before = here().1;
    let entered = runtime.enter();
    assert_eq!(here(), expected);
    assert_eq!(Call::new(here).start().wait().expect("a value"), expected);
    drop(entered);
    assert_eq!(here().1, before);
    assert_ne!(before, expected.1);
}

/// C30: of nested ones the innermost is current, and the outer one comes back after it.
pub fn c30_the_innermost_runtime_is_current<R: BlockOn>(subject: &Subject<R>) {
    let pools = [41, 43].map(|width| ThreadPool::new(width).expect("a pool"));
    let [outer, inner] = pools.map(|pool| subject.runtime().with_pool(&pool));
    let width = || here().1;
    let outer_guard = outer.enter();
    assert_eq!(width(), Some(41));
    let inner_guard = inner.enter();
    assert_eq!(width(), Some(43));
    drop(inner_guard);
    assert_eq!(width(), Some(41));
    inner.block_on(async { assert_eq!(width(), Some(43)) });
    assert_eq!(width(), Some(41));
    drop(outer_guard);
    outer.block_on(async {
        assert_eq!(inner.spawn(async move { width() }).await.expect("a value"), Some(43));
        assert_eq!(width(), Some(41));
    });
}

/// C30: a call on a pool of its own still sees its caller's default pool, and a pool given with `on` or
/// `with_pool` is the one that runs it.
pub fn c30_a_call_runs_on_the_pool_that_was_said<R: BlockOn>(subject: &Subject<R>) {
    let named = |name: &str| ThreadPool::builder().max_threads(5).name(name).build().expect("a pool");
    let (default, other) = (named("the-default"), named("the-other"));
    let runtime = subject.runtime().with_pool(&default);
    let name = || thread::current().name().map(str::to_owned);
    runtime.block_on(async {
        assert_eq!(Call::new(name).await.as_deref(), Some("the-default"));
        assert_eq!(Call::new(name).on(&other).await.as_deref(), Some("the-other"));
        assert_eq!(runtime.pool().submit(name).await.expect("a value").as_deref(), Some("the-default"));
        assert_eq!(runtime.spawn_blocking(name).await.expect("a value").as_deref(), Some("the-default"));
        let inside = Call::new(move || from_thread::block_on(Call::new(name))).on(&other).await;
        assert_eq!(inside.as_deref(), Some("the-default"));
    });
}

/// C33: `from_thread::block_on` works inside a call, with sleeps, spawns, gathers and other calls in it.
pub fn c33_a_call_can_go_back_into_async<R: BlockOn>(subject: &Subject<R>) {
    let (inside, pool) = (subject.runtime().clone(), subject.pool().clone());
    let answer = subject.block_on(subject.call(move || {
        from_thread::block_on(async {
            inside.sleep(Duration::from_millis(1)).await;
            let spawned = inside.spawn(async { 20 }).await.expect("a value");
            let called = Call::new(|| 15).on(&pool).await;
            let current = current().expect("a runtime is current");
            let through_current = current.spawn(async { 7 }).await.expect("a value");
            current.sleep(Duration::from_millis(1)).await;
            inside.timeout(Duration::from_secs(3600), yield_now()).await.expect("in time");
            spawned + called + through_current
        })
    }));
    assert_eq!(answer, 42);
}

/// C33: also several levels deep, a call inside async inside a call.
pub fn c33_calls_and_async_nest<R: BlockOn>(subject: &Subject<R>) {
    fn descend<R: BlockOn>(subject: Subject<R>, levels: usize) -> usize {
        if levels == 0 {
            return 0;
        }
        from_thread::block_on(async move {
            let inside = subject.clone();
            subject.call(move || descend(inside, levels - 1)).await + 1
        })
    }
    let inside = subject.clone();
    assert_eq!(subject.block_on(subject.call(move || descend(inside, 4))), 4);
}

/// C33: the future's own panic goes on in the call, whose task ends in it.
pub fn c33_a_panic_inside_goes_on_in_the_call<R: BlockOn>(subject: &Subject<R>) {
    let ended = subject.block_on(subject.submit(|| {
        from_thread::block_on(async {
            yield_now().await;
            panic!("deep inside")
        })
    }));
    assert!(matches!(ended, Err(TaskError::Panicked(panic)) if panic.message() == "deep inside"));
}

/// C33: a call that waits sees that it was cancelled.
pub fn c33_is_cancelled_is_seen_inside<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let started = Signal::new();
        let starting = started.clone();
        let task = subject.submit(move || {
            from_thread::block_on(async {
                starting.set();
                while !from_thread::is_cancelled() {
                    yield_now().await;
                }
                "seen"
            })
        });
        started.seen().await;
        assert_eq!(task.cancel().await.expect("its value"), "seen");
    });
}

/// C33: outside a call, `from_thread::block_on` panics with advice.
pub fn c33_outside_a_call_it_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    let advice = |text: String| {
        assert!(text.contains("outside a wrapped call") && text.contains("block_on"), "{text}")
    };
    advice(panic_of(|| from_thread::block_on(async {})));
    let _entered = subject.runtime().enter();
    advice(panic_of(|| from_thread::block_on(async {})));
}

/// C33: on a runtime that nobody drives it says so, rather than wait for ever; one that drives itself needs
/// nobody.
pub fn c33_a_runtime_that_nobody_drives_is_told_of<R: BlockOn>(subject: &Subject<R>) {
    let inside = subject.runtime().clone();
    let ended = subject
        .submit(move || {
            from_thread::block_on(async {
                inside.sleep(Duration::from_millis(1)).await;
                inside.spawn(async { 42 }).await.expect("a value")
            })
        })
        .wait();
    if subject.drives_itself() {
        assert_eq!(ended.expect("its value"), 42);
        return;
    }
    let Err(TaskError::Panicked(panic)) = ended else { panic!("ended in {ended:?}") };
    let text = panic.message();
    assert!(text.contains("nobody drives") && text.contains(subject.runtime().name()), "{text}");
}

/// C34: a call sees its caller's runtime and default pool, on whatever pool it runs, started from a future,
/// from another call, or by a plain `submit`.
pub fn c34_a_call_sees_its_callers_context<R: BlockOn>(subject: &Subject<R>) {
    let pool = ThreadPool::new(47).expect("a pool");
    let runtime = subject.runtime().with_pool(&pool);
    let expected = (Some(subject.runtime().name()), Some(47));
    let inner = subject.pool().clone();
    let on = inner.clone();
    runtime.block_on(async {
        assert_eq!(Call::new(here).on(&on).await, expected);
        assert_eq!(on.submit(here).await.expect("a value"), expected);
        let innermost = inner.clone();
        let nested = Call::new(move || inner.submit(move || innermost.submit(here).wait()).wait()).on(&on);
        assert_eq!(nested.await.expect("a value").expect("a value"), expected);
        let from_future = on.clone();
        let spawned = runtime.spawn(async move { Call::new(here).on(&from_future).await });
        assert_eq!(spawned.await.expect("a value"), expected);
    });
}

/// C34: the context is the one of where the call began, not of where it was made or is awaited.
pub fn c34_the_context_is_that_of_the_submission<R: BlockOn>(subject: &Subject<R>) {
    let [made, begun] =
        [53, 59].map(|width| subject.runtime().with_pool(&ThreadPool::new(width).expect("a pool")));
    let width = || here().1;
    let entered = made.enter();
    let call = subject.call(width);
    let started = subject.call(width).start();
    drop(entered);
    begun.block_on(async {
        assert_eq!(call.await, Some(59));
        assert_eq!(started.await.expect("a value"), Some(53));
    });
}

/// C34: a thread of the pool keeps nothing of it for the next call.
pub fn c34_nothing_is_left_on_the_thread<R: BlockOn>(subject: &Subject<R>) {
    let pool = subject.of_width(1).unwrap_or_else(|| subject.pool().clone());
    let outside = here();
    let runtime = subject.runtime().with_pool(&ThreadPool::new(61).expect("a pool"));
    for _ in 0..10 {
        runtime.block_on(async {
            assert_eq!(pool.submit(here).await.expect("a value").1, Some(61));
            let panicked = pool.submit(|| panic!("with the context set")).await;
            assert!(panicked.is_err());
        });
        assert_eq!(pool.submit(|| here().1).wait().expect("a value"), outside.1);
    }
}

/// C35: an adapter value may be dropped in async code, driven or spawned, with tasks under way on it.
pub fn c35_an_adapter_may_be_dropped_in_async_code<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        drop(subject.fresh());
        let other = subject.fresh();
        let task = other.spawn(std::future::pending::<()>());
        let detached = other.spawn(std::future::pending::<()>());
        detached.detach();
        drop(other);
        drop(task);
        let other = subject.fresh();
        subject.runtime().spawn(async move { drop(other) }).await.expect("the drop did not panic");
        let other = subject.fresh();
        let sleeping = other.sleep(Duration::from_secs(3600));
        drop(other);
        drop(sleeping);
        assert_eq!(subject.runtime().spawn(async { 1 }).await.expect("this runtime lives on"), 1);
    });
}

/// C35: and in a call, as the last one, be it captured by the closure or carried by the call itself.
pub fn c35_an_adapter_may_be_dropped_in_a_call<R: BlockOn>(subject: &Subject<R>) {
    let other = subject.fresh();
    subject.submit(move || drop(other)).wait().expect("the drop did not panic");
    let gate = SetOnDrop(Signal::new());
    let opened = gate.0.clone();
    let other = subject.fresh();
    let entered = other.enter();
    // Its context is the last to hold the runtime.
    let task = subject.pool().submit(move || {
        opened.wait();
        1
    });
    drop(entered);
    drop(other);
    gate.0.set();
    assert_eq!(task.wait().expect("a value"), 1);
    let other = subject.fresh();
    let own = other.spawn_blocking(|| 2);
    drop(other);
    assert_eq!(own.wait().expect("a value"), 2);
    assert_eq!(subject.block_on(subject.submit(|| 3)).expect("this runtime lives on"), 3);
}

/// C35: and on a thread of its own, by a future that it drives.
pub fn c35_an_adapter_may_be_dropped_by_its_own_future<R: BlockOn>(subject: &Subject<R>) {
    let other = subject.fresh();
    let dropped = Signal::new();
    let dropping = dropped.clone();
    let own = other.clone();
    let task = other.spawn(async move {
        let _done = SetOnDrop(dropping);
        yield_now().await;
        drop(own);
    });
    if subject.drives_itself() {
        drop(other);
        dropped.wait();
        // Ended by itself, or by the end of its runtime.
        assert!(matches!(task.wait(), Ok(()) | Err(TaskError::Shutdown)));
    } else {
        other.block_on(async { task.await.expect("a value") });
        assert!(dropped.is_set());
    }
}
