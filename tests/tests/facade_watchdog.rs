//! The watchdog on every runtime. It is the process's, so there is one test.

use std::io::ErrorKind;
use std::panic::Location;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyloop::{BlockOn, Runtime, Warning, on_warning, to_thread, watchdog};
use anyloop_conformance::watched;

const THRESHOLD: Duration = Duration::from_millis(40);

struct Report {
    place: Option<&'static Location<'static>>,
    thread: String,
    stuck_for: Duration,
    text: String,
}

static REPORTS: Mutex<Option<mpsc::Receiver<Report>>> = Mutex::new(None);

/// Blocks until there is a report, as no async code should.
fn block_until_reported() -> Report {
    let reports = REPORTS.lock().unwrap();
    reports.as_ref().unwrap().recv().unwrap()
}

/// As a report names it.
fn this_thread() -> String {
    let thread = thread::current();
    format!("{:?} ({:?})", thread.name().unwrap_or_default(), thread.id())
}

#[test]
fn a_poll_that_holds_its_thread_is_reported_while_it_does() {
    watched("a_poll_that_holds_its_thread_is_reported_while_it_does", || {
        let (sender, receiver) = mpsc::channel();
        *REPORTS.lock().unwrap() = Some(receiver);
        let sender = Mutex::new(sender);
        on_warning(move |warning| {
            if let Warning::Stuck(poll) = warning {
                let thread = format!("{:?} ({:?})", poll.thread, poll.thread_id);
                let text = warning.to_string();
                let report = Report { place: poll.place, thread, stuck_for: poll.stuck_for, text };
                sender.lock().unwrap().send(report).unwrap();
            }
        })
        .unwrap();
        let none = watchdog().threshold(Duration::ZERO).start().unwrap_err();
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
        watchdog().threshold(THRESHOLD).start().unwrap();
        let again = watchdog().start().unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);

        for adapter in anyloop::adapters() {
            let runtime = (adapter.start)().unwrap();
            let spawned = runtime.block_on(async {
                let line = line!() + 1;
                let task = anyloop::spawn(async { (block_until_reported(), this_thread()) });
                let (report, thread) = task.await.unwrap();
                assert_eq!(report.thread, thread, "{}", adapter.name);
                (report, line)
            });
            check(&spawned.0, spawned.1, adapter.name);

            // The adapter's own method, and a `block_on`, know their places too.
            let task_line = line!() + 1;
            let task = runtime.spawn(async { block_until_reported() });
            check(&runtime.block_on(task).unwrap(), task_line, adapter.name);
            let line = line!() + 1;
            let report = runtime.block_on(async { block_until_reported() });
            check(&report, line, adapter.name);

            // A call may block, and a task may wait, for as long as it likes.
            runtime.block_on(async {
                to_thread(|| thread::sleep(4 * THRESHOLD)).await;
                runtime.sleep(4 * THRESHOLD).await;
            });
            let reports = REPORTS.lock().unwrap();
            assert!(reports.as_ref().unwrap().try_recv().is_err(), "{}", adapter.name);
        }
    });
}

#[track_caller]
fn check(report: &Report, line: u32, name: &str) {
    let place = report.place.unwrap_or_else(|| panic!("{name}: no place"));
    assert_eq!((place.file(), place.line()), (file!(), line), "{name}");
    assert!(report.stuck_for >= THRESHOLD, "{name}: {:?}", report.stuck_for);
    for part in ["spawned at", file!(), &report.thread, "to_thread"] {
        assert!(report.text.contains(part), "{name}: {part:?} is not in {:?}", report.text);
    }
}
