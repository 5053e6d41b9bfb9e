//! A pool under random submits, cancels, panics and drops from several threads: every task ends as the
//! contract says, and every closure is dropped exactly once. A failure prints the seed that repeats the
//! choices; `ANYLOOP_TEST_SEED` sets it.

mod support;

use std::hint;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyloop_core::{PoolExt, Task, TaskError, ThreadPool, from_thread};
use support::choices::{Choices, seed};
use support::{Counted, Counts};

fn work(counted: &Counted, kind: u64, number: u64) -> u64 {
    counted.run(());
    match kind {
        0 => thread::sleep(Duration::from_micros(200)),
        1 => std::panic::resume_unwind(Box::new(number)),
        2 => while_not_cancelled(),
        _ => {
            hint::black_box(number);
        }
    }
    number
}

/// At most a moment: nobody may have cancelled it.
fn while_not_cancelled() {
    for _ in 0..1_000 {
        if from_thread::is_cancelled() {
            return;
        }
        hint::spin_loop();
    }
}

fn user(pool: &ThreadPool, counts: &Arc<Counts>, seed: u64) {
    let mut choices = Choices::new(seed);
    let mut held: Vec<(u64, u64, Task<u64>)> = Vec::new();
    for number in 0..2_000 {
        let kind = choices.below(40);
        let counted = Counted::new(counts);
        let task = pool.submit(move || work(&counted, kind, number));
        match choices.below(8) {
            0 => drop(task),
            1 => task.detach(),
            2 => check(kind, number, true, pollster::block_on(task.cancel())),
            3 => {
                task.abort();
                check(kind, number, true, task.wait());
            }
            4 => check(kind, number, false, task.wait()),
            _ => held.push((kind, number, task)),
        }
        if choices.below(100) == 0 {
            held.drain(..).for_each(|(kind, number, task)| check(kind, number, false, task.wait()));
        }
    }
    held.into_iter().for_each(|(kind, number, task)| check(kind, number, false, task.wait()));
}

/// The reference: what a task of this kind may end in.
fn check(kind: u64, number: u64, cancelled: bool, ended: Result<u64, TaskError>) {
    match ended {
        Ok(value) => assert!(value == number && kind != 1, "kind {kind} gave {value}, not {number}"),
        Err(TaskError::Panicked(panic)) => {
            assert_eq!(kind, 1);
            assert_eq!(panic.into_payload().downcast_ref(), Some(&number));
        }
        Err(TaskError::Cancelled) => assert!(cancelled, "nobody cancelled {number}"),
        Err(error) => panic!("{number} ended in: {error}"),
    }
}

#[test]
fn whatever_is_done_to_it_every_task_ends_and_every_closure_is_dropped_once() {
    let seed = seed();
    println!("ANYLOOP_TEST_SEED={seed}");
    for max_threads in [1, 2, 3, 64] {
        let counts = Counts::new();
        let pool = ThreadPool::builder()
            .max_threads(max_threads)
            // Short, so that threads come and go during the test.
            .keep_alive(Duration::from_millis(1))
            .build()
            .unwrap();
        thread::scope(|scope| {
            for number in 1..=4 {
                let (pool, counts) = (&pool, &counts);
                scope.spawn(move || user(pool, counts, seed.wrapping_mul(number).wrapping_add(1)));
            }
        });
        // Detached calls may be queued still; a shutdown runs them.
        pollster::block_on(pool.shutdown()).unwrap();
        let made = counts.made();
        assert_eq!(made, 4 * 2_000);
        assert_eq!(counts.dropped(), made, "each closure is dropped exactly once");
        assert!(counts.ran() <= made, "none runs twice");
        let metrics = pool.metrics();
        assert_eq!((metrics.threads, metrics.idle, metrics.queued), (0, 0, 0));
    }
}
