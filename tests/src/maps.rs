//! Maps: one closure over many items as one batch, on every runtime and every pool.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyloop_core::{
    AnyPool, BlockOn, PoolExt, Refused, Runtime, TaskError, ThreadPool, current, from_thread,
};

use crate::Subject;
use crate::tools::{Bomb, Probe, SetOnDrop, Signal, panic_of, panicking_waker, poll_once, poll_with};

/// C01: a map begins at its first poll, or when it is started.
pub fn c01_a_map_begins_at_its_first_poll<R: BlockOn>(subject: &Subject<R>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = || {
        let runs = runs.clone();
        subject.pool().map(0..3, move |_| runs.fetch_add(1, Ordering::SeqCst))
    };
    drop((counted(), counted().settle(), counted().stream(), counted().as_completed()));
    subject.block_on(subject.submit(|| ())).expect("behind them, had they begun");
    assert_eq!((runs.load(Ordering::SeqCst), Arc::strong_count(&runs)), (0, 1));
    let _current = subject.runtime().enter();
    let started = counted().start();
    while runs.load(Ordering::SeqCst) < 3 {
        std::thread::yield_now();
    }
    assert_eq!(subject.block_on(started).len(), 3);
}

/// C02: results stand where their items stood, for any number of items.
pub fn c02_a_map_gives_its_results_in_input_order<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [0, 1, 2, 30, 10_000] {
            let doubled = subject.pool().map(0..size, |i| i * 2).await;
            assert!(doubled.into_iter().eq((0..size).map(|i| i * 2)), "{size}");
            let doubled = subject.pool().map(0..size, |i| i * 2).chunk(7).settle().await;
            assert!(doubled.expect("values").into_iter().eq((0..size).map(|i| i * 2)), "{size}");
        }
    });
}

/// C02: a pool that takes none of a map's jobs is what the map ends in.
pub fn c02_a_map_that_is_refused_ends_in_the_reason<R: BlockOn>(subject: &Subject<R>) {
    let closed = ThreadPool::new(1).expect("a pool");
    subject.block_on(closed.shutdown()).expect("not inside a call");
    let (probe, drops) = Probe::new();
    let ended = subject.block_on(closed.map([probe], drop).settle());
    assert!(matches!(ended, Err(TaskError::Shutdown)));
    assert_eq!(drops.count(), 1);
    let full = AnyPool::from_fn(|_| Err(Refused::Full));
    let text = panic_of(|| subject.block_on(full.map([1], |i| i)));
    assert!(text.contains(&TaskError::Full.to_string()), "{text}");
}

/// C03: dropping a map whose jobs are queued drops all items and the closure there and then.
pub fn c03_a_dropped_map_drops_what_has_not_begun<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let (captured, of_closure) = Probe::new();
    let (items, of_items): (Vec<_>, Vec<_>) = (0..50).map(|_| Probe::new()).unzip();
    let mut map = busy.pool.map(items, move |item| {
        let _captured = &captured;
        item
    });
    assert!(poll_once(&mut map).is_pending());
    drop(map);
    assert!(of_items.iter().all(|drops| drops.count() == 1));
    assert_eq!(of_closure.count(), 1);
    busy.open();
    busy.pool.submit(|| ()).wait().expect("the pool goes on");
    assert_eq!(of_closure.count(), 1);
}

/// C03: an item that runs when its map is dropped goes on, sees it, and its result is dropped.
pub fn c03_an_item_that_runs_sees_that_its_map_was_dropped<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate, seen) = (Signal::new(), SetOnDrop(Signal::new()), Signal::new());
    let (starting, opened, seeing) = (started.clone(), gate.0.clone(), seen.clone());
    let (probe, drops) = Probe::new();
    let map = subject.pool().map([probe], move |probe| {
        assert!(!from_thread::is_cancelled());
        starting.set();
        opened.wait();
        if from_thread::is_cancelled() {
            seeing.set();
        }
        probe
    });
    let map = map.start();
    started.wait();
    drop(map);
    assert_eq!(drops.count(), 0);
    gate.0.set();
    seen.wait();
    subject.block_on(drops.seen());
    assert_eq!(drops.count(), 1);
}

/// C05: an item's panic comes back with its payload, after the rest was stopped, and the pool goes on.
pub fn c05_an_items_panic_comes_back_with_its_payload<R: BlockOn>(subject: &Subject<R>) {
    let (items, of_items): (Vec<_>, Vec<_>) = (0..100).map(|_| Probe::new()).unzip();
    let (captured, of_closure) = Probe::new();
    let items = items.into_iter().enumerate();
    let map = subject.pool().map(items, move |(number, item)| {
        let _captured = &captured;
        if number == 30 {
            std::panic::panic_any(number);
        }
        item
    });
    let Err(TaskError::Panicked(panic)) = subject.block_on(map.settle()) else { panic!("a panic is lost") };
    assert_eq!(panic.into_payload().downcast_ref(), Some(&30_usize));
    assert!(of_items.iter().all(|drops| drops.count() == 1));
    assert_eq!(of_closure.count(), 1);
    let text = panic_of(|| subject.block_on(subject.pool().map([1], |_| panic!("plainly awaited"))));
    assert_eq!(text, "plainly awaited");
    assert_eq!(subject.block_on(subject.pool().map([1], |i| i)), [1]);
}

