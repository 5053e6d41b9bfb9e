//! Calls that take long are told of, if that is wanted. What is slow is the process's affair, so there is one test.

mod support;

use std::panic::Location;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::Duration;

use anyloop_core::{Actor, AnyPool, InlinePool, Pool, PoolExt, ThreadPool, Warning, on_warning, slow_calls};
use support::eventually;

const SLOW: Duration = Duration::from_millis(200);

struct Told {
    place: &'static Location<'static>,
    ran_for: Duration,
    thread: ThreadId,
    text: String,
}

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());

/// All that was told so far of calls of these lines.
fn told(lines: &[u32]) -> Vec<Told> {
    let of_these = |told: &mut Told| lines.contains(&told.place.line());
    TOLD.lock().unwrap().extract_if(.., of_these).collect()
}

#[track_caller]
fn assert_told_once(line: u32, thread: ThreadId) {
    let told = told(&[line]);
    let [told] = told.as_slice() else { panic!("{} times", told.len()) };
    assert!(told.ran_for >= SLOW && told.thread == thread);
    for part in ["slow_calls.rs", "ran for", "limit"] {
        assert!(told.text.contains(part), "{part:?} is not in {:?}", told.text);
    }
}

fn sleep_here() -> ThreadId {
    thread::sleep(SLOW);
    thread::current().id()
}

#[test]
fn a_slow_call_is_told_of_by_the_thread_that_ran_it() {
    on_warning(|warning| {
        if let Warning::SlowCall { place, ran_for, .. } = warning {
            let thread = thread::current().id();
            let told = Told { place, ran_for: *ran_for, thread, text: warning.to_string() };
            TOLD.lock().unwrap().push(told);
            panic!("a handler may");
        }
    })
    .unwrap();

    let pool = ThreadPool::new(4).unwrap();
    let elsewhere = AnyPool::from_threads(|turn| {
        thread::spawn(|| turn.run());
        Ok(())
    });
    let (line, off) = (line!() + 1, pool.submit(sleep_here));
    off.wait().unwrap();
    assert!(told(&[line - 1, line]).is_empty(), "it is off at first");

    slow_calls(SLOW);
    for pool in [pool.to_any(), pool.limit(1).to_any(), elsewhere, InlinePool.to_any()] {
        let line = line!() + 1;
        let thread = pool.submit(sleep_here).wait().unwrap();
        // Before the result could be seen.
        assert_told_once(line, thread);

        let line = line!() + 1;
        let panicked = pool.submit(|| panic!("{:?}", sleep_here())).wait();
        assert!(panicked.is_err());
        assert_eq!(told(&[line]).len(), 1, "one that panics is slow as well");

        let line = line!() + 1;
        let map = pool.map(0..300, |item| if item == 70 { Some(sleep_here()) } else { None });
        let slow = pollster::block_on(map).into_iter().flatten().next().unwrap();
        assert_told_once(line, slow);

        let actor = Actor::on(&pool, ());
        let line = line!() + 1;
        let thread = actor.with(|()| sleep_here()).wait().unwrap();
        assert_told_once(line, thread);
    }

    slow_calls(Duration::MAX);
    let line = line!() + 1;
    pool.submit(sleep_here).wait().unwrap();
    assert!(told(&[line]).is_empty(), "it is off again");

    slow_calls(Duration::ZERO);
    let line = line!() + 1;
    pool.submit(|| ()).wait().unwrap();
    assert_eq!(told(&[line]).len(), 1, "each call is");
    // Of a map, each item, and none of what its threads do besides, nor the one that watches over it.
    let line = line!() + 1;
    let map = pool.map(0..300, |_| thread::sleep(Duration::from_micros(200)));
    pollster::block_on(map);
    eventually("its threads have left it", || pool.metrics().running == 0);
    assert_eq!(told(&[line]).len(), 300);
    slow_calls(Duration::MAX);
}
