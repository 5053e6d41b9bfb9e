//! Where a gather ends early, siblings are dropped, and their destructors may panic; what it had in hand then is dropped with care. By
//! the unwinding it would be dropped without, and a second panic of its own would end the process (C07).

use std::env;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};

use anyloop_core::{gather, race, race_ok, try_gather};

/// Panics as it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it is dropped");
    }
}

/// Ends at once in a value that panics as it is dropped; or never, and panics as it is dropped itself.
struct Child {
    ends: bool,
    _bomb: Option<Bomb>,
}

impl Future for Child {
    type Output = Bomb;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
        if self.ends { Poll::Ready(Bomb) } else { Poll::Pending }
    }
}

fn children() -> [Child; 3] {
    let ended = || Child { ends: true, _bomb: None };
    [ended(), ended(), Child { ends: false, _bomb: Some(Bomb) }]
}

/// The same, in an error.
async fn failing(child: Child) -> Result<Bomb, Bomb> {
    Err(child.await)
}

async fn succeeding(child: Child) -> Result<Bomb, Bomb> {
    Ok(child.await)
}

/// Each way to end early.
async fn end_early(case: &str) {
    match case {
        "race" => drop(race(children()).await),
        "race_ok" => drop(race_ok(children().map(succeeding)).await),
        "try_gather" => drop(try_gather(children().map(failing)).await),
        "try_gather, limited" => drop(try_gather(children().map(failing)).limit(3).await),
        "try_gather of a tuple" => {
            let [first, second, third] = children();
            drop(try_gather((failing(first), failing(second), failing(third))).await);
        }
        "as_completed" => drop(try_gather(children().map(failing)).as_completed().try_next().await),
        "until" => drop(gather(children()).until(ready(())).await),
        "until, limited" => drop(gather(children()).limit(3).until(ready(())).await),
        "until of a tuple" => {
            let [first, second, third] = children();
            drop(gather((first, second, third)).until(ready(())).await);
        }
        _ => unreachable!("{case}"),
    }
}

const CASES: [&str; 9] = [
    "race",
    "race_ok",
    "try_gather",
    "try_gather, limited",
    "try_gather of a tuple",
    "as_completed",
    "until",
    "until, limited",
    "until of a tuple",
];

const CASE: &str = "ANYLOOP_TEST_CASE";

/// Not a test by itself: what the one below starts, once for each case.
#[test]
fn child_process() {
    let Ok(case) = env::var(CASE) else { return };
    let ended = catch_unwind(AssertUnwindSafe(|| pollster::block_on(end_early(&case))));
    let panic = ended.expect_err("a destructor has panicked");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"it is dropped"));
}

#[test]
fn several_destructors_may_panic_wherever_a_gather_ends_early() {
    let itself = env::current_exe().unwrap();
    for case in CASES {
        let mut child = Command::new(&itself);
        child.args(["child_process", "--exact", "--nocapture"]).env(CASE, case);
        let ended = child.output().unwrap();
        assert!(ended.status.success(), "{case}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}
