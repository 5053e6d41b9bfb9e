//! Limiters behind limiters, and what a pool does to a call that waited for its place.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyloop::{AnyPool, Limiter, PoolExt, Refused, TaskError, ThreadPool, gather, to_thread};
use pollster::block_on;

/// A call in the lane `cpu` with a limit of its own keeps both.
#[test]
fn a_limit_holds_behind_another_one() {
    static ONE: Limiter = Limiter::new(1);
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let calls = (0..20).map(|_| {
        let call = to_thread(|| {
            let now = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        });
        call.on_cpu().limit(&ONE)
    });
    block_on(async { gather(calls).await });
    assert_eq!(MOST.load(Ordering::SeqCst), 1);
}

/// C16: the reason of a refusal reaches the task, also when it comes after a wait for a place.
#[test]
fn a_call_that_waited_hears_why_it_was_refused() {
    static ONE: Limiter = Limiter::new(1);
    let refusing = AnyPool::from_fn(|_| Err(Refused::NoThread(io::Error::other("none left"))));
    let (release, released) = mpsc::channel::<()>();
    let first = to_thread(move || released.recv()).limit(&ONE).start();
    let waiting = to_thread(|| ()).on(&refusing).limit(&ONE).start();
    assert!(!waiting.is_finished());
    drop(release);
    assert!(first.wait().unwrap().is_err());
    match waiting.wait() {
        Err(TaskError::NoThread(error)) => assert_eq!(error.to_string(), "none left"),
        other => panic!("{other:?}"),
    }
}

/// C02: a pool that panics instead of answering leaves no task waiting, and the limiter in order.
#[test]
fn a_pool_that_panics_ends_the_call_that_waited() {
    static ONE: Limiter = Limiter::new(1);
    let panicking = AnyPool::from_fn(|_| panic!("a pool may not, and this one does"));
    let (release, released) = mpsc::channel::<()>();
    let first = to_thread(move || released.recv()).limit(&ONE).start();
    let waiting = to_thread(|| ()).on(&panicking).limit(&ONE).start();
    drop(release);
    assert!(first.wait().unwrap().is_err());
    assert!(matches!(waiting.wait(), Err(TaskError::Shutdown)));
    assert_eq!(block_on(to_thread(|| 1).limit(&ONE)), 1);
}

/// A call that is cancelled in its pool's queue gives its place back at once.
#[test]
fn who_is_cancelled_in_the_queue_gives_its_place_back() {
    static ONE: Limiter = Limiter::new(1);
    let busy = ThreadPool::new(1).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let first = busy.submit(move || {
        begin.send(()).unwrap();
        released.recv()
    });
    begun.recv().unwrap();
    let queued = to_thread(|| ()).on(&busy).limit(&ONE).start();
    queued.abort();
    // Would wait for the busy pool otherwise.
    assert_eq!(block_on(to_thread(|| 7).limit(&ONE)), 7);
    assert!(matches!(queued.wait(), Err(TaskError::Cancelled)));
    drop(release);
    assert!(first.wait().unwrap().is_err());
}

/// A pool whose destructor looks at the limiter: nothing foreign is dropped under its lock.
#[test]
fn a_pool_that_goes_with_its_last_call_may_use_the_limiter() {
    static ONE: Limiter = Limiter::new(1);
    struct Looks;
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = format!("{ONE:?}");
        }
    }
    let looks = Looks;
    let pool = AnyPool::from_fn(move |job| {
        let _ = &looks;
        anyloop::spawn_blocking(move || job.run()).detach();
        Ok(())
    });
    let (release, released) = mpsc::channel::<()>();
    let first = to_thread(move || released.recv()).limit(&ONE).start();
    let last = to_thread(|| 7).on(&pool).limit(&ONE).start();
    drop(pool);
    drop(release);
    assert!(first.wait().unwrap().is_err());
    assert_eq!(last.wait().unwrap(), 7);
    assert_eq!(ThreadPool::global().submit(|| 1).wait().unwrap(), 1);
}
