//! Edge cases of pools and tasks: each ends in the contract's answer or a clear error, none in a hang.

mod facade_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyloop::{
    BlockOn, BuildError, Call, Pool, PoolExt, Refused, TaskError, ThreadPool, from_thread, gather, to_thread,
    try_gather,
};
use facade_support::{bounded, panic_text, runtimes};
use pollster::block_on;

#[test]
fn a_pool_of_no_threads_is_refused() {
    let error = ThreadPool::new(0).unwrap_err();
    assert_eq!(error, BuildError::NoThreads);
    assert!(error.to_string().contains("max_threads is 0"), "{error}");
}

#[test]
fn a_name_with_a_nul_is_refused() {
    let error = ThreadPool::builder().name("a\0b").build().unwrap_err();
    assert!(matches!(&error, BuildError::NameWithNul { name, .. } if name == "a\0b"), "{error:?}");
    assert!(error.to_string().contains(r#""a\0b""#), "{error}");
}

#[test]
fn odd_settings_that_can_be() {
    bounded(|| {
        let pool = ThreadPool::new(usize::MAX).unwrap();
        assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
        assert_eq!(pool.max_threads().unwrap().get(), usize::MAX);
        for name in ["", "a name of more than fifteen bytes", "größe"] {
            let pool = ThreadPool::builder().name(name).build().unwrap();
            let seen = pool.submit(|| std::thread::current().name().map(str::to_owned)).wait().unwrap();
            assert_eq!(seen.as_deref(), Some(name));
        }
        let pool = ThreadPool::builder().keep_alive(Duration::MAX).build().unwrap();
        assert_eq!(pool.submit(|| 2).wait().unwrap(), 2);
        block_on(pool.shutdown()).unwrap();
    });
}

#[test]
fn a_pool_whose_threads_never_linger_loses_nothing() {
    bounded(|| {
        let pool = ThreadPool::builder().keep_alive(Duration::ZERO).max_threads(2).build().unwrap();
        for n in 0..2_000 {
            assert_eq!(pool.submit(move || n).wait().unwrap(), n);
        }
        let all = block_on(gather((0..2_000).map(|n| pool.submit(move || n))).into_future());
        assert!(all.into_iter().enumerate().all(|(n, ended)| ended.unwrap() == n));
        block_on(pool.shutdown()).unwrap();
        assert_eq!(pool.metrics().threads, 0);
    });
}

#[test]
fn nothing_to_do_is_done_at_once() {
    bounded(|| {
        let none: Vec<Call<fn() -> u32>> = Vec::new();
        assert_eq!(block_on(gather(none).into_future()), Vec::<u32>::new());
        assert_eq!(block_on(gather(std::iter::empty::<std::future::Ready<u32>>()).into_future()), []);
        block_on(gather(()).into_future());
        let none: Vec<std::future::Ready<Result<u32, ()>>> = Vec::new();
        assert_eq!(block_on(try_gather(none).into_future()), Ok(Vec::new()));
    });
}

#[test]
fn a_pool_that_never_had_work_ends() {
    bounded(|| {
        drop(ThreadPool::new(3).unwrap());
        let pool = ThreadPool::new(3).unwrap();
        assert_eq!(pool.metrics().threads, 0);
        block_on(pool.shutdown()).unwrap();
        block_on(pool.shutdown()).unwrap();
        drop(pool.shutdown());
        // On every runtime, too.
        for runtime in runtimes() {
            let pool = ThreadPool::new(1).unwrap();
            runtime.block_on(pool.shutdown()).unwrap();
        }
    });
}

#[test]
fn a_pool_that_was_shut_down_refuses_in_words() {
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
        block_on(pool.shutdown()).unwrap();

        let task = pool.submit(|| ());
        assert!(task.is_finished());
        assert!(matches!(task.wait(), Err(TaskError::Shutdown)));

        let owned = String::from("still here");
        let Err((closure, reason)) = pool.try_submit(move || owned) else { panic!("taken") };
        assert!(matches!(reason, Refused::Shutdown), "{reason:?}");
        assert_eq!(closure(), "still here");

        let settled = block_on(to_thread(|| ()).on(&pool).settle());
        assert!(matches!(settled, Err(TaskError::Shutdown)), "{settled:?}");
        let text = panic_text(|| block_on(to_thread(|| ()).on(&pool)));
        assert!(text.contains(&TaskError::Shutdown.to_string()), "{text}");
        assert!(matches!(to_thread(|| ()).on(&pool).start().wait(), Err(TaskError::Shutdown)));
        // The other way to run it is not concerned.
        assert_eq!(to_thread(|| 5).on(&pool).run(), 5);

        let runtime = anyloop::Smol::new();
        let text = panic_text(|| runtime.block_on(gather((0..3).map(|_| to_thread(|| ()).on(&pool)))));
        assert!(text.contains(&TaskError::Shutdown.to_string()), "{text}");
    });
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_refused_closure_is_dropped_once_before_its_end_is_seen() {
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        block_on(pool.shutdown()).unwrap();
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = Counted(drops.clone());
        let task = pool.submit(move || drop(counted));
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert!(task.wait().is_err());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_payload_that_is_no_text_comes_back_whole() {
    #[derive(Debug, PartialEq)]
    struct Odd(u32);
    let odd = |n| move || -> u32 { std::panic::panic_any(Odd(n)) };
    bounded(move || {
        let pool = ThreadPool::new(1).unwrap();
        for ended in [block_on(to_thread(odd(1)).settle()), pool.submit(odd(1)).wait()] {
            let Err(TaskError::Panicked(panic)) = ended else { panic!("{ended:?}") };
            assert!(panic.message().contains("not a string"), "{panic}");
            assert_eq!(panic.into_payload().downcast_ref(), Some(&Odd(1)));
        }
        let plainly = std::thread::spawn(move || block_on(to_thread(odd(2)))).join();
        assert_eq!(plainly.unwrap_err().downcast_ref(), Some(&Odd(2)));
        let here = std::thread::spawn(move || to_thread(odd(3)).run()).join();
        assert_eq!(here.unwrap_err().downcast_ref(), Some(&Odd(3)));
        for runtime in runtimes() {
            let task =
                runtime.block_on(async { anyloop::spawn(async { std::panic::panic_any(Odd(4)) }).await });
            let Err(TaskError::Panicked(panic)) = task else { panic!("{task:?}") };
            assert_eq!(panic.into_payload().downcast_ref(), Some(&Odd(4)));
        }
        // The thread that it happened on goes on.
        assert_eq!(pool.submit(|| 5).wait().unwrap(), 5);
    });
}

#[test]
fn the_last_handle_leaves_queued_work_to_run() {
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        pool.submit(move || gone.recv()).detach();
        for n in 0..100 {
            let tell = tell.clone();
            pool.submit(move || tell.send(n)).detach();
        }
        let awaited = pool.submit(|| "awaited");
        drop(pool);
        drop((go, tell));
        assert_eq!(told.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
        assert_eq!(awaited.wait().unwrap(), "awaited");
    });
}

#[test]
fn the_last_handle_may_be_dropped_by_a_call_of_the_pool() {
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        let inside = pool.clone();
        let (go, gone) = mpsc::channel::<()>();
        let first = pool.submit(move || {
            let _ = gone.recv();
            let last = inside.submit(|| "queued by the last handle");
            drop(inside);
            last
        });
        drop(pool);
        drop(go);
        assert_eq!(first.wait().unwrap().wait().unwrap(), "queued by the last handle");
    });
}

#[test]
fn a_shutdown_from_inside_is_refused_and_the_pool_stays_open() {
    bounded(|| {
        let pool = ThreadPool::new(2).unwrap();
        let inside = pool.clone();
        let ended = pool.submit(move || from_thread::block_on(inside.shutdown())).wait().unwrap();
        let text = ended.unwrap_err().to_string();
        assert!(text.contains("from inside a call"), "{text}");
        assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
        // Another pool's call may.
        let other = ThreadPool::new(1).unwrap();
        let outside = pool.clone();
        other.submit(move || from_thread::block_on(outside.shutdown())).wait().unwrap().unwrap();
        assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::Shutdown)));
    });
}

#[test]
fn a_shutdown_that_was_asked_for_inside_is_refused_outside_too() {
    bounded(|| {
        let pool = ThreadPool::new(1).unwrap();
        let inside = pool.clone();
        let shutdown = pool.submit(move || inside.shutdown()).wait().unwrap();
        block_on(shutdown).unwrap_err();
        assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
    });
}
