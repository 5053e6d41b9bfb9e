//! C38: calls and tasks with a deadline.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyloop_core::{BlockOn, Call, PoolExt, TaskError, from_thread};

use crate::Subject;
use crate::tools::{Bomb, Probe, SetOnDrop, Signal, poll_once};

/// Comes at once, for all that a test waits.
const SOON: Duration = Duration::from_millis(5);
/// Never comes: the watchdog is sooner.
const HOUR: Duration = Duration::from_secs(3600);

/// Tries with longer and longer deadlines until the call has begun before it: the machine may be busy.
fn begun_in_time<T>(mut attempt: impl FnMut(Duration) -> Option<T>) -> T {
    let mut durations = std::iter::successors(Some(SOON), |duration| Some(*duration * 2));
    durations.find_map(&mut attempt).expect("the durations have no end")
}

/// C38: what ends in time gives its value, its panic or its error; a deadline beyond all time is none.
pub fn c38_a_call_in_time_gives_its_value<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for duration in [HOUR, Duration::MAX] {
            assert_eq!(subject.call(|| 42).timeout(duration).await.expect("in time"), 42);
            let task = subject.submit(|| 43).timeout(duration);
            assert_eq!(task.await.expect("in time"), 43);
            let panicked = subject.call(|| panic!("too early")).timeout(duration).await;
            assert!(matches!(panicked, Err(TaskError::Panicked(panic)) if panic.message() == "too early"));
        }
        assert_eq!(subject.runtime().spawn(async { 44 }).timeout(HOUR).await.expect("in time"), 44);
    });
}

/// C38: a call that runs when its deadline comes is given up at once; it sees that, its hooks are called, and what it comes
/// to is dropped.
pub fn c38_a_call_that_runs_too_long_is_aborted<R: BlockOn>(subject: &Subject<R>) {
    let seen = begun_in_time(|duration| {
        let (probe, drops) = Probe::new();
        let (seen, seeing) = mpsc::channel();
        let gate = SetOnDrop(Signal::new());
        let opened = gate.0.clone();
        let work = move || {
            let begun = seen.clone();
            let (sender, receiver) = mpsc::channel();
            let _keep = sender.clone();
            let _guard = from_thread::on_cancel(move || sender.send(()).expect("it is received"));
            let _ = begun.send(None);
            receiver.recv().expect("a sender is kept");
            let error = from_thread::check_cancelled().expect_err("the deadline has come");
            opened.wait();
            let slept = from_thread::sleep(HOUR);
            let _ = seen.send(Some((error.is_timeout(), io::Error::from(error).kind(), slept.is_err())));
            (probe, Bomb)
        };
        let ended = subject.block_on(subject.call(work).timeout(duration));
        assert!(matches!(ended, Err(TaskError::TimedOut)), "it ends although the closure runs");
        seeing.recv().ok()?;
        assert_eq!(drops.count(), 0);
        gate.0.set();
        let seen = seeing.recv().expect("it ran on");
        subject.block_on(drops.seen());
        seen
    });
    assert_eq!(seen, (true, io::ErrorKind::TimedOut, true));
}

/// C38: queued when its deadline comes, a call is dropped there and then and never runs.
pub fn c38_a_call_whose_deadline_passes_in_the_queue_never_runs<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let (probe, drops) = Probe::new();
    let call = subject.call(move || drop(probe)).on(&busy.pool).timeout(SOON);
    assert!(matches!(subject.block_on(call), Err(TaskError::TimedOut)));
    assert_eq!(drops.count(), 1);
    let (probe, drops) = Probe::new();
    let task = busy.pool.submit(move || drop(probe));
    let ended = subject.block_on(async { task.timeout(SOON).await });
    assert!(matches!(ended, Err(TaskError::TimedOut)));
    assert_eq!(drops.count(), 1);
    // None is left: it does not even begin.
    let (probe, drops) = Probe::new();
    let call = subject.call(move || drop(probe)).on(&busy.pool).timeout(Duration::ZERO);
    assert!(matches!(subject.block_on(call), Err(TaskError::TimedOut)));
    assert_eq!(drops.count(), 1);
    busy.open();
}

/// C38: nor does one whose deadline has passed in the queue while nobody looked at the clock.
pub fn c38_an_overdue_call_is_not_begun<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let (probe, drops) = Probe::new();
    let runtime = subject.runtime();
    let mut call = Box::pin(subject.call(move || drop(probe)).on(&busy.pool).timeout(SOON));
    let polled = {
        let _current = runtime.enter();
        poll_once(&mut call)
    };
    assert!(polled.is_pending());
    let due = Instant::now() + SOON * 2;
    while Instant::now() < due {
        thread::yield_now();
    }
    assert_eq!(drops.count(), 0, "nobody has looked");
    busy.open();
    let ended = subject.block_on(async {
        drops.seen().await;
        call.await
    });
    assert!(matches!(ended, Err(TaskError::TimedOut)), "{ended:?}");
}

