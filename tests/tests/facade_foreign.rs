//! Calls and gather under executors that anyloop has no adapter for.

mod facade_support;

use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use anyloop::{
    Call, PoolExt, TaskError, ThreadPool, Work, async_wrap, gather, to_thread, try_gather, yield_now,
};
use async_executor::Executor;
use facade_support::{bounded, panic_text, text_of};

#[async_wrap]
fn double(n: u32) -> u32 {
    n * 2
}

#[async_wrap]
fn refuse(text: &str) -> u32 {
    panic!("not {text}")
}

/// A call that ends only when all 17 of its kind run at the same time.
fn meet(all: &Arc<Barrier>) -> Call<impl Work<Output = ()>> {
    let all = all.clone();
    to_thread(move || {
        all.wait();
    })
}

/// All that needs no runtime.
async fn everything() {
    assert_eq!(double(21).await, 42);
    assert_eq!(to_thread(|| thread::current().name().map(str::to_owned)).await.as_deref(), Some("anyloop"));

    assert_eq!(gather((0..17).map(double)).await, (0..17).map(|n| n * 2).collect::<Vec<_>>());
    let all = Arc::new(Barrier::new(17));
    assert_eq!(gather((0..17).map(|_| meet(&all))).await.len(), 17);
    assert_eq!(gather((double(1), async { "two" }, double(3).settle())).await.1, "two");
    // More than a gather polls one by one.
    assert_eq!(gather((0..100).map(double)).await.len(), 100);
    assert_eq!(try_gather((0..3).map(|n| double(n).settle())).await.unwrap(), [0, 2, 4]);

    let pool = ThreadPool::builder().name("foreign").build().unwrap();
    let name = || thread::current().name().unwrap_or_default().to_owned();
    assert_eq!(to_thread(name).on(&pool).await, "foreign");
    assert_eq!(pool.submit(name).await.unwrap(), "foreign");

    let ended = refuse("today").settle().await;
    assert!(matches!(&ended, Err(TaskError::Panicked(panic)) if panic.message() == "not today"), "{ended:?}");
    let started = double(4).start();
    yield_now().await;
    assert_eq!(started.await.unwrap(), 8);
    assert!(matches!(to_thread(|| ()).start().cancel().await, Ok(()) | Err(TaskError::Cancelled)));
    drop(to_thread(|| ()).start());
    pool.shutdown().await.unwrap();
}

/// Wakes by unparking.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// As small as an executor can be. It polls only when it was woken.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// Another waker for every poll, as `select`-like combinators may do; the old one is of no use.
fn block_on_with_fresh_wakers<F: Future>(future: F) -> F::Output {
    struct Once(Thread);
    impl Wake for Once {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    loop {
        let waker = Waker::from(Arc::new(Once(thread::current())));
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        drop(waker);
        thread::park();
    }
}

/// Polls for ever, woken or not.
fn busy<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        thread::yield_now();
    }
}

#[test]
fn under_pollster() {
    bounded(|| pollster::block_on(everything()));
}

#[test]
fn under_block_on_of_futures() {
    bounded(|| futures::executor::block_on(everything()));
}

#[test]
fn under_a_thread_pool_of_futures() {
    bounded(|| {
        use futures::task::SpawnExt;
        let executor = futures::executor::ThreadPool::builder().pool_size(2).create().unwrap();
        let spawned: Vec<_> = (0..4).map(|_| executor.spawn_with_handle(everything()).unwrap()).collect();
        futures::executor::block_on(gather(spawned).into_future());
    });
}

#[test]
fn under_local_pool_of_futures() {
    bounded(|| {
        use futures::task::LocalSpawnExt;
        let mut executor = futures::executor::LocalPool::new();
        for _ in 0..3 {
            executor.spawner().spawn_local(everything()).unwrap();
        }
        executor.run();
    });
}

#[test]
fn under_async_executor_with_a_thread_of_its_own() {
    bounded(|| {
        let executor = Arc::new(Executor::new());
        let driven = executor.clone();
        thread::spawn(move || pollster::block_on(driven.run(std::future::pending::<()>())));
        let tasks: Vec<_> = (0..4).map(|_| executor.spawn(everything())).collect();
        pollster::block_on(gather(tasks).into_future());
    });
}

#[test]
fn under_handmade_executors() {
    bounded(|| block_on(everything()));
    bounded(|| block_on_with_fresh_wakers(everything()));
    bounded(|| busy(everything()));
}

#[test]
fn a_call_may_move_from_one_executor_to_another() {
    bounded(|| {
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let mut call = Box::pin(to_thread(move || gone.recv().is_err()));
        let here = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(here.is_pending());
        let there = thread::spawn(move || pollster::block_on(call));
        drop(go);
        assert!(there.join().unwrap());
    });
}

#[test]
fn a_panic_goes_on_in_who_awaits_with_its_payload() {
    bounded(|| {
        assert_eq!(panic_text(|| pollster::block_on(refuse("this"))), "not this");
        let payload = thread::spawn(|| pollster::block_on(to_thread(|| std::panic::panic_any(7_u8)))).join();
        assert_eq!(payload.unwrap_err().downcast_ref::<u8>(), Some(&7));
        let all = panic_text(|| pollster::block_on(gather([double(1)].map(|_| refuse("all"))).into_future()));
        assert_eq!(all, "not all");
        let payload = thread::spawn(|| block_on(gather((double(1), refuse("one"))).into_future())).join();
        assert_eq!(text_of(&*payload.unwrap_err()), "not one");
    });
}
