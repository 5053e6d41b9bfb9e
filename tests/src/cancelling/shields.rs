//! C39: tasks that go on although who awaited them has gone.

use anyloop_core::{BlockOn, PoolExt, TaskError, from_thread, shield};

use crate::Subject;
use crate::tools::{SetOnDrop, Signal, panic_of, poll_once};

/// C39: a shield that is dropped, polled or not, cancels nothing: closures, queued or running, and futures end as ever.
pub fn c39_what_is_shielded_goes_on<R: BlockOn>(subject: &Subject<R>) {
    for polled in [false, true] {
        let give_up = |mut shielded: anyloop_core::Shield<()>| {
            if polled {
                assert!(poll_once(&mut shielded).is_pending());
            }
            drop(shielded);
        };
        let (busy, queued) = (subject.busy(), Signal::new());
        let ending = queued.clone();
        give_up(shield(busy.pool.submit(move || {
            assert!(!from_thread::is_cancelled());
            ending.set();
        })));
        busy.open();
        queued.wait();

        let (started, gate, ended) = (Signal::new(), SetOnDrop(Signal::new()), Signal::new());
        let (starting, opened, ending) = (started.clone(), gate.0.clone(), ended.clone());
        let task = subject.submit(move || {
            let _guard = from_thread::on_cancel(|| panic!("it was cancelled"));
            starting.set();
            opened.wait();
            if !from_thread::is_cancelled() {
                ending.set();
            }
        });
        started.wait();
        give_up(shield(task));
        gate.0.set();
        ended.wait();

        subject.block_on(async {
            let (gate, ended) = (Signal::new(), Signal::new());
            let (opened, ending) = (gate.clone(), ended.clone());
            give_up(shield(subject.runtime().spawn(async move {
                opened.seen().await;
                ending.set();
            })));
            gate.set();
            ended.seen().await;
        });
    }
}

/// C39: who gives up waiting may come back for the result.
pub fn c39_the_result_is_collected_later<R: BlockOn>(subject: &Subject<R>) {
    let runtime = subject.runtime();
    subject.block_on(async {
        let gate = SetOnDrop(Signal::new());
        let opened = gate.0.clone();
        let mut shielded = shield(subject.submit(move || {
            opened.wait();
            (42, from_thread::is_cancelled())
        }));
        for _ in 0..2 {
            assert!(runtime.timeout(std::time::Duration::from_millis(1), &mut shielded).await.is_err());
        }
        assert!(!shielded.is_finished());
        gate.0.set();
        assert_eq!((&mut shielded).await.expect("its value"), (42, false));
        assert!(shielded.is_finished());
        assert!(panic_of(|| drop(poll_once(&mut shielded))).contains("after it had ended"));
        assert!(panic_of(|| drop(shielded.into_task())).contains("none to give back"));
    });
}

/// C39: a task that was taken back is a task like any other.
pub fn c39_a_task_that_was_taken_back_can_be_cancelled<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let task = shield(busy.pool.submit(|| unreachable!("it was cancelled"))).into_task();
    assert!(matches!(subject.block_on(task.cancel()), Err(TaskError::Cancelled)));
    busy.open();
}
