//! `#[anyloop::main]` and `#[anyloop::test]`: what they return, print and end with.

mod facade_support;

use std::future::pending;
use std::num::ParseIntError;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyloop::{FuturesPool, Runtime, Smol, ThreadPool, Tokio, to_thread};
use facade_support::{NAMES, isolated, isolated_end, isolated_on_each_runtime, panic_text};

#[anyloop::main(runtime = Smol::new())]
async fn sum(/* no arguments */) -> Result<u32, ParseIntError> {
    let n: u32 = to_thread(|| "40".parse()).await?;
    if n == 0 {
        return Ok(n);
    }
    Ok(n + 2)
}

#[anyloop::main(runtime = Tokio::new().unwrap())]
async fn fails() -> Result<(), ParseIntError> {
    let _: u32 = "forty".parse()?;
    Ok(())
}

#[anyloop::main(runtime = FuturesPool::new().unwrap())]
async fn exit_code() -> ExitCode {
    ExitCode::from(3)
}

#[anyloop::main(runtime = Smol::new().with_pool(&ThreadPool::builder().name("of main").build().unwrap()))]
async fn on_its_pool() -> Option<String> {
    to_thread(|| thread::current().name().map(str::to_owned)).await
}

#[anyloop::main(runtime = Smol::new())]
async fn panics() -> ! {
    panic!("out of main")
}

#[test]
fn a_main_returns_what_it_returns() {
    isolated(&[], || {
        assert_eq!(sum(), Ok(42));
        assert!(fails().unwrap_err().to_string().contains("invalid digit"));
        assert_eq!(exit_code(), ExitCode::from(3));
        assert_eq!(on_its_pool().as_deref(), Some("of main"));
        assert_eq!(panic_text(|| panics()), "out of main");
    });
}

static ENDED: AtomicUsize = AtomicUsize::new(0);

#[anyloop::main]
async fn leaves_work_behind() -> &'static str {
    let narrow = ThreadPool::new(1).unwrap();
    for _ in 0..5 {
        let slow = || {
            thread::sleep(Duration::from_millis(2));
            ENDED.fetch_add(1, Ordering::SeqCst);
        };
        to_thread(slow).on(&narrow).start().detach();
        anyloop::spawn(pending::<()>()).detach();
    }
    anyloop::current().unwrap().name()
}

#[test]
fn a_main_without_options_runs_where_it_is_told_and_drains() {
    isolated_on_each_runtime(|| {
        assert_eq!(leaves_work_behind(), std::env::var("ANYLOOP_RUNTIME").unwrap());
        assert_eq!(ENDED.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn a_main_that_has_no_runtime_says_so_and_ends_the_program() {
    let (test, ended) = isolated_end(
        |child| child,
        || {
            leaves_work_behind();
            println!("not reached");
        },
    );
    let Some(ended) = ended else { return };
    assert_eq!(ended.status.code(), Some(2), "{test}: {ended:?}");
    assert!(!ended.stdout.contains("not reached"), "{ended:?}");
    let error = ended.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains("ANYLOOP_RUNTIME") && error.contains("async-std"), "{error}");
}

/// Fails where it is told to.
#[anyloop::test]
async fn picky() {
    let here = anyloop::current().unwrap().name();
    // A test is driven like a `main`, with all there is.
    assert_eq!(anyloop::spawn(async { to_thread(|| 1).await }).await.unwrap(), 1);
    if std::env::var("ANYLOOP_TEST_PICKY").is_ok_and(|names| names.split(',').any(|name| name == here)) {
        panic!("not on this one");
    }
    println!("passed on {here}");
}

/// Runs `picky` in a process of its own.
fn run_picky(fail_on: &str, runtime: &str) -> facade_support::Ended {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["picky", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("ANYLOOP_TEST_PICKY", fail_on).env("ANYLOOP_RUNTIME", runtime);
    facade_support::run(&mut command, facade_support::LIMIT)
}

#[test]
fn a_test_runs_on_each_adapter_and_names_those_that_it_failed_on() {
    let ended = run_picky("", "");
    assert!(ended.status.success(), "{ended:?}");
    let on: Vec<_> = ended.stdout.lines().filter_map(|line| line.split_once("passed on ")).collect();
    assert_eq!(on.iter().map(|(_, name)| *name).collect::<Vec<_>>(), NAMES);

    let ended = run_picky("smol,futures", "");
    assert_eq!(ended.status.code(), Some(101), "{ended:?}");
    let said = "`picky` failed on smol: not on this one; on futures: not on this one";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    // The others ran all the same.
    assert!(ended.stdout.contains("passed on async-std"), "{ended:?}");
}

#[test]
fn a_test_runs_on_the_one_that_anyloop_runtime_names() {
    let ended = run_picky("smol", "tokio");
    assert!(ended.status.success() && !ended.stdout.contains("passed on async-std"), "{ended:?}");
    let ended = run_picky("", "tokyo");
    assert_eq!(ended.status.code(), Some(101), "{ended:?}");
    assert!(ended.stderr.contains("ANYLOOP_RUNTIME") && ended.stderr.contains("tokyo"), "{}", ended.stderr);
}

#[anyloop::test]
#[should_panic(expected = "it ended in an error")]
async fn a_test_that_returns_an_error_fails() -> Result<(), ParseIntError> {
    to_thread(|| "x".parse::<u32>()).await.map(drop)
}
