//! C02, C03, C36, C37: very many calls, half of them cancelled at any moment, in any way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use anyloop_core::{BlockOn, CancelToken, PoolExt, Task, TaskError, from_thread, gather};

use crate::Subject;
use crate::tools::{Seeded, poll_once, yield_now};

const CALLS: usize = 10_000;
/// So many are there at a time.
const BATCH: usize = 100;
/// The threads that are there to be lost.
const WIDTH: usize = 4;

/// Counted while it lives.
struct Live(Arc<AtomicUsize>);

impl Live {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call's number, its task, and the token that it was given.
type Started = (usize, Task<(usize, Live)>, CancelToken);

/// Of 10,000 calls of which half are cancelled, each ends in its value or as cancelled; hooks are called once at the most;
/// nothing that they captured or came to is left; and every thread of the pool is still there.
pub fn c03_a_storm_of_cancellations_leaves_nothing_behind<R: BlockOn>(subject: &Subject<R>) {
    let pool = subject.of_width(WIDTH).unwrap_or_else(|| subject.pool().clone());
    let (live, hooks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut random = Seeded::new(6);
    let mut cancelled = 0;
    subject.block_on(async {
        for _ in 0..CALLS / BATCH {
            let mut calls: Vec<Option<Started>> = Vec::new();
            for number in 0..BATCH {
                let (captured, counting, calling) = (Live::new(&live), live.clone(), hooks.clone());
                let steps = random.below(4);
                let work = move || {
                    let _captured = captured;
                    let _guard = (steps > 0).then(|| {
                        from_thread::on_cancel(move || {
                            calling.fetch_add(1, Ordering::SeqCst);
                        })
                    });
                    for _ in 1..steps {
                        if from_thread::check_cancelled().is_err() {
                            break;
                        }
                        std::thread::yield_now();
                    }
                    (number, Live::new(&counting))
                };
                let token = CancelToken::new();
                let task = subject.call(work).on(&pool).with_token(&token).start();
                calls.push(Some((number, task, token)));
            }
            for place in random.shuffled(BATCH) {
                let Some((number, mut task, token)) = calls[place].take() else { continue };
                if random.below(10) == 0 {
                    yield_now().await;
                }
                let is_cancelled = number % 2 == 0;
                cancelled += usize::from(is_cancelled);
                let ended = match random.below(7) {
                    _ if !is_cancelled => task.await,
                    0 => {
                        drop(task);
                        continue;
                    }
                    1 => {
                        drop(poll_once(&mut task));
                        continue;
                    }
                    2 => {
                        task.detach();
                        token.cancel();
                        continue;
                    }
                    3 => {
                        token.cancel();
                        task.await
                    }
                    4 => {
                        task.abort();
                        task.await
                    }
                    5 => task.cancel().await,
                    _ => task.timeout(Duration::ZERO).await,
                };
                match ended {
                    Ok((value, _)) => assert_eq!(value, number),
                    Err(TaskError::Cancelled | TaskError::TimedOut) if is_cancelled => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!(cancelled, CALLS / 2);
        while live.load(Ordering::SeqCst) > 0 {
            yield_now().await;
        }
        assert!(hooks.load(Ordering::SeqCst) <= cancelled);
        // Each waits for all the others, which takes a thread for each.
        let together = Arc::new(Barrier::new(WIDTH));
        let calls = (0..WIDTH).map(|number| {
            let together = together.clone();
            pool.submit(move || {
                together.wait();
                number
            })
        });
        let values: Vec<_> = gather(calls).await.into_iter().map(|ended| ended.expect("a value")).collect();
        assert_eq!(values, [0, 1, 2, 3]);
    });
}
