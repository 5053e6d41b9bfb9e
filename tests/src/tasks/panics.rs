//! C05: panics of what runs.

use std::hint::black_box;
use std::panic::panic_any;

use anyloop_core::{BlockOn, Panic, PoolExt, Task, TaskError};

use crate::Subject;
use crate::tools::{Signal, yield_now};

/// More than any runtime or pool here has threads that drive futures, so that none would be left.
pub(super) const MANY: usize = 48;

pub(super) async fn panic_of_task<T>(task: Task<T>) -> Panic {
    match task.await {
        Err(TaskError::Panicked(panic)) => panic,
        Err(error) => panic!("ended in another error: {error}"),
        Ok(_) => panic!("ended in a value"),
    }
}

/// Whether everything still works: as many futures and closures as there may be threads.
pub(super) async fn all_is_well<R: BlockOn>(subject: &Subject<R>) {
    let futures: Vec<_> = (0..MANY).map(|number| subject.runtime().spawn(async move { number })).collect();
    let closures: Vec<_> = (0..MANY).map(|number| subject.submit(move || number)).collect();
    for (number, (future, closure)) in futures.into_iter().zip(closures).enumerate() {
        assert_eq!(future.await.expect("the runtime lives on"), number);
        assert_eq!(closure.await.expect("the pool lives on"), number);
    }
}

/// C05: a panic comes back with its payload: a text, a formatted text, or anything else.
pub fn c05_a_panic_comes_back_with_its_payload<R: BlockOn>(subject: &Subject<R>) {
    fn texts() -> [fn(); 3] {
        [|| panic!("a text"), || panic!("a number: {}", black_box(7)), || panic_any(7_u64)]
    }
    let check = |number: usize, panic: Panic| {
        let messages = ["a text", "a number: 7", "a panic whose payload is not a string"];
        assert_eq!(panic.message(), messages[number]);
        let payload = panic.into_payload();
        match number {
            0 => assert_eq!(payload.downcast_ref::<&str>(), Some(&"a text")),
            1 => assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("a number: 7")),
            _ => assert_eq!(payload.downcast_ref::<u64>(), Some(&7)),
        }
    };
    subject.block_on(async {
        for (number, f) in texts().into_iter().enumerate() {
            check(number, panic_of_task(subject.submit(f)).await);
            check(number, panic_of_task(subject.runtime().spawn(async move { f() })).await);
            let late = subject.runtime().spawn(async move {
                yield_now().await;
                f();
            });
            check(number, panic_of_task(late).await);
            let Err(TaskError::Panicked(panic)) = subject.call(f).settle().await else {
                panic!("the call did not end in its panic");
            };
            check(number, panic);
        }
    });
}

/// C05: nobody else notices a panic, and the workers live on.
pub fn c05_nobody_else_notices_a_panic<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let gate = Signal::new();
        let (future_gate, closure_gate) = (gate.clone(), gate.clone());
        let bystanders = [
            subject.runtime().spawn(async move {
                future_gate.seen().await;
                "undisturbed"
            }),
            subject.submit(move || {
                closure_gate.wait();
                "undisturbed"
            }),
        ];
        for _ in 0..MANY {
            panic_of_task(subject.submit(|| panic!("a closure's"))).await;
            panic_of_task(subject.runtime().spawn(async { panic!("a future's") })).await;
        }
        subject.submit(|| panic!("a detached closure's")).detach();
        subject.runtime().spawn(async { panic!("a detached future's") }).detach();
        all_is_well(subject).await;
        gate.set();
        for bystander in bystanders {
            assert_eq!(bystander.await.expect("a value"), "undisturbed");
        }
    });
}

/// C05: on a pool of one thread, that thread survives what panics on it.
pub fn c05_the_only_worker_survives<R: BlockOn>(subject: &Subject<R>) {
    let Some(pool) = subject.of_width(1) else {
        // The pool under test stands in: it must go on taking work, at least.
        return subject.block_on(all_is_well(subject));
    };
    let here = || std::thread::current().id();
    let before = pool.submit(here).wait().expect("a value");
    let panicked = pool.submit(|| panic!("on the only thread")).wait();
    assert!(matches!(panicked, Err(TaskError::Panicked(_))));
    let after = pool.submit(here).wait().expect("a value");
    if !subject.is_native() {
        assert_eq!(before, after, "the same thread");
    }
}
