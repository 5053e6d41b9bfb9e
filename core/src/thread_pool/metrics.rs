//! What a pool tells of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::queue::OWN;
use super::shared::Shared;
use crate::abandoned;
use crate::task::Ran;

/// What a [`ThreadPool`](crate::ThreadPool), or a view of one, is doing, and has done since it was made. A pool's figures
/// include those of all its views, past ones too.
///
/// A map, and an [`Actor`](crate::Actor) that runs on a pool, has jobs of the pool's that run items, or calls, for a turn each. Here it
/// is these jobs that count as calls, and not what they run.
///
/// The names are stable: dashboards may rely on them. Counts are exact once the pool is quiet; while it works, one
/// figure may be a few calls ahead of another.
///
/// ```
/// use anyloop_core::{PoolExt, ThreadPool};
///
/// let pool = ThreadPool::new(2)?;
/// pool.submit(|| ()).wait().unwrap();
/// # while pool.metrics().completed == 0 { std::thread::yield_now(); }
/// let metrics = pool.metrics();
/// assert_eq!((metrics.completed, metrics.queued), (1, 0));
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// Threads that are alive. Of a view: those of its pool.
    pub threads: usize,
    /// Threads of those that wait for work.
    pub idle: usize,
    /// Calls that are running, those that wait inside `from_thread::block_on` included.
    pub running: usize,
    /// Calls of those that are running although they were cancelled: their task was aborted or dropped, its time
    /// was up, or that of [`shutdown_timeout`](crate::ThreadPool::shutdown_timeout). Nothing can stop them: see [`from_thread::check_cancelled`](crate::from_thread::check_cancelled).
    pub abandoned: usize,
    /// Calls that wait for a thread, cancelled ones that were not cleared away yet included.
    pub queued: usize,
    /// Calls that wait for room in the queue: see `queue_limit`.
    pub waiting: usize,
    /// For how long the first in line has waited, at the most; `None` if nobody waits. Of a pool: the one of all its queues
    /// that has waited longest. Taken from samples: it may be as old as a call that was up to 64 places further ahead.
    pub oldest_queued: Option<Duration>,
    /// Calls that returned a value.
    pub completed: u64,
    /// Calls that panicked.
    pub panicked: u64,
    /// Calls that were cancelled in the queue by `abort`, `cancel`, a token, a time limit or a shutdown, also if their task was
    /// dropped after that. Counted when they leave the
    /// queue: when a worker comes across them, at the latest.
    pub cancelled: u64,
    /// Calls that were cancelled in the queue by dropping their task. Counted as `cancelled` is.
    pub cancelled_by_drop: u64,
    /// Calls that were not taken: the queue was full, the pool shut down, or there was no thread.
    pub refused: u64,
    /// Threads started so far.
    pub threads_started: u64,
    /// Threads ended so far.
    pub threads_ended: u64,
    /// How long calls waited in the queue: one in 64 is measured, the first included.
    pub time_queued: Distribution,
    /// How long calls ran: one in 64 is measured, the first included.
    pub time_running: Distribution,
}

/// How sampled times are distributed, to within one part in a hundred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distribution {
    /// How many were measured.
    pub samples: u64,
    /// Their mean.
    pub mean: Duration,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 90 of 100 took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// What has become of jobs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) completed: u64,
    pub(super) panicked: u64,
    pub(super) cancelled: u64,
    pub(super) dropped: u64,
    pub(super) refused: u64,
}

impl Counts {
    pub(super) fn note(&mut self, ran: Ran) {
        *match ran {
            Ran::Returned => &mut self.completed,
            Ran::Panicked => &mut self.panicked,
            Ran::Cancelled => &mut self.cancelled,
            Ran::Dropped => &mut self.dropped,
            Ran::Dismissed => return,
        } += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.panicked += other.panicked;
        self.cancelled += other.cancelled;
        self.dropped += other.dropped;
        self.refused += other.refused;
    }
}

/// The counts of one worker, which it alone changes: no two threads write to the same place for each call.
#[derive(Default)]
pub(super) struct Tally {
    completed: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    dropped: AtomicU64,
}