/// C38: a task that is awaited has its time limit too, whatever it is a task of.
pub fn c38_a_task_has_a_time_limit<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let never = Signal::new();
        let waiting = never.clone();
        let (probe, drops) = Probe::new();
        let future = subject.runtime().spawn(async move {
            let _probe = probe;
            waiting.seen().await;
        });
        assert!(matches!(future.timeout(SOON).await, Err(TaskError::TimedOut)));
        drops.seen().await;
        let (started, ended, ending) = (Signal::new(), Signal::new(), Signal::new());
        let (starting, seen, gate) = (started.clone(), ended.clone(), ending.clone());
        let task = subject.submit(move || {
            starting.set();
            gate.wait();
            if from_thread::is_cancelled() {
                seen.set();
            }
        });
        started.seen().await;
        assert!(matches!(task.timeout(SOON).await, Err(TaskError::TimedOut)));
        ending.set();
        ended.seen().await;
    });
}

/// C38: a call sees its deadline, in async that it goes back into as well, but not in a task that it spawns.
pub fn c38_the_deadline_is_seen_inside<R: BlockOn>(subject: &Subject<R>) {
    assert!(from_thread::deadline().is_none(), "outside a call");
    subject.block_on(async {
        let runtime = subject.runtime().clone();
        assert_eq!(subject.call(from_thread::deadline).await, None);
        let before = runtime.now();
        let work = || {
            let spawned = from_thread::spawn(Call::new(from_thread::deadline).settle());
            let spawned = from_thread::block_on(spawned).expect("a value").expect("a value");
            let inside = from_thread::block_on(async { from_thread::deadline() });
            (from_thread::deadline(), inside, spawned, from_thread::is_cancelled())
        };
        let seen = subject.call(work).timeout(HOUR).await.expect("in time");
        let after = runtime.now();
        let deadline = seen.0.expect("it has one");
        assert!(before + HOUR <= deadline && deadline <= after + HOUR);
        assert_eq!(seen, (Some(deadline), Some(deadline), None, false));
        assert_eq!(subject.call(from_thread::deadline).await, None, "nothing is left behind");
    });
}

/// C38: a call that is made inside a call has no later deadline than that one, and may have an earlier one.
pub fn c38_nested_deadlines_take_the_earliest<R: BlockOn>(subject: &Subject<R>) {
    let inner = subject.clone();
    let work = move || {
        let outer = from_thread::deadline().expect("it has one");
        let plain = inner.pool().submit(from_thread::deadline).wait().expect("a value");
        let later = inner.call(from_thread::deadline).timeout(HOUR * 2);
        let later = from_thread::block_on(later).expect("in time");
        let earlier = inner.call(from_thread::deadline).timeout(HOUR / 2);
        let earlier = from_thread::block_on(earlier).expect("in time").expect("it has one");
        (plain == Some(outer), later == Some(outer), earlier < outer)
    };
    let seen = subject.block_on(subject.call(work).timeout(HOUR)).expect("in time");
    assert_eq!(seen, (true, true, true));

    // When the outer one has come, a call inside it does not begin, and one that runs inside it sees it.
    let told = begun_in_time(|duration| {
        let inner = subject.clone();
        let (told, tell) = mpsc::channel();
        let gate = SetOnDrop(Signal::new());
        let opened = gate.0.clone();
        let work = move || {
            let nested = inner.pool().submit(|| {
                while !from_thread::is_cancelled() {
                    thread::yield_now();
                }
                from_thread::check_cancelled().expect_err("cancelled").is_timeout()
            });
            let seen = nested.wait();
            let (probe, drops) = Probe::new();
            let late = inner.pool().submit(move || drop(probe)).wait();
            let later = from_thread::block_on(inner.call(|| ()).timeout(HOUR));
            let _ = told.send((seen, late, later, drops.count()));
            // An end at the very deadline would count.
            opened.wait();
        };
        let ended = subject.block_on(subject.call(work).timeout(duration));
        assert!(matches!(ended, Err(TaskError::TimedOut)));
        // The nested call, too, may not have begun in time.
        tell.recv().ok().filter(|(seen, ..)| seen.is_ok())
    });
    assert!(matches!(told, (Ok(true), Err(TaskError::TimedOut), Err(TaskError::TimedOut), 1)), "{told:?}");
}

/// C38: where no runtime is current there is nobody to keep the time, which is said.
pub fn c38_a_deadline_without_a_runtime_is_an_error<R: BlockOn>(subject: &Subject<R>) {
    if anyloop_core::current().is_ok() {
        // The process has a default runtime.
        return;
    }
    let (probe, drops) = Probe::new();
    let mut call = Box::pin(subject.call(move || drop(probe)).timeout(HOUR));
    let std::task::Poll::Ready(Err(error)) = poll_once(&mut call) else { panic!("there is no runtime") };
    assert!(matches!(error, TaskError::NoRuntime(_)) && error.to_string().contains("timer"), "{error}");
    assert_eq!(drops.count(), 1, "it did not run");
    let busy = subject.busy();
    let mut task = busy.pool.submit(|| unreachable!("it was aborted")).timeout(HOUR);
    let std::task::Poll::Ready(Err::<(), _>(error)) = poll_once(&mut task) else { panic!("no runtime") };
    assert!(matches!(error, TaskError::NoRuntime(_)), "{error}");
    busy.open();
}

/// C38, C03: dropping the future cancels the call as it does without a deadline.
pub fn c38_dropping_a_call_with_a_deadline_cancels_it<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let (probe, drops) = Probe::new();
    let mut call = Box::pin(subject.call(move || drop(probe)).on(&busy.pool).timeout(HOUR));
    subject.block_on(async { assert!(poll_once(&mut call).is_pending()) });
    drop(call);
    assert_eq!((drops.count(), drops.was_here()), (1, true));
    busy.open();
}
