//! `InlinePool`: each job where it is submitted.

use std::task::{Context, Poll, Waker};
use std::thread;

use anyloop_core::{Call, InlinePool, Pool, PoolExt, TaskError, ThreadPool, from_thread, gather};

#[test]
fn a_job_has_run_when_submit_returns() {
    let here = thread::current().id();
    let task = InlinePool.submit(|| thread::current().id());
    assert!(task.is_finished());
    assert_eq!(task.wait().unwrap(), here);
    let inner = InlinePool.submit(|| InlinePool.submit(|| 1).wait().unwrap() + 1);
    assert_eq!(inner.wait().unwrap(), 2);
    assert_eq!(InlinePool.max_threads(), None);
}

#[test]
fn calls_run_in_the_order_of_their_polls() {
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let calls = (0..40).map(|number| {
        let order = order.clone();
        Call::new(move || order.lock().unwrap().push(number)).on(&InlinePool)
    });
    let calls: Vec<_> = calls.collect();
    pollster::block_on(gather(calls).into_future());
    assert_eq!(*order.lock().unwrap(), (0..40).collect::<Vec<_>>());
}

#[test]
fn a_panic_stays_in_its_task() {
    let task = InlinePool.submit(|| panic!("out of range"));
    assert!(matches!(task.wait(), Err(TaskError::Panicked(panic)) if panic.message() == "out of range"));
}

#[test]
fn it_can_be_limited_and_its_calls_can_wait() {
    let view = InlinePool.limit(1);
    assert_eq!(view.submit(|| 1).wait().unwrap(), 1);
    let pool = ThreadPool::new(1).unwrap();
    // Not in a poll, so that nothing is blocked that others need.
    let waited = InlinePool.submit(move || from_thread::block_on(pool.submit(|| 7)).unwrap());
    assert_eq!(waited.wait().unwrap(), 7);
}

/// C08: in a poll that anyloop drives, a call that runs there must not block either.
#[test]
fn inside_a_poll_its_calls_must_not_block() {
    let pool = ThreadPool::new(1).unwrap();
    let call = pool.submit(|| {
        from_thread::block_on(async {
            let mut inner = Call::new(|| from_thread::block_on(async {})).on(&InlinePool).settle();
            let mut context = Context::from_waker(Waker::noop());
            match std::pin::Pin::new(&mut inner).poll(&mut context) {
                Poll::Ready(Err(TaskError::Panicked(panic))) => panic.message().to_owned(),
                other => panic!("{other:?}"),
            }
        })
    });
    let text = call.wait().unwrap();
    assert!(text.contains("would block the runtime"), "{text}");
}
