//! What a pool tells: metrics, stall reports, warnings.

mod support;

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use anyloop_core::{Actor, BuildError, Call, PoolExt, StallReport, ThreadPool, Warning, on_warning};
use support::{PATIENCE, block, eventually};

#[test]
fn calls_are_counted_by_what_became_of_them() {
    let pool = ThreadPool::builder().max_threads(1).queue_limit(3).build().unwrap();
    let release = block(&pool);
    let aborted = pool.submit(|| ());
    aborted.abort();
    drop(pool.submit(|| ()));
    let panicking = pool.submit(|| panic!("this is expected"));
    // The two that were cancelled have left their room.
    let fits: Vec<_> =
        (0..2).map(|_| pool.try_submit(|| ()).map_err(|(_, reason)| reason).unwrap()).collect();
    assert!(pool.try_submit(|| ()).is_err(), "there is no room for more than three");
    let metrics = pool.metrics();
    assert_eq!((metrics.running, metrics.threads, metrics.idle), (1, 1, 0));
    assert!(metrics.oldest_queued.is_some());
    drop(release);
    assert!(panicking.wait().is_err());
    pollster::block_on(pool.shutdown()).unwrap();
    let metrics = pool.metrics();
    assert_eq!((metrics.queued, metrics.running, metrics.oldest_queued), (0, 0, None));
    assert_eq!((metrics.completed, metrics.panicked, metrics.refused), (3, 1, 1));
    assert_eq!(fits.iter().filter(|task| task.is_finished()).count(), 2);
    assert_eq!((metrics.threads_started, metrics.threads_ended), (1, 1));
}

