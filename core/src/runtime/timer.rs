//! What is made of a runtime's `sleep`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::{AnyRuntime, BoxFuture, Runtime};
use crate::timed::poll_until;

/// The time was up before the future ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up before the future ended")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

pin_project! {
    /// The future of [`Runtime::timeout`].
    #[must_use = "futures do nothing until they are awaited"]
    pub struct Timeout<F> {
        sleep: BoxFuture<'static, ()>,
        #[pin]
        future: F,
    }
}

impl<F> Timeout<F> {
    pub(super) fn new(sleep: BoxFuture<'static, ()>, future: F) -> Self {
        Self { sleep, future }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // What has ended in time counts, even if the clock was looked at too late.
        poll_until(cx, |cx| this.sleep.as_mut().poll(cx).map(|()| Elapsed), |cx| this.future.poll(cx))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").finish_non_exhaustive()
    }
}

/// Ticks at a steady pace; made by [`Runtime::interval`].
///
/// A tick that comes too late moves none of those after it; ticks that were missed altogether are left
/// out. With a period of zero each tick is due at once, and each awaits the runtime once.
#[derive(Debug)]
pub struct Interval {
    runtime: AnyRuntime,
    period: Duration,
    due: Instant,
}

impl Interval {
    pub(super) fn new(runtime: AnyRuntime, period: Duration) -> Self {
        Self { due: runtime.now(), runtime, period }
    }

    /// Waits for the next tick and gives the time it was due. Dropping the future loses no tick.
    pub async fn tick(&mut self) -> Instant {
        let left = self.due.saturating_duration_since(self.runtime.now());
        self.runtime.sleep(left).await;
        let due = self.due;
        self.due = next_due(due, self.period, self.runtime.now());
        due
    }
}

/// The first multiple of `period` after `due` that is not past already.
fn next_due(due: Instant, period: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(due);
    let missed = late.as_nanos().checked_div(period.as_nanos()).unwrap_or(0);
    let missed = u32::try_from(missed).unwrap_or(u32::MAX);
    // A period too long for the clock never ticks again in anybody's lifetime; keep it far off.
    let next = period.checked_mul(missed).and_then(|skipped| skipped.checked_add(period));
    next.and_then(|next| due.checked_add(next))
        .or_else(|| now.checked_add(Duration::from_secs(60 * 60 * 24 * 365)))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_tick_moves_no_later_one_and_missed_ticks_are_left_out() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!(next_due(start, ms(10), start), start + ms(10));
        assert_eq!(next_due(start, ms(10), start + ms(3)), start + ms(10));
        assert_eq!(next_due(start, ms(10), start + ms(35)), start + ms(40));
    }

    #[test]
    fn a_period_of_zero_or_of_ages_does_not_overflow() {
        let start = Instant::now();
        assert_eq!(next_due(start, Duration::ZERO, start + Duration::from_secs(1)), start);
        assert!(next_due(start, Duration::MAX, start) > start);
    }
}