impl Tally {
    /// By the worker that it belongs to.
    pub(super) fn note(&self, ran: Ran) {
        let count = match ran {
            Ran::Returned => &self.completed,
            Ran::Panicked => &self.panicked,
            Ran::Cancelled => &self.cancelled,
            Ran::Dropped => &self.dropped,
            Ran::Dismissed => return,
        };
        // ORDERING: Relaxed: one writer; who reads wants a number and nothing else.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Calls that this worker has come across.
    pub(super) fn seen(&self) -> u64 {
        let Counts { completed, panicked, cancelled, dropped, .. } = self.counts();
        completed + panicked + cancelled + dropped
    }

    pub(super) fn counts(&self) -> Counts {
        // ORDERING: Relaxed, as in `note`.
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            completed: read(&self.completed),
            panicked: read(&self.panicked),
            cancelled: read(&self.cancelled),
            dropped: read(&self.dropped),
            refused: 0,
        }
    }
}

/// The sampled times of one tenant's calls. Made with the first sample: it takes some 40 KiB.
#[derive(Default)]
pub(super) struct Timings(OnceLock<Mutex<[Histogram<u32>; 2]>>);

/// The longest time that is told apart, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

impl Timings {
    /// Both in nanoseconds.
    pub(super) fn record(&self, queued: u64, running: u64) {
        let histograms = self.0.get_or_init(|| Mutex::new([histogram(), histogram()]));
        let mut histograms = histograms.lock().unwrap_or_else(PoisonError::into_inner);
        for (histogram, time) in histograms.iter_mut().zip([queued, running]) {
            histogram.saturating_record(time.max(1));
        }
    }

    /// The times in the queue, and those spent running.
    pub(super) fn distributions(&self) -> [Distribution; 2] {
        self.0.get().map_or_else(Default::default, |histograms| {
            let histograms = histograms.lock().unwrap_or_else(PoisonError::into_inner);
            histograms.each_ref().map(Distribution::of)
        })
    }
}

fn histogram() -> Histogram<u32> {
    Histogram::new_with_bounds(1, LONGEST, 2)
        .unwrap_or_else(|error| unreachable!("these bounds are possible ones: {error}"))
}

impl Distribution {
    fn of(histogram: &Histogram<u32>) -> Self {
        let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
        Self {
            samples: histogram.len(),
            mean: Duration::from_secs_f64(histogram.mean() / 1e9),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Duration::from_nanos(histogram.max()),
        }
    }
}

impl Shared {
    /// Those of the pool, or of a view of it.
    pub(super) fn metrics(&self, key: usize) -> Metrics {
        let state = self.lock();
        let mut counts = Counts::default();
        let mut fill = None;
        let mut timings = None;
        if let Some(tenant) = state.queues.tenant(key) {
            counts.add(tenant.counts);
            fill = Some(tenant.fill());
            timings = Some(tenant.timings.clone());
        }
        let mut fill = fill.unwrap_or_default();
        let (mut queued, mut running) = (fill.queued, fill.running);
        if key == OWN {
            // The pool's own figures are those of all that it runs.
            counts = state.past;
            counts.add(state.queues.written_off());
            for (_, member) in state.staff.iter().filter(|(_, member)| !member.ended) {
                counts.add(member.employee.tally.counts());
            }
            counts.refused = state.queues.tenants().map(|(_, tenant)| tenant.counts.refused).sum();
            queued = self.queued(&state);
            let oldest = state.queues.tenants().filter_map(|(_, tenant)| tenant.fill().oldest);
            fill.oldest = oldest.chain(self.outbox.oldest()).min();
            running = state.running();
        }
        let closures = state.staff.iter().filter_map(|(_, member)| member.employee.closure());
        let closures = closures.filter(|(_, tenant)| key == OWN || *tenant == key);
        let closures: Vec<usize> = closures.map(|(closure, _)| closure).collect();
        // All threads are told at once: see `Shared::cancel_rest`.
        let told_to_end = state.staff.iter().any(|(_, member)| member.employee.is_told_to_end());
        let (threads, idle) = (state.threads, state.idle.len());
        let (threads_started, threads_ended) = (state.started, state.ended);
        drop(state);
        let abandoned = if told_to_end { closures.len() } else { abandoned::count(closures) };
        let now = self.now();
        let [time_queued, time_running] = if key == OWN {
            self.timings.distributions()
        } else {
            timings.map(|timings| timings.distributions()).unwrap_or_default()
        };
        Metrics {
            threads,
            idle,
            running,
            abandoned,
            queued,
            waiting: fill.waiting,
            oldest_queued: fill.oldest.map(|at| Duration::from_nanos(now.saturating_sub(at))),
            completed: counts.completed,
            panicked: counts.panicked,
            cancelled: counts.cancelled,
            cancelled_by_drop: counts.dropped,
            refused: counts.refused,
            threads_started,
            threads_ended,
            time_queued,
            time_running,
        }
    }
}
