//! What the watchdog costs a poll: the same task, with it and without.

mod support;

use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll},
};

use anyloop::{BlockOn as _, Smol, watchdog};

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

fn run(meter: &Meter) -> Sample {
    let runtime = Smol::new();
    let size = meter.size;
    meter.measure(|| runtime.block_on(Yields(black_box(size))))
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
