//! What is told of a call on the thread that has run it, while its caller's tracing span is still entered: that it took
//! long, and that it panicked.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::catch::catch;
use crate::error::Panic;
use crate::warning;

/// In nanoseconds, from which on a call is slow.
static THRESHOLD: AtomicU64 = AtomicU64::new(OFF);
const OFF: u64 = u64::MAX;

/// Makes each call that runs for `threshold` or longer a [`Warning::SlowCall`](crate::Warning::SlowCall), from now on and
/// wherever it runs; [`Duration::MAX`] turns that off again, as it is at first.
///
/// A call is what a pool runs, each item of a [`map`](crate::PoolExt::map), and each call of an
/// [`Actor`](crate::Actor); [`Call::run`](crate::Call::run) is none. The warning comes when the call has ended, on the
/// thread that has run it and before its result can be seen. With the feature `tracing`, its event is inside the caller's span.
///
/// A call costs two looks at the clock more, some 50 ns. While it is off, one load.
///
/// ```
/// use std::time::Duration;
///
/// anyloop_core::on_warning(|warning| eprintln!("anyloop: {warning}"))?;
/// anyloop_core::slow_calls(Duration::from_secs(1));
/// # Ok::<(), anyloop_core::AlreadySet>(())
/// ```
pub fn slow_calls(threshold: Duration) {
    let threshold = u64::try_from(threshold.as_nanos()).unwrap_or(OFF);
    // ORDERING: Relaxed: a thread that learns of it a little later tells of calls a little later.
    THRESHOLD.store(threshold, Ordering::Relaxed);
}

/// Measures a call, while slow ones are told of.
pub(crate) struct Stopwatch {
    place: &'static Location<'static>,
    threshold: Duration,
    begun: Instant,
}

impl Stopwatch {
    /// Of the call that was submitted at `place`; `None` while it is off.
    #[inline]
    pub(crate) fn start(place: &'static Location<'static>) -> Option<Self> {
        // ORDERING: Relaxed, see `slow_calls`.
        match THRESHOLD.load(Ordering::Relaxed) {
            OFF => None,
            threshold => Some(Self::started(place, Duration::from_nanos(threshold))),
        }
    }

    #[cold]
    fn started(place: &'static Location<'static>, threshold: Duration) -> Self {
        Self { place, threshold, begun: Instant::now() }
    }
}

impl Drop for Stopwatch {
    /// The call has ended, in a panic perhaps.
    #[cold]
    fn drop(&mut self) {
        let ran_for = self.begun.elapsed();
        if ran_for >= self.threshold {
            warning::slow_call(self.place, ran_for);
        }
    }
}

/// Runs a call, inside its caller's span, and tells of it. `None` for what is no call of anybody's.
#[inline]
pub(crate) fn attend<T>(
    place: Option<&'static Location<'static>>,
    call: impl FnOnce() -> T,
) -> Result<T, Panic> {
    let stopwatch = place.and_then(Stopwatch::start);
    let ended = catch(call);
    drop(stopwatch);
    if let (Some(place), Err(panic)) = (place, &ended) {
        warning::panicked(place, panic);
    }
    ended
}
