//! C36: code that looks whether it was cancelled, or waits for it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use anyloop_core::from_thread::{self, checked};
use anyloop_core::{BlockOn, PoolExt, Runtime, Task, TaskError, race};

use crate::Subject;
use crate::tools::{SetOnDrop, Signal, panic_of, panicking_waker, poll_once, poll_with, yield_now};

/// Never blocks for ever in a test whose cancellation is lost: the watchdog is sooner.
const AGES: Duration = Duration::from_secs(100_000);

/// Runs `blocking` in a call, which says when it has begun, and cancels it.
fn cancelled<R: BlockOn, T: Send + 'static>(
    subject: &Subject<R>,
    blocking: impl FnOnce(&Signal) -> T + Send + 'static,
) -> T {
    let started = Signal::new();
    let starting = started.clone();
    subject.block_on(async {
        let task = subject.submit(move || blocking(&starting));
        started.seen().await;
        task.cancel().await.expect("it ran to its end")
    })
}

/// C36: `check_cancelled` is an error as soon as the call is cancelled, and one that std's read loops do not ignore.
pub fn c36_check_cancelled_is_an_error_of_the_call<R: BlockOn>(subject: &Subject<R>) {
    fn work(started: &Signal) -> io::Result<()> {
        from_thread::check_cancelled()?;
        started.set();
        loop {
            from_thread::check_cancelled()?;
            thread::yield_now();
        }
    }
    let error = cancelled(subject, work).expect_err("it was cancelled");
    assert!(error.kind() != io::ErrorKind::Interrupted, "std would try again");
    let inner = error.into_inner().expect("the error itself");
    assert!(inner.is::<from_thread::Cancelled>(), "{inner}");
    assert!(from_thread::check_cancelled().is_ok(), "outside a call");
}

/// C36: `cancelled()` wakes a call that waits in `from_thread::block_on`.
pub fn c36_cancelled_is_a_future_inside_block_on<R: BlockOn>(subject: &Subject<R>) {
    let inside = subject.runtime().clone();
    let first = cancelled(subject, move |started| {
        started.set();
        from_thread::block_on(race([
            Box::pin(async {
                from_thread::cancelled().await;
                "cancelled"
            }) as std::pin::Pin<Box<dyn Future<Output = &str>>>,
            Box::pin(async {
                inside.sleep(AGES).await;
                "slept"
            }),
        ]))
    });
    assert_eq!(first, (0, "cancelled"));
}

/// C36: it may be dropped and made anew, polled again when it was ready, and its waker may panic; outside a call it is never
/// ready.
pub fn c36_cancelled_can_be_dropped_and_made_anew<R: BlockOn>(subject: &Subject<R>) {
    let (started, gate) = (Signal::new(), SetOnDrop(Signal::new()));
    let (starting, opened) = (started.clone(), gate.0.clone());
    let task = subject.submit(move || {
        let mut early = from_thread::cancelled();
        assert!(poll_with(&mut early, Waker::noop()).is_pending());
        drop(early);
        let mut pending = from_thread::cancelled();
        assert!(poll_with(&mut pending, &panicking_waker()).is_pending());
        starting.set();
        opened.wait();
        for _ in 0..2 {
            assert!(poll_once(&mut pending).is_ready());
            assert!(poll_once(&mut from_thread::cancelled()).is_ready());
        }
    });
    started.wait();
    task.abort();
    gate.0.set();
    subject.block_on(task).expect("it ran to its end");
    assert!(poll_once(&mut from_thread::cancelled()).is_pending());
}

/// C36: a sleep of a call ends when the call is cancelled; otherwise it lasts as long as it should.
pub fn c36_a_sleep_ends_early<R: BlockOn>(subject: &Subject<R>) {
    let ended = cancelled(subject, |started| {
        started.set();
        let first = from_thread::sleep(AGES);
        (first, from_thread::sleep(AGES), from_thread::sleep(Duration::ZERO))
    });
    assert!(ended.0.is_err() && ended.1.is_err() && ended.2.is_err(), "{ended:?}");
    let slept = subject.submit(|| {
        let before = std::time::Instant::now();
        from_thread::sleep(Duration::from_millis(5)).expect("nobody cancels it");
        before.elapsed()
    });
    assert!(subject.block_on(slept).expect("a value") >= Duration::from_millis(5));
    from_thread::sleep(Duration::ZERO).expect("outside a call");
    let advice = subject.block_on(async { panic_of(|| from_thread::sleep(Duration::ZERO)) });
    assert!(advice.contains("from_thread::sleep()") && advice.contains(".await"), "{advice}");
}

/// C36: a checked reader, writer or iterator stops between two steps.
pub fn c36_what_is_checked_stops_between_two_steps<R: BlockOn>(subject: &Subject<R>) {
    let error = cancelled(subject, |started| {
        started.set();
        let copied = io::copy(&mut checked(io::repeat(1)), &mut io::sink());
        let written = io::copy(&mut io::repeat(1).take(1 << 20), &mut checked(io::sink()));
        let mut bytes = Vec::new();
        let read = checked(io::Cursor::new([1; 100])).read_to_end(&mut bytes);
        (copied.expect_err("endless"), written.is_err(), read.is_err(), bytes.len())
    });
    assert!(error.1 && error.2 && error.3 == 0, "{error:?}");
    let drawn = Arc::new(AtomicUsize::new(0));
    let drawing = drawn.clone();
    let (seen, rest) = cancelled(subject, move |started| {
        let mut numbers = checked((0_usize..).inspect(|&number| drawing.store(number, Ordering::SeqCst)));
        started.set();
        let seen = numbers.by_ref().take_while(Result::is_ok).count();
        (seen, numbers.next())
    });
    assert!(rest.is_none(), "the error is its last item");
    assert_eq!(seen.saturating_sub(1), drawn.load(Ordering::SeqCst), "nothing was drawn in vain");
}

/// C33: a call can start tasks on its runtime, which go on without it.
pub fn c33_a_call_can_spawn<R: BlockOn>(subject: &Subject<R>) {
    let name = subject.runtime().name();
    subject.block_on(async {
        let task: Task<Task<&str>> = subject.submit(|| {
            from_thread::spawn(async {
                yield_now().await;
                anyloop_core::current().expect("a runtime is current").name()
            })
        });
        let spawned = task.await.expect("a value");
        assert_eq!(spawned.await.expect("a value"), name);
        let inside = subject.submit(|| from_thread::block_on(from_thread::spawn(async { 42 })));
        assert_eq!(inside.await.expect("a value").expect("a value"), 42);
    });
}

/// C33: outside a call, and without a runtime, spawning panics with advice.
pub fn c33_to_spawn_outside_a_call_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    let outside = panic_of(|| from_thread::spawn(async {}));
    assert!(outside.contains("outside a wrapped call"), "{outside}");
    let pool = subject.pool().clone();
    // The suite may run in a process that has a default runtime.
    if anyloop_core::current().is_err() {
        let ended = thread::spawn(move || pool.submit(|| drop(from_thread::spawn(async {}))).wait());
        let Err(TaskError::Panicked(panic)) = ended.join().expect("no panic") else {
            panic!("there is no runtime")
        };
        assert!(panic.message().contains("under no runtime"), "{}", panic.message());
    }
}
