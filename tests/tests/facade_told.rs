//! What is told of calls, on every runtime and its native pool. What is slow is the process's affair, so there is one test.

mod facade_support;

use std::panic::Location;
use std::sync::{Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anyloop::{
    BlockOn, PoolExt, Runtime, TaskError, ThreadPool, Warning, async_wrap, on_warning, slow_calls, to_thread,
};
use facade_support::{bounded, runtimes};

const SLOW: Duration = Duration::from_millis(100);

static TOLD: Mutex<Vec<(&'static Location<'static>, ThreadId)>> = Mutex::new(Vec::new());

fn sleep_here() -> ThreadId {
    thread::sleep(SLOW);
    thread::current().id()
}

#[async_wrap]
#[track_caller]
fn wrapped() -> ThreadId {
    sleep_here()
}

#[track_caller]
fn assert_told_once(line: u32, thread: ThreadId, name: &str) {
    let told: Vec<_> = TOLD.lock().unwrap().extract_if(.., |(place, _)| place.line() == line).collect();
    let [(place, by)] = told.as_slice() else { panic!("{name}: {told:?}, {:?}", TOLD.lock().unwrap()) };
    assert_eq!((place.file(), *by), (file!(), thread), "{name}");
}

#[test]
fn slow_calls_and_abandoned_ones_are_known_on_every_runtime() {
    bounded(|| {
        on_warning(|warning| {
            if let Warning::SlowCall { place, .. } = warning {
                TOLD.lock().unwrap().push((place, thread::current().id()));
            }
        })
        .unwrap();
        slow_calls(SLOW);
        let pool = ThreadPool::new(1).unwrap();
        for runtime in runtimes() {
            let name = runtime.name();
            let native = runtime.native().unwrap();
            // Each names the place in this file, whatever it goes through.
            let line = line!() + 1;
            let task = runtime.spawn_blocking(sleep_here);
            assert_told_once(line, task.wait().unwrap(), name);
            let line = line!() + 1;
            let task = anyloop::spawn_blocking(sleep_here);
            assert_told_once(line, task.wait().unwrap(), name);
            let line = line!() + 1;
            let task = wrapped().on(&native).start();
            assert_told_once(line, task.wait().unwrap(), name);
            let (thread, line) = runtime.block_on(async {
                let line = line!() + 1;
                (to_thread(sleep_here).await, line)
            });
            assert_told_once(line, thread, name);
            let (thread, line) = runtime.block_on(async {
                let line = line!() + 1;
                (to_thread(sleep_here).on(&native).await, line)
            });
            assert_told_once(line, thread, name);

            // Its time is up while it runs: it goes on, and is counted.
            let (release, released) = mpsc::channel::<()>();
            let (starting, started) = mpsc::channel();
            let task = pool.submit(move || {
                starting.send(()).unwrap();
                let _ = released.recv();
            });
            started.recv().unwrap();
            let ended = runtime.block_on(async { task.timeout(Duration::from_millis(1)).await });
            assert!(matches!(ended, Err(TaskError::TimedOut)), "{name}: {ended:?}");
            assert_eq!(pool.metrics().abandoned, 1, "{name}");
            drop(release);
            while pool.metrics().abandoned > 0 {
                thread::yield_now();
            }
        }
    });
}
