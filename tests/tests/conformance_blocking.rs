//! The pool of the crate `blocking`, which smol, async-std and the futures adapter bring, with one thread.
//! Its bound can only be set from outside, for the whole process: the tests below run themselves again.

use std::process::Command;

use anyloop_conformance::{Subject, tasks, thread_pool, watched};
use anyloop_core::NativePool;
use anyloop_smol::Smol;

const THREADS: &str = "BLOCKING_MAX_THREADS";

/// Runs the test `name` in a process in which the pool has this many threads.
fn with_threads(name: &str, threads: &str, test: impl FnOnce() + Send + 'static) {
    if std::env::var(THREADS).is_ok_and(|set| set == threads) {
        return watched(name, test);
    }
    let this = std::env::current_exe().expect("the path of this test");
    let output = Command::new(this).args(["--exact", name, "--nocapture"]).env(THREADS, threads).output();
    let output = output.expect("this test can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn subject() -> Subject<Smol> {
    Subject::native(Smol::new).narrow(|_| Smol::new().native())
}

/// C11: with one thread, first in, first out.
#[test]
fn c11_one_thread_starts_them_in_order() {
    with_threads("c11_one_thread_starts_them_in_order", "1", || {
        thread_pool::c11_one_thread_starts_them_in_order(&subject());
    });
}

/// C11: no more run than the process allows.
#[test]
fn c11_no_more_than_max_threads_run() {
    with_threads("c11_no_more_than_max_threads_run", "3", || {
        thread_pool::c11_no_more_than_max_threads_run(&subject());
    });
}

/// C03: what is queued in the pool itself is cancelled there.
#[test]
fn c03_a_queued_closure_is_dropped_by_the_canceller() {
    with_threads("c03_a_queued_closure_is_dropped_by_the_canceller", "1", || {
        tasks::c03_a_queued_closure_is_dropped_by_the_canceller(&subject());
    });
}

/// C05: the only thread lives on.
#[test]
fn c05_the_only_worker_survives() {
    with_threads("c05_the_only_worker_survives", "1", || {
        tasks::c05_the_only_worker_survives(&subject());
    });
}
