//! Calls that other calls submit and wait for (C17): which of them go first, and that nobody is kept out by them.

mod support;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyloop_core::{PoolExt, TaskError, ThreadPool};
use support::ended_within;

/// Branches that all wait are more than there are threads, and each leaf would let one of them end.
#[test]
fn a_tree_of_calls_ends_with_few_threads() {
    fn grow(pool: &ThreadPool, branches: usize, depth: usize) -> Result<usize, TaskError> {
        if depth == 0 {
            return Ok(1);
        }
        let children: Vec<_> = (0..branches)
            .map(|_| {
                let inner = pool.clone();
                pool.submit(move || grow(&inner, branches, depth - 1))
            })
            .collect();
        children.into_iter().map(|child| child.wait()?).sum()
    }
    for (max_threads, branches, depth) in [(1, 3, 2), (1, 5, 4), (2, 5, 3), (4, 9, 2)] {
        let pool = ThreadPool::new(max_threads).unwrap();
        let inner = pool.clone();
        let leaves = pool.submit(move || grow(&inner, branches, depth)).wait().and_then(|ended| ended);
        assert_eq!(leaves.unwrap(), branches.pow(u32::try_from(depth).unwrap()));
    }
}

/// A view's calls make more for each that ends, and the other view's first one has its turn among them.
#[test]
fn inner_calls_of_views_have_turns() {
    let pool = ThreadPool::new(2).unwrap();
    let (greedy, modest) = (pool.limit(8), pool.limit(8));
    let over = Arc::new(AtomicBool::new(false));
    let goes_on = {
        let (view, over) = (greedy.clone(), over.clone());
        greedy.submit(move || {
            let submit = || view.submit(|| thread::sleep(Duration::from_millis(1)));
            let mut tasks: VecDeque<_> = (0..16).map(|_| submit()).collect();
            while let Some(task) = tasks.pop_front() {
                task.wait().unwrap();
                if !over.load(Ordering::Relaxed) {
                    tasks.push_back(submit());
                }
            }
        })
    };
    thread::sleep(Duration::from_millis(20));
    let view = modest.clone();
    let ended =
        ended_within(Duration::from_secs(10), modest.submit(move || view.submit(|| 1).wait().unwrap()));
    over.store(true, Ordering::Relaxed);
    goes_on.wait().unwrap();
    assert_eq!(ended.unwrap().unwrap(), 1);
}

/// What a call has submitted and nobody waits for goes before nobody, although another call has lent its place.
#[test]
fn a_call_that_submits_itself_again_keeps_nobody_out() {
    fn tick(pool: &ThreadPool, over: &Arc<AtomicBool>) {
        thread::sleep(Duration::from_millis(1));
        if !over.load(Ordering::Relaxed) {
            let (inner, over) = (pool.clone(), over.clone());
            pool.submit(move || tick(&inner, &over)).detach();
        }
    }
    let pool = ThreadPool::new(1).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let gate = support::block(&pool);
    let (inner, until) = (pool.clone(), over.clone());
    let awaited = pool.submit(|| 1);
    let waits = pool.limit(1).submit(move || {
        tick(&inner, &until);
        awaited.wait().unwrap()
    });
    let outsider = pool.submit(|| 2);
    drop(gate);
    let ended = [waits, outsider].map(|call| ended_within(Duration::from_secs(10), call));
    over.store(true, Ordering::Relaxed);
    assert_eq!(ended.map(|ended| ended.unwrap().unwrap()), [1, 2]);
}
