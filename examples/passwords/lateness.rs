//! How late an event loop is.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyloop::{gather, sleep};
use hdrhistogram::Histogram;

const NAP: Duration = Duration::from_millis(1);

/// How late a task woke, each time that it slept.
#[derive(Debug)]
pub(crate) struct Lateness {
    microseconds: Histogram<u32>,
}

impl Lateness {
    fn new() -> Self {
        // Whatever is later than an hour counts as an hour.
        Self { microseconds: Histogram::new_with_max(3_600_000_000, 3).expect("both can be had") }
    }

    fn record(&mut self, late: Duration) {
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.saturating_record(late);
    }

    pub(crate) fn count(&self) -> u64 {
        self.microseconds.len()
    }

    pub(crate) fn median(&self) -> Duration {
        Duration::from_micros(self.microseconds.value_at_quantile(0.5))
    }

    pub(crate) fn p99(&self) -> Duration {
        Duration::from_micros(self.microseconds.value_at_quantile(0.99))
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_micros(self.microseconds.max())
    }
}

/// Awaits `work` beside a task that only sleeps, on the same event loop.
pub(crate) async fn beside<T>(work: impl Future<Output = T>) -> (T, Lateness) {
    let working = Cell::new(true);
    let work = async {
        let output = work.await;
        working.set(false);
        output
    };
    let sleeper = async {
        let mut lateness = Lateness::new();
        while working.get() {
            let due = Instant::now() + NAP;
            sleep(NAP).await;
            lateness.record(due.elapsed());
        }
        lateness
    };
    // The sleeper comes first, so that it sleeps when the work begins.
    let (lateness, output) = gather((sleeper, work)).await;
    (output, lateness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_middle_from_the_worst() {
        let mut lateness = Lateness::new();
        for _ in 0..99 {
            lateness.record(Duration::from_millis(1));
        }
        lateness.record(Duration::from_secs(1));
        let rounded = |time: Duration| time.as_millis();
        assert_eq!(lateness.count(), 100);
        assert_eq!([lateness.median(), lateness.p99(), lateness.max()].map(rounded), [1, 1, 1000]);
    }
}
