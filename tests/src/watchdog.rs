//! A test that hangs is a test that fails.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// More than any clause takes on a slow and busy machine, and less than anybody's patience.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `test` on a thread of its own.
///
/// # Panics
///
/// With the test's own panic; and if it has not ended after a minute. Its thread is left behind then.
pub fn watched(name: &str, test: impl FnOnce() + Send + 'static) {
    let (ended, watch) = mpsc::channel();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ = ended.send(catch_unwind(AssertUnwindSafe(test)));
    });
    thread.expect("a thread for the test");
    match watch.recv_timeout(LIMIT) {
        Ok(Ok(())) => {}
        Ok(Err(payload)) => resume_unwind(payload),
        Err(_) => panic!("{name} hangs: it has not ended after {} seconds", LIMIT.as_secs()),
    }
}
