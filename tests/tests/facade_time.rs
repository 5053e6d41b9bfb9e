//! `sleep`, `timeout`, `interval` and `Task::wait`, on every runtime. No test looks at the clock.

mod facade_support;

use std::future::{pending, ready};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyloop::{AnyRuntime, BlockOn, PoolExt, Runtime, ThreadPool, gather, to_thread};
use facade_support::{bounded, panic_text, runtimes};

const MS: Duration = Duration::from_millis(1);

/// Runs an async test on each runtime.
fn everywhere<F: Future<Output = ()>>(test: impl Fn(AnyRuntime) -> F + Clone + Send + 'static) {
    for runtime in runtimes() {
        let test = test.clone();
        bounded(move || runtime.block_on(test(runtime.clone())));
    }
}

#[test]
fn a_timeout_ends_what_does_not_end() {
    everywhere(|_| async {
        let elapsed = anyloop::timeout(MS, pending::<()>()).await.unwrap_err();
        assert_eq!(elapsed.to_string(), "the time was up before the future ended");
        assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
        // At once, too.
        anyloop::timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
    });
}

#[test]
fn what_has_ended_counts_however_little_time_there_was() {
    everywhere(|_| async {
        assert_eq!(anyloop::timeout(Duration::ZERO, ready(1)).await, Ok(1));
        assert_eq!(anyloop::timeout(Duration::MAX, ready(2)).await, Ok(2));
        assert_eq!(anyloop::timeout(Duration::MAX, to_thread(|| 3)).await, Ok(3));
        // Anything that is `IntoFuture`.
        assert_eq!(anyloop::timeout(Duration::MAX, gather((ready(4), to_thread(|| 5)))).await, Ok((4, 5)));
    });
}

#[test]
fn a_timeout_of_a_call_cancels_it() {
    everywhere(|_| async {
        let (begin, begun) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let call = to_thread(move || {
            begin.send(()).unwrap();
            let _ = gone.recv();
            tell.send(anyloop::from_thread::is_cancelled()).unwrap();
        });
        let started = call.start();
        to_thread(move || begun.recv()).await.unwrap();
        anyloop::timeout(MS, started).await.unwrap_err();
        // A running closure goes on, and sees it.
        drop(go);
        assert!(to_thread(move || told.recv()).await.unwrap());

        // One that is still queued never runs.
        let pool = ThreadPool::new(1).unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let busy = pool.submit(move || gone.recv());
        let (tell, told) = mpsc::channel::<()>();
        anyloop::timeout(MS, to_thread(move || tell.send(())).on(&pool)).await.unwrap_err();
        assert!(matches!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected)));
        drop(go);
        let _ = busy.await.unwrap();
    });
}

#[test]
fn a_sleep_of_no_time_ends_and_one_of_ages_can_be_dropped() {
    everywhere(|_| async {
        anyloop::sleep(Duration::ZERO).await;
        let (slept, ()) = gather((anyloop::timeout(MS, anyloop::sleep(Duration::MAX)), ready(()))).await;
        slept.unwrap_err();
    });
}

#[test]
fn a_sleep_belongs_to_its_runtime_wherever_it_is_awaited() {
    for runtime in runtimes() {
        // A runtime that nobody drives has no clock that goes.
        if format!("{runtime:?}").contains("CurrentThread") {
            continue;
        }
        bounded(move || {
            pollster::block_on(runtime.sleep(MS));
            assert!(pollster::block_on(runtime.timeout(MS, pending::<()>())).is_err());
            pollster::block_on(runtime.interval(MS).tick());
        });
    }
}

#[test]
fn the_ticks_of_an_interval_are_a_whole_number_of_periods_apart() {
    everywhere(|_| async {
        let mut interval = anyloop::interval(MS);
        let first = interval.tick().await;
        let mut last = first;
        for n in 0..5_u64 {
            if n == 2 {
                // Too late for some of them: they are left out.
                anyloop::sleep(10 * MS).await;
            }
            let tick = interval.tick().await;
            assert!(tick > last);
            assert_eq!((tick - first).as_nanos() % MS.as_nanos(), 0, "{:?}", tick - first);
            last = tick;
        }
    });
}

#[test]
fn intervals_of_no_time_and_of_ages() {
    everywhere(|runtime| async move {
        let mut all_the_time = anyloop::interval(Duration::ZERO);
        for _ in 0..100 {
            all_the_time.tick().await;
        }
        let mut once = runtime.interval(Duration::MAX);
        once.tick().await;
        anyloop::timeout(MS, once.tick()).await.unwrap_err();
    });
}

#[test]
fn an_interval_leaves_room_for_others() {
    everywhere(|_| async {
        let (tell, told) = mpsc::channel();
        let other = anyloop::spawn(async move { tell.send(()) });
        let mut interval = anyloop::interval(Duration::ZERO);
        // It ends only if the other task is let run in between.
        while told.try_recv().is_err() {
            interval.tick().await;
        }
        other.await.unwrap().unwrap();
    });
}

#[test]
fn a_tick_that_was_given_up_is_not_lost() {
    everywhere(|_| async {
        let mut interval = anyloop::interval(Duration::from_millis(20));
        let first = interval.tick().await;
        let _ = anyloop::timeout(Duration::ZERO, interval.tick()).await;
        let _ = anyloop::timeout(Duration::ZERO, interval.tick()).await;
        assert!(interval.tick().await > first);
    });
}

#[test]
fn wait_blocks_a_plain_thread_until_the_end() {
    bounded(|| {
        let task = anyloop::spawn_blocking(|| 1);
        assert_eq!(thread::spawn(|| task.wait()).join().unwrap().unwrap(), 1);
        for runtime in runtimes() {
            let task = runtime.spawn(async {
                anyloop::sleep(MS).await;
                2
            });
            let waiting = thread::spawn(|| task.wait());
            // A runtime that has to be driven is, meanwhile.
            while !waiting.is_finished() {
                runtime.block_on(anyloop::yield_now());
                runtime.block_on(runtime.sleep(MS));
            }
            assert_eq!(waiting.join().unwrap().unwrap(), 2);
        }
    });
}

#[test]
fn wait_and_block_on_inside_async_code_panic_with_advice() {
    everywhere(|runtime| async move {
        let pool = ThreadPool::new(1).unwrap();
        for text in [
            panic_text(|| pool.submit(|| ()).wait()),
            panic_text(|| anyloop::spawn(async {}).wait()),
            panic_text(|| runtime.block_on(async {})),
            panic_text(|| runtime.run(async {})),
            panic_text(|| anyloop::from_thread::block_on(async {})),
        ] {
            assert!(text.contains("`.await` instead"), "{text}");
        }
        let task = anyloop::spawn(async { panic_text(|| anyloop::spawn_blocking(|| ()).wait()) });
        assert!(task.await.unwrap().contains("`.await` instead"));
        // In a call it is allowed, for there it blocks nobody.
        assert_eq!(to_thread(|| anyloop::spawn_blocking(|| 1).wait().unwrap()).await, 1);
    });
}
