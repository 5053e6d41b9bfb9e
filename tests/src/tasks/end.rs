//! C02: every task ends, and says in what.

use std::sync::mpsc;
use std::thread;

use anyloop_core::{BlockOn, Call, PoolExt, Task, TaskError, ThreadPool};

use crate::Subject;
use crate::tools::{Seeded, Signal, panic_of_future, poll_once, yield_now};

/// C02: while the runtime is driven, every task ends in its value, futures and closures alike.
pub fn c02_every_task_ends_in_its_value<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let mut tasks = Vec::new();
        for number in 0..100 {
            tasks.push(subject.runtime().spawn(async move {
                yield_now().await;
                number
            }));
            tasks.push(subject.submit(move || number));
        }
        for (place, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.expect("a value"), place / 2);
        }
    });
}

/// C02: no wake is lost when tasks are awaited by other threads while they end: a bounded, seeded stress.
pub fn c02_no_wake_is_lost_between_threads<R: BlockOn>(subject: &Subject<R>) {
    const WAITERS: usize = 3;
    const TASKS: usize = 300;
    subject.block_on(async {
        let mut seeded = Seeded::new(2);
        let waiters: Vec<_> = (0..WAITERS)
            .map(|_| {
                let (tasks, handed_over) = mpsc::channel::<Task<usize>>();
                let done = Signal::new();
                let finished = done.clone();
                let thread = thread::spawn(move || {
                    let sum: usize = handed_over.iter().map(|task| task.wait().expect("a value")).sum();
                    finished.set();
                    sum
                });
                (tasks, done, thread)
            })
            .collect();
        for number in 0..TASKS {
            let yields = seeded.below(3);
            let task = if seeded.below(2) == 0 {
                subject.submit(move || number)
            } else {
                subject.runtime().spawn(async move {
                    for _ in 0..yields {
                        yield_now().await;
                    }
                    number
                })
            };
            waiters[seeded.below(WAITERS)].0.send(task).expect("the waiter listens");
            if yields == 0 {
                yield_now().await;
            }
        }
        let mut sum = 0;
        for (tasks, done, thread) in waiters {
            drop(tasks);
            // The runtime goes on meanwhile; joining here would keep it from it.
            done.seen().await;
            sum += thread.join().expect("the waiter ended");
        }
        assert_eq!(sum, TASKS * (TASKS - 1) / 2);
    });
}

/// C02: no wake is lost when a task changes its awaiter: the last one to poll is woken.
pub fn c02_the_last_awaiter_is_woken<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..20 {
            let gate = Signal::new();
            let (future_gate, closure_gate) = (gate.clone(), gate.clone());
            let mut spawned = subject.runtime().spawn(async move { future_gate.seen().await });
            let mut submitted = subject.submit(move || closure_gate.wait());
            assert!(poll_once(&mut spawned).is_pending());
            assert!(poll_once(&mut submitted).is_pending());
            let opener = thread::spawn(move || gate.set());
            spawned.await.expect("a value");
            submitted.await.expect("a value");
            opener.join().expect("the opener ended");
        }
    });
}

/// C02: a call awaited plainly goes on with the panic of its work, payload and all.
pub fn c02_a_call_resumes_its_panic<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let call = subject.call(|| -> u32 { panic!("the disk is full") });
        assert_eq!(panic_of_future(call).await, "the disk is full");
    });
}

/// C02: a call awaited plainly panics with the text of any other error; `settle()` gives the `Result`.
pub fn c02_a_call_panics_with_the_text_of_other_errors<R: BlockOn>(subject: &Subject<R>) {
    let closed = ThreadPool::new(1).expect("a pool");
    subject.block_on(async {
        closed.shutdown().await.expect("not inside a call");
        let text = panic_of_future(Call::new(|| 1).on(&closed)).await;
        assert!(text.contains(&TaskError::Shutdown.to_string()), "{text}");
        let settled = Call::new(|| 1).on(&closed).settle().await;
        assert!(matches!(settled, Err(TaskError::Shutdown)), "{settled:?}");
        assert!(matches!(closed.submit(|| 1).await, Err(TaskError::Shutdown)));
        let panicked = subject.call(|| -> u32 { panic!("the disk is full") }).settle().await;
        assert!(matches!(panicked, Err(TaskError::Panicked(panic)) if panic.message() == "the disk is full"));
        assert_eq!(subject.call(|| 7).settle().await.expect("a value"), 7);
    });
}

/// C02: a task, a call and a settled call that are polled again after their end panic, cleanly.
pub fn c02_polled_again_after_the_end_panics<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let mut spawned = subject.runtime().spawn(async { 1 });
        assert_eq!((&mut spawned).await.expect("a value"), 1);
        assert!(spawned.is_finished());
        assert!(panic_of_future(&mut spawned).await.contains("polled again"));
        let mut submitted = subject.submit(|| 1);
        assert_eq!((&mut submitted).await.expect("a value"), 1);
        assert!(submitted.is_finished());
        assert!(panic_of_future(&mut submitted).await.contains("polled again"));
        let mut call = subject.call(|| 1);
        assert_eq!((&mut call).await, 1);
        assert!(panic_of_future(&mut call).await.contains("polled again"));
    });
}
