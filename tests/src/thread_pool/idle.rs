//! C12 and C13: which threads are used, how many are started, and when they end.

use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyloop_core::{BlockOn, Call, PoolExt, ThreadPool, gather};

use crate::Subject;

/// Far more than any of it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the pool has become as it is to be.
fn eventually(what: &str, pool: &ThreadPool, mut holds: impl FnMut(&ThreadPool) -> bool) {
    let start = Instant::now();
    while !holds(pool) {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}: {:?}", pool.metrics());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Has the pool start so many threads.
fn fill<R: BlockOn>(subject: &Subject<R>, pool: &ThreadPool, threads: usize) {
    let barrier = Arc::new(Barrier::new(threads));
    let calls = (0..threads).map(|_| {
        let barrier = barrier.clone();
        Call::new(move || barrier.wait().is_leader()).on(pool)
    });
    assert_eq!(subject.block_on(gather(calls)).into_iter().filter(|leads| *leads).count(), 1);
}

/// C12: an idle thread is used before another is started, and of several the one that went idle last.
pub fn c12_the_last_to_go_idle_is_used_first<R: BlockOn>(subject: &Subject<R>) {
    let pool = ThreadPool::builder().max_threads(8).keep_alive(PATIENCE).build().expect("possible settings");
    fill(subject, &pool, 4);
    let mut used = HashSet::new();
    for _ in 0..50 {
        eventually("all are idle", &pool, |pool| pool.metrics().idle == 4);
        used.insert(subject.block_on(Call::new(|| thread::current().id()).on(&pool)));
    }
    assert_eq!((used.len(), pool.metrics().threads), (1, 4), "one thread would do");
}

/// C12: a thread that has been idle for `keep_alive` ends; `min_threads` stay.
pub fn c12_idle_threads_end_and_the_minimum_stays<R: BlockOn>(subject: &Subject<R>) {
    let keep_alive = Duration::from_millis(10);
    let pool = ThreadPool::builder().max_threads(6).min_threads(2).keep_alive(keep_alive).build();
    let pool = pool.expect("possible settings");
    fill(subject, &pool, 6);
    eventually("two are left", &pool, |pool| pool.metrics().threads == 2);
    thread::sleep(keep_alive * 5);
    assert_eq!(pool.metrics().threads, 2);
    assert_eq!(subject.block_on(pool.submit(|| 1)).expect("a value"), 1);
}

/// C13: a burst of short calls is for the threads that are there.
pub fn c13_short_calls_start_few_threads<R: BlockOn>(subject: &Subject<R>) {
    const CALLS: usize = 5_000;
    let pool = ThreadPool::new(512).expect("possible settings");
    let values = subject.block_on(gather((0..CALLS).map(|i| Call::new(move || i).on(&pool))));
    assert!(values.into_iter().eq(0..CALLS));
    // As many as there are cores, and a watcher; more only if the machine was too busy to tell short from slow.
    let started = pool.metrics().threads_started;
    assert!(started <= 128, "{started} threads for {CALLS} calls that do nothing");
}
