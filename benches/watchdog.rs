//! What the watchdog costs a poll: the same task, with it and without.

mod support;

use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll},
};

use anyloop::{BlockOn as _, Runtime as _, Tokio, watchdog};

use crate::support::{Meter, Sample, Suite, Unit, Workload};

const POLLS: usize = 5_000_000;

fn main() -> ExitCode {
    Suite::new("watchdog")
        .with(
            Workload::new("a task that is polled again and again", Unit::NsPer("poll"), POLLS)
                .case("on", |meter| {
                    watchdog().start().expect("the watchdog starts");
                    run(meter)
                })
                .case("off", run)
                .case("off, again", run),
        )
        .run()
}

/// On one thread, and spawned: what a runtime does between two polls of a root future may be a system call.
fn run(meter: &Meter) -> Sample {
    let runtime = Tokio::new_current_thread().expect("tokio starts");
    let size = meter.size;
    meter.measure(|| {
        let task = runtime.spawn(Yields(black_box(size)));
        runtime.block_on(task).expect("it yields, and that is all");
    })
}

/// Wakes itself so many times.
struct Yields(usize);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
