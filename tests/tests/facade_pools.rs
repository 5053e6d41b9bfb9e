//! C30: which pool is the default one.

mod facade_support;

use std::thread;

use anyloop::{
    AnyRuntime, BlockOn, Pool, PoolExt, Runtime, Smol, Task, TaskError, ThreadPool, from_thread, to_thread,
};
use facade_support::{isolated, isolated_each, panic_text, runtimes};

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// A pool whose threads have this name.
fn named(name: &str) -> ThreadPool {
    ThreadPool::builder().name(name).max_threads(2).build().unwrap()
}

/// Where the calls of a future on this runtime run: awaited, started, nested, and through the runtime.
fn where_calls_run(runtime: &AnyRuntime) -> Vec<String> {
    let mut seen = runtime.block_on(async {
        let nested = || from_thread::block_on(to_thread(thread_name));
        vec![
            to_thread(thread_name).await,
            to_thread(thread_name).start().await.unwrap(),
            anyloop::spawn_blocking(thread_name).await.unwrap(),
            anyloop::pool().submit(thread_name).await.unwrap(),
            anyloop::spawn(async { to_thread(thread_name).await }).await.unwrap(),
            to_thread(nested).await,
        ]
    });
    seen.push(runtime.block_on(runtime.spawn_blocking(thread_name)).unwrap());
    seen.push(runtime.block_on(runtime.pool().submit(thread_name)).unwrap());
    seen
}

#[test]
fn calls_run_on_the_process_wide_pool_whatever_the_runtime() {
    isolated_each(&[&[], &[("ANYLOOP_POOL", "thread-pool")], &[("ANYLOOP_POOL", "")]], || {
        for runtime in runtimes() {
            let seen = where_calls_run(&runtime);
            assert!(seen.iter().all(|name| name == "anyloop"), "{runtime:?}: {seen:?}");
        }
        assert_eq!(pollster::block_on(to_thread(thread_name)), "anyloop");
    });
}

/// Whether a thread is one of the runtime's own.
fn is_native(runtime: &AnyRuntime, thread: &str) -> bool {
    match runtime.name() {
        "tokio" => thread.starts_with("tokio-"),
        // All of these use the crate `blocking`.
        _ => thread.starts_with("blocking-"),
    }
}

#[test]
fn anyloop_pool_native_means_the_pool_that_the_runtime_brings() {
    isolated(&[("ANYLOOP_POOL", "native")], || {
        for runtime in runtimes() {
            let seen = where_calls_run(&runtime);
            assert!(seen.iter().all(|name| is_native(&runtime, name)), "{runtime:?}: {seen:?}");
        }
        // A runtime that is current without anyloop's doing.
        let plain = tokio::runtime::Runtime::new().unwrap();
        let seen = plain.block_on(async { to_thread(thread_name).await });
        assert!(seen.starts_with("tokio-"), "{seen}");
        let seen = async_std::task::block_on(async { to_thread(thread_name).await });
        assert!(seen.starts_with("blocking-"), "{seen}");
        // What is said more precisely counts.
        let pool = named("precise");
        assert_eq!(pollster::block_on(to_thread(thread_name).on(&pool)), "precise");
        let smol = Smol::new().with_pool(&pool).to_any();
        assert!(where_calls_run(&smol).iter().all(|name| name == "precise"));
        // No runtime, no native pool: an error with advice.
        let ended = pollster::block_on(to_thread(thread_name).settle());
        let Err(TaskError::NoPool(text)) = ended else { panic!("{ended:?}") };
        assert!(text.contains("ANYLOOP_RUNTIME"), "{text}");
    });
}

#[test]
fn on_native_is_the_same_for_one_call() {
    isolated(&[], || {
        for runtime in runtimes() {
            let runtime = runtime.with_pool(&named("not this"));
            let native = runtime.block_on(async { to_thread(thread_name).on_native().await });
            assert!(is_native(&runtime, &native), "{runtime:?}: {native}");
            let pool = named("the last counts");
            let last = runtime.block_on(async { to_thread(thread_name).on_native().on(&pool).await });
            assert_eq!(last, "the last counts");
        }
    });
}

#[test]
fn a_setting_that_is_no_pool_is_an_error_in_the_call() {
    isolated(&[("ANYLOOP_POOL", "nativ")], || {
        let runtimes = runtimes();
        for runtime in &runtimes {
            let ended = runtime.block_on(async { to_thread(thread_name).settle().await });
            let Err(TaskError::NoPool(text)) = ended else { panic!("{ended:?}") };
            for part in ["ANYLOOP_POOL=nativ", "`native`", "`thread-pool`"] {
                assert!(text.contains(part), "{text}");
            }
            let plainly = panic_text(|| runtime.block_on(async { to_thread(thread_name).await }));
            assert!(plainly.contains("ANYLOOP_POOL=nativ"), "{plainly}");
        }
        assert!(matches!(anyloop::spawn_blocking(|| ()).wait(), Err(TaskError::NoPool(_))));
        let refused = anyloop::pool().try_submit(|| "given back");
        let Err((closure, reason)) = refused else { panic!("taken") };
        assert_eq!(closure(), "given back");
        assert!(reason.to_string().contains("ANYLOOP_POOL=nativ"), "{reason}");
        // What needs no setting works.
        assert_eq!(pollster::block_on(to_thread(|| 1).on(ThreadPool::global())), 1);
        assert_eq!(to_thread(|| 2).run(), 2);
    });
}

#[test]
fn set_default_pool_counts_once_and_beats_the_variable() {
    isolated(&[("ANYLOOP_POOL", "native")], || {
        anyloop::set_default_pool(named("first")).unwrap();
        let error = anyloop::set_default_pool(named("second")).unwrap_err();
        assert!(error.to_string().contains("only once"), "{error}");
        for runtime in runtimes() {
            let seen = where_calls_run(&runtime);
            assert!(seen.iter().all(|name| name == "first"), "{runtime:?}: {seen:?}");
        }
        assert_eq!(pollster::block_on(to_thread(thread_name)), "first");
    });
}

#[test]
fn a_runtime_with_a_pool_of_its_own_keeps_it() {
    isolated(&[], || {
        anyloop::set_default_pool(named("of the process")).unwrap();
        for runtime in runtimes() {
            let own = runtime.with_pool(&named("of the runtime"));
            let seen = where_calls_run(&own);
            assert!(seen.iter().all(|name| name == "of the runtime"), "{runtime:?}: {seen:?}");
            // The runtime that it was made of is as it was.
            let seen = where_calls_run(&runtime);
            assert!(seen.iter().all(|name| name == "of the process"), "{runtime:?}: {seen:?}");
        }
    });
}

#[test]
fn a_pool_lives_as_long_as_the_runtime_that_it_was_given_to() {
    isolated(&[], || {
        let runtime = Smol::new().with_pool(&named("only here"));
        let task: Task<String> = runtime.spawn_blocking(thread_name);
        assert_eq!(task.wait().unwrap(), "only here");
        let pool = runtime.pool();
        drop(runtime);
        assert_eq!(pool.submit(thread_name).wait().unwrap(), "only here");
        assert_eq!(pool.max_threads().map(std::num::NonZeroUsize::get), Some(2));
    });
}
