//! `#[main]` and `#[test]`.

use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicUsize, Ordering};

#[anyloop::main(runtime = anyloop::Smol::new())]
async fn main_by_another_name() -> Result<i32, Box<dyn std::error::Error>> {
    let text = "7";
    let n: i32 = text.parse()?;
    if n > 6 {
        return Ok(n);
    }
    Err("small".into())
}

#[anyloop::main(runtime = anyloop::Smol::new(), crate = anyloop)]
async fn silent() {
    #![allow(unused_variables, reason = "an inner attribute must stay the first")]
    let unused = std::future::ready(1).await;
}

#[anyloop::main(crate = anyloop)]
pub(crate) async fn opaque() -> impl Termination {
    ExitCode::SUCCESS
}

#[test]
fn a_main_runs() {
    silent();
    assert_eq!(main_by_another_name().unwrap(), 7);
    // Which runtime is current depends on the features of the whole build: not run.
    let _: fn() -> _ = opaque;
}

#[anyloop::test]
async fn a_result_with_question_marks() -> Result<(), Box<dyn std::error::Error>> {
    let n: i32 = "7".parse()?;
    if n > 0 {
        return Ok(());
    }
    Err("negative".into())
}

#[anyloop::test]
#[should_panic(expected = "on purpose")]
async fn panics() {
    panic!("on purpose");
}

#[anyloop::test]
#[ignore = "is not run"]
async fn ignored() {
    unreachable!();
}

#[cfg(any())]
#[anyloop::test]
async fn configured_out() {
    not_there();
}

/// Documented.
#[anyloop::test(crate = anyloop)]
async fn each_adapter_gets_a_fresh_body() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let moved = String::from("moved");
    let run = RUNS.fetch_add(1, Ordering::SeqCst);
    drop(moved);
    std::future::ready(run).await;
}