#[test]
fn cancelled_calls_are_told_from_dropped_ones() {
    let pool = ThreadPool::new(1).unwrap();
    let release = block(&pool);
    let aborted: Vec<_> = (0..3).map(|_| pool.submit(|| ())).collect();
    aborted.iter().for_each(|task| task.abort());
    drop(pool.submit(|| ()));
    // What the abort has cancelled, the drop cannot.
    let aborted_and_dropped = pool.submit(|| ());
    aborted_and_dropped.abort();
    drop(aborted_and_dropped);
    drop(pool.submit(|| ()).cancel());
    let mut polled = Box::pin(pool.submit(|| ()));
    assert!(polled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    polled.abort();
    drop(polled);
    drop(release);
    pollster::block_on(pool.shutdown()).unwrap();
    let metrics = pool.metrics();
    assert_eq!((metrics.completed, metrics.cancelled, metrics.cancelled_by_drop), (1, 6, 1));
}

#[test]
fn one_call_in_64_is_timed_and_the_first() {
    let pool = ThreadPool::new(2).unwrap();
    let view = pool.limit(1);
    for _ in 0..2 * 64 + 1 {
        pool.submit(|| thread::sleep(Duration::from_micros(10))).wait().unwrap();
    }
    view.submit(|| thread::sleep(Duration::from_millis(2))).wait().unwrap();
    // Three of the pool's own, and the view's.
    eventually("the worker has written it down", || pool.metrics().time_running.samples == 4);
    let metrics = pool.metrics();
    let running = metrics.time_running;
    assert!(running.p50 >= Duration::from_micros(10), "{running:?}");
    assert!(running.p50 <= running.p90 && running.p90 <= running.p99 && running.p99 <= running.max);
    assert_eq!(metrics.time_queued.samples, 4);
    eventually("the view's too", || view.metrics().unwrap().time_running.samples == 1);
    let of_view = view.metrics().unwrap();
    assert!(of_view.time_running.max >= Duration::from_millis(2));
    assert_eq!((of_view.completed, of_view.running, of_view.queued), (1, 0, 0));
    assert_eq!(pool.metrics().completed, 2 * 64 + 2, "the pool's figures include its views'");
}

#[test]
fn a_pool_tells_of_its_views_also_when_they_have_gone() {
    let pool = ThreadPool::new(2).unwrap();
    let view = pool.limit(1);
    let (release, released) = mpsc::channel::<()>();
    let blocked = view.submit(move || released.recv().is_err());
    eventually("it runs", || view.metrics().unwrap().running == 1);
    assert_eq!(pool.metrics().oldest_queued, None);
    let behind: Vec<_> = (0..3).map(|_| view.submit(|| ())).collect();
    thread::sleep(Duration::from_millis(20));
    // Nothing waits in the pool's own queue; a call that comes there later is not the first in line.
    let blocked_too = block(&pool);
    let own = pool.submit(|| ());
    for metrics in [pool.metrics(), view.metrics().unwrap()] {
        assert!(
            metrics.oldest_queued.is_some_and(|waited| waited >= Duration::from_millis(20)),
            "{metrics:?}"
        );
    }
    assert_eq!(pool.metrics().queued, 4);
    drop((release, blocked_too));
    assert!(blocked.wait().unwrap());
    behind.into_iter().chain([own]).for_each(|task| task.wait().unwrap());
    for _ in 0..2 * 64 {
        view.submit(|| ()).wait().unwrap();
    }
    drop(view);
    pollster::block_on(pool.shutdown()).unwrap();
    let metrics = pool.metrics();
    // Of 132 calls in the view, the first and two more; of two in the own queue, the first.
    assert_eq!((metrics.time_queued.samples, metrics.time_running.samples), (4, 4), "{metrics:?}");
    assert_eq!((metrics.completed, metrics.oldest_queued), (134, None));
}

/// The pool is full only when its watcher has taken the last thread on: after the last push.
#[test]
fn a_stall_that_begins_after_the_last_push_is_told_of() {
    let (report, reported) = mpsc::channel();
    let pool = ThreadPool::builder()
        .name("four")
        .max_threads(4)
        .on_stall(move |stall| report.send(stall.clone()).unwrap())
        .build()
        .unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let blocked: Vec<_> = (0..5)
        .map(|_| {
            let released = released.clone();
            pool.submit(move || released.lock().unwrap().recv().is_err())
        })
        .collect();
    let stall = reported.recv_timeout(PATIENCE).expect("a report");
    assert_eq!((stall.pool.as_str(), stall.queued, stall.calls.len()), ("four", 1, 4));
    drop(release);
    assert!(blocked.into_iter().all(|task| task.wait().unwrap()));
}

/// One handler for the process, so one test for all warnings.
#[test]
fn a_stall_and_a_dropped_call_are_told_of_once() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        let kind = match warning {
            Warning::DroppedInQueue { .. } => "dropped",
            Warning::Stalled(_) => "stalled",
            _ => "other",
        };
        hearing.lock().unwrap().push((kind, warning.to_string()));
        panic!("a handler may");
    })
    .unwrap();
    assert!(on_warning(|_| ()).is_err(), "there is one handler");

    let reports: Arc<Mutex<Vec<StallReport>>> = Arc::default();
    let reporting = reports.clone();
    let pool = ThreadPool::builder()
        .name("narrow")
        .max_threads(1)
        .on_stall(move |report| reporting.lock().unwrap().push(report.clone()))
        .build()
        .unwrap();
    let release = block(&pool);
    let call = Call::new(|| ()).on(&pool).start(); // the place of this line is told
    drop(call);
    let behind: Vec<_> = (0..5).map(|_| pool.submit(|| ())).collect();
    eventually("a stall is reported", || !reports.lock().unwrap().is_empty());
    // Longer than the monitor looks again: it is said once.
    thread::sleep(Duration::from_millis(2_500));
    let reports = reports.lock().unwrap();
    let [report] = reports.as_slice() else { panic!("once: {reports:?}") };
    assert_eq!(report.pool, "narrow");
    assert!((5..=6).contains(&report.queued), "{report:?}");
    assert!(report.stalled_for >= Duration::from_secs(1));
    assert!(report.calls[0].place.file().ends_with("reports.rs"), "{report}");
    drop(release);
    behind.into_iter().for_each(|task| task.wait().unwrap());

    let heard = heard.lock().unwrap();
    let of = |kind| heard.iter().filter(move |(one, _)| *one == kind).map(|(_, text)| text);
    assert!(of("dropped").all(|text| text.contains("reports.rs") && text.contains("detach()")));
    assert!(of("dropped").count() <= 1, "it is said once in a process: {heard:?}");
    assert!(
        of("stalled").any(|text| text.contains("narrow") && text.contains("Raise max_threads")),
        "{heard:?}"
    );
}

#[test]
fn a_queue_without_room_is_an_error_that_says_so() {
    let error = ThreadPool::builder().queue_limit(0).build().unwrap_err();
    assert_eq!(error, BuildError::NoRoom);
    assert!(error.to_string().contains("queue_limit is 0"), "{error}");
}

/// Of a map and of an actor, the jobs that run items and calls are counted; and nothing was cancelled where nobody has cancelled.
#[test]
fn what_a_map_and_an_actor_leave_in_the_queue_is_not_cancelled() {
    let pool = ThreadPool::new(2).unwrap();
    let actor = Actor::on(&pool, 0);
    for _ in 0..50 {
        pollster::block_on(pool.map(0..1000, |i| i));
        actor.with(|n| *n += 1).wait().unwrap();
    }
    let quiet = || {
        let metrics = pool.metrics();
        metrics.queued + metrics.running == 0
    };
    eventually("it is quiet", quiet);
    let metrics = pool.metrics();
    assert_eq!((metrics.cancelled, metrics.cancelled_by_drop, metrics.panicked), (0, 0, 0), "{metrics:?}");
    assert!(metrics.completed >= 100, "{metrics:?}");
}
