//! Which standstills are told of: those that somebody waits for, with their cause.

mod support;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyloop_core::{Builder, PoolExt, StallCause, StallReport, ThreadPool};
use support::{PATIENCE, block, eventually};

/// Longer than it takes the monitor to tell of a stall.
const A_WHILE: Duration = Duration::from_millis(2_500);

fn pool(set: impl FnOnce(Builder) -> Builder) -> (ThreadPool, Receiver<StallReport>) {
    let (report, reports) = mpsc::channel();
    let builder = ThreadPool::builder().on_stall(move |stall| report.send(stall.clone()).unwrap());
    (set(builder).build().unwrap(), reports)
}

#[test]
fn nobody_waits_for_calls_that_were_cancelled() {
    let (pool, reports) = pool(|builder| builder.max_threads(2));
    let view = pool.limit(1);
    let release = block(&pool);
    let (release_view, released) = mpsc::channel::<()>();
    let blocked = view.submit(move || released.recv().is_err());
    eventually("both run", || pool.metrics().running == 2);
    let cancelled: Vec<_> = (0..3).flat_map(|_| [pool.submit(|| ()), view.submit(|| ())]).collect();
    cancelled.iter().for_each(|task| task.abort());
    thread::sleep(A_WHILE);
    assert!(reports.try_recv().is_err());
    // One that is awaited is told of all the same.
    let awaited = pool.submit(|| ());
    let report = reports.recv_timeout(PATIENCE).expect("a report");
    assert_eq!((report.cause, report.queued), (StallCause::MaxThreads, 4), "{report}");
    drop((release, release_view));
    awaited.wait().unwrap();
    assert!(blocked.wait().unwrap());
}

#[test]
fn a_view_at_its_limit_is_told_of_although_its_pool_goes_on() {
    let (pool, reports) = pool(|builder| builder.name("wide").max_threads(8));
    let view = pool.limit(1);
    let _other = block(&pool);
    let (release, released) = mpsc::channel::<()>();
    let blocked = view.submit(move || released.recv().is_err());
    let behind: Vec<_> = (0..3).map(|_| view.submit(|| ())).collect();
    let report = loop {
        pool.submit(|| ()).wait().unwrap();
        if let Ok(report) = reports.recv_timeout(Duration::from_millis(10)) {
            break report;
        }
    };
    assert!(matches!(report.cause, StallCause::ViewLimit { limit, .. } if limit.get() == 1), "{report}");
    assert_eq!((report.queued, report.calls.len()), (3, 1), "{report}");
    let text = report.to_string();
    assert!(text.contains("a view of the pool \"wide\"") && text.contains("Raise the limit"), "{text}");
    assert!(text.contains("stalls.rs"), "{text}");
    thread::sleep(A_WHILE);
    assert!(reports.try_recv().is_err(), "it is said once");
    drop(release);
    assert!(blocked.wait().unwrap());
    behind.into_iter().for_each(|task| task.wait().unwrap());
}

#[test]
fn a_view_that_goes_on_is_not_told_of() {
    let (pool, reports) = pool(|builder| builder.max_threads(8));
    let view = pool.limit(1);
    let tasks: Vec<_> = (0..25).map(|_| view.submit(|| thread::sleep(A_WHILE / 20))).collect();
    tasks.into_iter().for_each(|task| task.wait().unwrap());
    assert!(reports.try_recv().is_err());
}

/// Both come before the pool has a thread, most likely, so that the view is at its limit after the last push.
#[test]
fn a_view_that_reaches_its_limit_after_the_last_push_is_told_of() {
    let (pool, reports) = pool(|builder| builder.max_threads(8));
    let view = pool.limit(1);
    let (release, released) = mpsc::channel::<()>();
    let blocked = view.submit(move || released.recv().is_err());
    let behind = view.submit(|| ());
    let report = reports.recv_timeout(PATIENCE).expect("a report");
    assert!(matches!(report.cause, StallCause::ViewLimit { .. }), "{report}");
    drop(release);
    assert!(blocked.wait().unwrap());
    behind.wait().unwrap();
}

#[test]
fn a_pool_that_gets_no_more_threads_is_told_of() {
    let asked = AtomicUsize::new(0);
    let (pool, reports) = pool(|builder| {
        builder.max_threads(8).spawn_handler(move |thread, body| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => thread.spawn(body),
            _ => Err(io::Error::from(io::ErrorKind::WouldBlock)),
        })
    });
    let release = block(&pool);
    let behind: Vec<_> = (0..3).map(|_| pool.submit(|| ())).collect();
    let report = reports.recv_timeout(PATIENCE).expect("a report");
    assert!(matches!(report.cause, StallCause::NoThread { threads: 1, .. }), "{report}");
    assert_eq!((report.queued, report.calls.len()), (3, 1), "{report}");
    assert!(report.to_string().contains("no thread comes beyond the 1 that it has"), "{report}");
    drop(release);
    behind.into_iter().for_each(|task| task.wait().unwrap());
}
