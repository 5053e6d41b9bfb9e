//! C04: `abort` and `cancel`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};
use std::thread;

use anyloop_core::{BlockOn, PoolExt, Task, TaskError, from_thread};

use crate::Subject;
use crate::tools::{Probe, Signal, poll_once, poll_with, yield_now};

/// C04: `abort()` works from sync code, any number of times: a queued closure ends in `Cancelled`, a
/// future too.
pub fn c04_abort_can_be_repeated_from_sync_code<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let (probe, drops) = Probe::new();
    let queued = busy.pool.submit(move || drop(probe));
    queued.abort();
    queued.abort();
    assert_eq!((drops.count(), drops.was_here()), (1, true), "the canceller drops it");
    assert!(queued.is_finished());
    assert!(matches!(queued.wait(), Err(TaskError::Cancelled)));
    let spawned = subject.runtime().spawn(std::future::pending::<()>());
    spawned.abort();
    spawned.abort();
    subject.block_on(async {
        assert!(matches!(spawned.await, Err(TaskError::Cancelled)));
    });
}

/// C04: `abort()` wakes whoever awaits the task.
pub fn c04_abort_wakes_the_awaiter<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let busy = subject.busy();
        let mut queued = busy.pool.submit(|| ());
        let mut spawned = subject.runtime().spawn(std::future::pending::<()>());
        // The drop of the join is the only use of the tasks that `abort` needs.
        std::future::poll_fn(|cx| {
            let first = std::pin::Pin::new(&mut queued).poll(cx).is_pending();
            assert!(first && std::pin::Pin::new(&mut spawned).poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        thread::scope(|scope| {
            scope.spawn(|| queued.abort());
            scope.spawn(|| spawned.abort());
        });
        assert!(matches!(queued.await, Err(TaskError::Cancelled)));
        assert!(matches!(spawned.await, Err(TaskError::Cancelled)));
    });
}

/// C04: what has ended in a value keeps it, whoever aborts it afterwards.
pub fn c04_abort_comes_too_late_for_what_has_ended<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..50 {
            for task in [subject.submit(|| 5), subject.runtime().spawn(async { 5 })] {
                while !task.is_finished() {
                    yield_now().await;
                }
                task.abort();
                let ended = task.await;
                assert!(matches!(ended, Ok(5)), "finished, aborted, and then {ended:?}");
            }
        }
    });
}

/// C04: `is_finished()` tells of an abort without anybody polling the task.
pub fn c04_an_aborted_task_is_finished_once_it_has_stopped<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (probe, drops) = Probe::new();
        let task = subject.runtime().spawn(async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        task.abort();
        drops.seen().await;
        while !task.is_finished() {
            yield_now().await;
        }
        assert!(matches!(task.await, Err(TaskError::Cancelled)));
    });
}

/// C04: an abort is not lost when another thread asks `is_finished()` at the same moment.
pub fn c04_an_abort_counts_while_somebody_asks_for_the_state<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for _ in 0..60 {
            let task = subject.runtime().spawn(std::future::pending::<()>());
            let stop = Arc::new(AtomicBool::new(false));
            thread::scope(|scope| {
                let asked = Signal::new();
                let (asking, task, stopped) = (asked.clone(), &task, stop.clone());
                scope.spawn(move || {
                    while !stopped.load(Ordering::SeqCst) {
                        for _ in 0..50 {
                            let _ = task.is_finished();
                        }
                        asking.set();
                    }
                });
                asked.wait();
                task.abort();
                stop.store(true, Ordering::SeqCst);
            });
            assert!(matches!(task.await, Err(TaskError::Cancelled)));
        }
    });
}

/// C04, C28: whoever `abort()` wakes may look at the task, there and then.
pub fn c04_who_is_woken_by_an_abort_may_look_at_the_task<R: BlockOn>(subject: &Subject<R>) {
    #[derive(Default)]
    struct Looks(OnceLock<Task<()>>, Signal);
    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            if let Some(task) = self.0.get() {
                // Either answer is right: what counts is that there is one.
                let _ = (task.is_finished(), task.abort());
                self.1.set();
            }
        }
    }
    subject.block_on(async {
        let busy = subject.busy();
        for number in 0..60 {
            let mut task = match number % 2 {
                0 => busy.pool.submit(|| ()),
                _ => subject.runtime().spawn(std::future::pending()),
            };
            let looks = Arc::new(Looks::default());
            assert!(poll_with(&mut task, &Waker::from(looks.clone())).is_pending());
            assert!(looks.0.set(task).is_ok());
            let task = looks.0.get().expect("just set");
            task.abort();
            looks.1.seen().await;
            while !task.is_finished() {
                yield_now().await;
            }
        }
    });
}

/// C04: `cancel().await` returns once a running closure has stopped, with what it ended in.
pub fn c04_cancel_waits_for_a_running_closure<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (started, ended) = (Signal::new(), Arc::new(AtomicBool::new(false)));
        let (starting, ending) = (started.clone(), ended.clone());
        let task = subject.submit(move || {
            starting.set();
            while !from_thread::is_cancelled() {
                thread::yield_now();
            }
            ending.store(true, Ordering::SeqCst);
            "stopped early"
        });
        started.seen().await;
        assert_eq!(task.cancel().await.expect("its value"), "stopped early");
        assert!(ended.load(Ordering::SeqCst));
    });
}

/// C04: `cancel()` cancels at once, and returns once a future has been dropped.
pub fn c04_cancel_waits_until_a_future_is_dropped<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (probe, drops) = Probe::new();
        let task = subject.runtime().spawn(async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        assert!(matches!(task.cancel().await, Err(TaskError::Cancelled)));
        assert_eq!(drops.count(), 1);
        let (probe, drops) = Probe::new();
        let task = subject.runtime().spawn(async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        });
        // Not awaited: the cancelling has begun all the same.
        drop(task.cancel());
        drops.seen().await;
    });
}

/// C04: `cancel().await` gives a value that was there already, and a panic that came first.
pub fn c04_cancel_gives_what_came_first<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let busy = subject.busy();
        let queued = busy.pool.submit(|| 1).cancel().await;
        assert!(matches!(queued, Err(TaskError::Cancelled)));
        let task = subject.submit(|| 2);
        while !task.is_finished() {
            yield_now().await;
        }
        assert_eq!(task.cancel().await.expect("its value"), 2);
        let mut task = subject.submit(|| -> u32 { panic!("before the cancel") });
        while !task.is_finished() {
            yield_now().await;
        }
        task.abort();
        let std::task::Poll::Ready(Err(TaskError::Panicked(panic))) = poll_once(&mut task) else {
            panic!("the panic came first");
        };
        assert_eq!(panic.message(), "before the cancel");
    });
}