/// C06: each item is run once, and what the closure captured is gone before the results can be seen.
pub fn c06_what_a_map_captured_is_gone_before_its_results<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [1, 2, 40] {
            for _ in 0..20 {
                let (captured, of_closure) = Probe::new();
                let (items, of_items): (Vec<_>, Vec<_>) = (0..size).map(|_| Probe::new()).unzip();
                let map = subject.pool().map(items, move |item| {
                    let _captured = &captured;
                    drop(item);
                });
                assert_eq!(map.await.len(), size);
                assert_eq!(of_closure.count(), 1);
                assert!(of_items.iter().all(|drops| drops.count() == 1));
            }
        }
    });
}

/// C07: items, results and closures that panic as they are dropped, and wakers that panic, take down no worker.
pub fn c07_a_maps_values_and_wakers_may_panic<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let bomb = Bomb;
    let mut map = busy.pool.map([Bomb, Bomb], move |item| {
        let _captured = &bomb;
        item
    });
    assert!(poll_once(&mut map).is_pending());
    drop(map);
    let mut map = busy.pool.map([1, 2], |i| i);
    assert!(poll_with(&mut map, &panicking_waker()).is_pending());
    busy.open();
    busy.pool.submit(|| ()).wait().expect("the pool goes on");
    assert_eq!(subject.block_on(map), [1, 2]);
    // Results that nobody takes, of a map that a panic stops.
    let map = subject.pool().map(0..100, |i| if i == 50 { std::panic::panic_any(i) } else { Bomb });
    assert!(matches!(subject.block_on(map.settle()), Err(TaskError::Panicked(_))));
    assert_eq!(subject.block_on(subject.pool().map([1], |i| i)), [1]);
}

/// C10: items that block have a thread each; C11 for the pool as a whole is the pool's.
pub fn c10_items_of_a_map_that_block_use_a_thread_each<R: BlockOn>(subject: &Subject<R>) {
    let barrier = Arc::new(std::sync::Barrier::new(8));
    let waiting = barrier.clone();
    let map = subject.pool().map(0..8, move |i| {
        waiting.wait();
        i
    });
    assert!(subject.block_on(map).into_iter().eq(0..8));
    // All in one chunk: neighbours do not wait for each other.
    let map = subject.pool().map(0..8, move |i| {
        barrier.wait();
        i
    });
    assert!(subject.block_on(map.chunk(8)).into_iter().eq(0..8));
}

/// C18: a map keeps no later call waiting for its end, on a single thread either.
pub fn c18_a_map_lets_others_have_their_turn<R: BlockOn>(subject: &Subject<R>) {
    let pool = subject.of_width(1).unwrap_or_else(|| subject.pool().clone());
    let over = Arc::new(Mutex::new(false));
    let stop = over.clone();
    // Its end is the call behind it: without a turn for that one, it would never come.
    let map = pool.map(std::iter::repeat_n((), 1_000_000), move |()| {
        std::thread::sleep(std::time::Duration::from_micros(50));
        assert!(!*stop.lock().expect("not poisoned"), "over");
    });
    let map = map.start();
    pool.submit(move || *over.lock().expect("not poisoned") = true).wait().expect("its turn came");
    assert!(matches!(subject.block_on(map.settle()), Err(TaskError::Panicked(_))));
}

/// C19: a run waits for the items of its maps that run, and begins no others once the map is gone.
pub fn c19_a_run_waits_for_the_items_that_run<R: BlockOn>(subject: &Subject<R>) {
    let runtime = subject.runtime().with_pool(subject.pool());
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let (probe, drops) = Probe::new();
    let pool = subject.pool().clone();
    runtime.run(async move {
        let _opens = gate;
        let map = pool.map([probe], move |probe| {
            starting.set();
            opened.wait();
            drop(probe);
        });
        let _map = map.start();
        started.seen().await;
    });
    assert_eq!(drops.count(), 1, "it has ended");
}

/// C34: items see the context of where their map began.
pub fn c34_items_see_the_context_of_their_maps_beginning<R: BlockOn>(subject: &Subject<R>) {
    let name = Some(subject.runtime().name());
    subject.block_on(async {
        let seen = subject.pool().map(0..200, |_| {
            std::thread::sleep(std::time::Duration::from_micros(20));
            (current().ok().map(|runtime| runtime.name()), from_thread::block_on(async { 1 }))
        });
        assert!(seen.await.into_iter().all(|seen| seen == (name, 1)));
    });
}
