//! Values of the program's own that travel into calls. What is registered stays so for the process: each test has a
//! carry of its own, which finds something only where that test puts it.

mod support;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyloop_core::{Carry, InlinePool, PoolExt, TaskError, ThreadPool, register_carry};
use support::block;

thread_local! {
    static VALUE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Puts back what was there, also when the body panics.
struct Within(Option<u64>);

impl Within {
    fn new(value: u64) -> Self {
        Self(VALUE.replace(Some(value)))
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        VALUE.set(self.0);
    }
}

struct Plain;

impl Carry for Plain {
    type Value = u64;

    fn capture(&self) -> Option<u64> {
        VALUE.get()
    }

    fn scope(&self, value: u64, body: &mut dyn FnMut()) {
        let _within = Within::new(value);
        body();
    }
}

#[test]
fn a_value_is_there_in_the_call_and_gone_after_it() {
    register_carry(Plain);
    let pool = ThreadPool::new(1).unwrap();
    let here = Within::new(17);
    assert_eq!(pool.submit(|| VALUE.get()).wait().unwrap(), Some(17));
    // Cancelled, refused or queued, each call has what was there when it was submitted.
    let release = block(&pool);
    let waiting = pool.submit(|| VALUE.get());
    drop(here);
    let without = pool.submit(|| VALUE.get());
    drop(release);
    assert_eq!(waiting.wait().unwrap(), Some(17));
    assert_eq!(without.wait().unwrap(), None);

    let panicked = {
        let _here = Within::new(18);
        pool.submit(|| panic!("with {:?}", VALUE.get()))
    };
    let Err(TaskError::Panicked(panic)) = panicked.wait() else { panic!("it panicked") };
    assert_eq!(panic.message(), "with Some(18)");
    assert_eq!(pool.submit(|| VALUE.get()).wait().unwrap(), None, "the panic left nothing behind");
}

#[test]
fn it_travels_into_calls_of_calls_views_maps_and_pools_in_place() {
    register_carry(Plain);
    let pool = ThreadPool::new(4).unwrap();
    let inner = pool.clone();
    let _here = Within::new(19);
    let nested = pool.submit(move || inner.limit(1).submit(|| VALUE.get()).wait().unwrap());
    assert_eq!(nested.wait().unwrap(), Some(19));
    assert_eq!(InlinePool.submit(|| VALUE.get()).wait().unwrap(), Some(19));
    let items = pollster::block_on(pool.map(0..1_000, |_| {
        thread::yield_now();
        VALUE.get()
    }));
    assert!(items.into_iter().all(|value| value == Some(19)));
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
enum Fault {
    Capture,
    Before,
    Omits,
    After,
}

struct Faulty;

impl Carry for Faulty {
    type Value = Fault;

    fn capture(&self) -> Option<Fault> {
        match FAULT.get() {
            Some(Fault::Capture) => panic!("a capture that panics"),
            fault => fault,
        }
    }

    fn scope(&self, fault: Fault, body: &mut dyn FnMut()) {
        match fault {
            Fault::Before => panic!("a scope that panics before its body"),
            Fault::Omits => return,
            _ => {}
        }
        body();
        body(); // It has run, and does nothing.
        if let Fault::After = fault {
            panic!("a scope that panics after its body");
        }
    }
}

#[test]
fn a_carry_that_fails_loses_no_call() {
    register_carry(Faulty);
    let pool = ThreadPool::new(1).unwrap();
    let ended = |fault| {
        FAULT.set(Some(fault));
        let task = pool.submit(|| 7);
        FAULT.set(None);
        task.wait().map_err(|error| error.to_string())
    };
    assert_eq!(ended(Fault::Capture), Ok(7));
    assert_eq!(ended(Fault::After), Ok(7));
    let before = ended(Fault::Before).unwrap_err();
    assert!(before.contains("a scope that panics before its body"), "{before}");
    let omits = ended(Fault::Omits).unwrap_err();
    assert!(omits.contains("did not run its body"), "{omits}");
}

static BOMBS: AtomicUsize = AtomicUsize::new(0);

/// Panics as it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        BOMBS.fetch_add(1, Ordering::SeqCst);
        panic!("a value that panics as it is dropped");
    }
}

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

struct Bombs;

impl Carry for Bombs {
    type Value = Bomb;

    fn capture(&self) -> Option<Bomb> {
        ARMED.get().then(|| Bomb)
    }

    fn scope(&self, _bomb: Bomb, body: &mut dyn FnMut()) {
        body();
    }
}

/// Panics as it is dropped, and is not counted.
struct Unwelcome;

impl Drop for Unwelcome {
    fn drop(&mut self) {
        panic!("a captured value that panics as it is dropped");
    }
}

/// C07: a closure that does not run, because a scope fails, may panic as it is dropped.
#[test]
fn a_closure_that_a_failing_scope_leaves_is_dropped_with_care() {
    register_carry(Faulty);
    let pool = ThreadPool::new(1).unwrap();
    for fault in [Fault::Before, Fault::Omits] {
        let bomb = Unwelcome;
        FAULT.set(Some(fault));
        let task = pool.submit(move || drop(bomb));
        FAULT.set(None);
        assert!(matches!(task.wait(), Err(TaskError::Panicked(_))));
    }
}

/// C06, C07: cancelled in the queue, all values are gone before that can be seen, whatever their destructors do.
#[test]
fn values_of_a_call_that_never_runs_are_dropped_one_by_one() {
    for _ in 0..3 {
        register_carry(Bombs);
    }
    let pool = ThreadPool::new(1).unwrap();
    let release = block(&pool);
    let held = Arc::new(());
    let captured = held.clone();
    ARMED.set(true);
    let task = pool.submit(move || captured);
    ARMED.set(false);
    task.abort();
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    assert_eq!((BOMBS.load(Ordering::SeqCst), Arc::strong_count(&held)), (3, 1));
    drop(release);

    // And of one that runs.
    ARMED.set(true);
    let task = pool.submit(|| 7);
    ARMED.set(false);
    assert_eq!(task.wait().unwrap(), 7);
    assert_eq!(BOMBS.load(Ordering::SeqCst), 6);
}
