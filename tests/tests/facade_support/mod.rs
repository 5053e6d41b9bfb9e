//! Shared by the facade's tests: every one of them ends, and those that need a process of their own get one.
#![allow(dead_code, reason = "each test crate uses what it needs")]

use std::any::Any;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyloop::{AnyRuntime, AsyncStd, FuturesPool, Runtime, Smol, Tokio};

/// Far more than any test takes; ends one that hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on a thread of its own, and fails if it does not end.
pub(crate) fn bounded<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (ended, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = ended.send(catch_unwind(AssertUnwindSafe(body)));
    });
    match end.recv_timeout(LIMIT) {
        Ok(Ok(value)) => value,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(RecvTimeoutError::Timeout) => panic!("did not end within {LIMIT:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("its thread ended: {:?}", thread.join()),
    }
}

/// The text of a panic.
pub(crate) fn panic_text<T>(body: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => text_of(&*payload),
    }
}

pub(crate) fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "not a text".to_owned())
}

/// Every runtime there is an adapter for, tokio in both flavours.
pub(crate) fn runtimes() -> Vec<AnyRuntime> {
    vec![
        Tokio::new().unwrap().to_any(),
        Tokio::new_current_thread().unwrap().to_any(),
        Smol::new().to_any(),
        AsyncStd::new().to_any(),
        FuturesPool::new().unwrap().to_any(),
    ]
}

/// The names that `ANYLOOP_RUNTIME` knows.
pub(crate) const NAMES: [&str; 4] = ["tokio", "smol", "async-std", "futures"];

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end, or kills it when the time is up.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ended {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child, limit);
    Ended { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("did not end within {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

const INSIDE: &str = "ANYLOOP_TEST_INSIDE";

/// Runs the body of a test, which is passed as a closure, in a process of its own with these
/// variables set; for what can be set only once in a process.
pub(crate) fn isolated<F: FnOnce()>(variables: &[(&str, &str)], body: F) {
    isolated_each(&[variables], body);
}

/// As [`isolated`], in one process for each set of variables.
pub(crate) fn isolated_each<F: FnOnce()>(sets: &[&[(&str, &str)]], body: F) {
    let test = test_name::<F>();
    if is_inside(&test) {
        return body();
    }
    for variables in sets {
        let ended = run(child(&test).envs(variables.iter().copied()), LIMIT);
        assert!(ended.status.success(), "{test} with {variables:?}: {}\n{}", ended.stdout, ended.stderr);
        // Proves that the name was right.
        assert!(ended.stdout.contains("1 passed"), "{test} did not run: {}", ended.stdout);
    }
}

/// As [`isolated`], in one process for each runtime that `ANYLOOP_RUNTIME` can name.
pub(crate) fn isolated_on_each_runtime<F: FnOnce()>(body: F) {
    let sets = NAMES.map(|name| [("ANYLOOP_RUNTIME", name)]);
    isolated_each(&sets.each_ref().map(|set| &set[..]), body);
}

/// As [`isolated`], for a body that may end the process or fail: gives its test's name, and what the
/// process left behind, or `None` inside of it.
pub(crate) fn isolated_end<F: FnOnce()>(
    prepare: impl FnOnce(&mut Command) -> &mut Command,
    body: F,
) -> (String, Option<Ended>) {
    let test = test_name::<F>();
    if is_inside(&test) {
        body();
        return (test, None);
    }
    let ended = run(prepare(&mut child(&test)), LIMIT);
    (test, Some(ended))
}

fn is_inside(test: &str) -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| inside == test)
}

/// `facade_x::the_test::{{closure}}` is of the test `the_test`.
fn test_name<F>() -> String {
    let name = std::any::type_name::<F>();
    let (_, test) = name.split_once("::").unwrap();
    test.trim_end_matches("::{{closure}}").to_owned()
}

fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env_remove("ANYLOOP_RUNTIME").env_remove("ANYLOOP_POOL").env(INSIDE, test);
    command
}
