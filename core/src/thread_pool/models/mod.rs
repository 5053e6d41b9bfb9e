//! Every interleaving of the pool's handshakes, tried out by loom: `bash .ci/loom thread_pool`.
//!
//! This is the pool itself, its threads and its shutdown included; the clock and the parking are the models' own
//! (`sync.rs`). There is a watcher in the models of it alone, and a monitor in those of that. Each model was seen to fail when what
//! it guards is taken away, as is written beside it; *deadlock* is loom's word for a job that nobody runs, or an end that
//! nobody hears of.

mod cancelled;
mod handshakes;
mod lend;
mod monitor;
mod outbox;
mod views;
mod watcher;

use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loom::future::block_on;
use loom::sync::atomic::AtomicBool;
use loom::sync::mpsc::{Receiver, Sender, channel};
use loom::thread;

use super::builder::Settings;
use super::lend::Lender;
use super::queue::OWN;
use super::shared::Shared;
use super::shutdown::Shutdown;
use crate::error::TaskError;
use crate::limiter::{InLine, Permit};
use crate::pool::{Job, Refused};
use crate::spin::Backoff;
use crate::task::{Ran, Runnable, Urgency};

const FOR_EVER: Duration = Duration::MAX;
const A_WHILE: Duration = Duration::from_secs(10);

fn pool(max_threads: usize, keep_alive: Duration, lingers: bool) -> Arc<Shared> {
    pool_with(max_threads, keep_alive, lingers, |_| true)
}

/// A pool whose threads come or not, as `comes` says of each by its number.
fn pool_with(
    max_threads: usize,
    keep_alive: Duration,
    lingers: bool,
    comes: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> Arc<Shared> {
    let asked = AtomicUsize::new(0);
    let shared = Arc::new(Shared::new(Settings {
        max_threads: NonZeroUsize::new(max_threads).unwrap(),
        min_threads: 0,
        keep_alive,
        name: String::new(),
        stack_size: None,
        queue_limit: None,
        on_thread_start: None,
        on_thread_stop: None,
        on_stall: None,
        refusal: None,
        // There is no handle to give back: the pool takes the thread as it comes, whatever is said of it.
        spawn: Arc::new(move |_, body| {
            if comes(asked.fetch_add(1, Ordering::Relaxed)) {
                thread::spawn(body);
            }
            Err(io::Error::other("a thread of the model"))
        }),
    }));
    let mut state = shared.lock();
    // Nobody watches: as many workers as may be are called without a watcher's judgement.
    state.growth.cores = max_threads;
    state.growth.at_once = max_threads;
    state.growth.linger = lingers.then_some(Backoff::NEW);
    // The monitor has a thread of its own, which is none of loom's.
    state.monitored = true;
    drop(state);
    shared
}

/// Somebody waits for it, once. A `Notify` would return early, too.
struct Event(Mutex<(Sender<()>, Option<Receiver<()>>)>);

impl Default for Event {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self(Mutex::new((sender, Some(receiver))))
    }
}

impl Event {
    fn happen(&self) {
        let sender = self.0.lock().unwrap().0.clone();
        sender.send(()).unwrap();
    }

    fn wait(&self) {
        let receiver = self.0.lock().unwrap().1.take();
        receiver.unwrap().recv().unwrap();
    }
}

/// A job that says when it has run, to who must wait for that.
#[derive(Default)]
struct Probe {
    /// Somebody waits for it to begin.
    begin: Option<Event>,
    /// What it waits for first.
    gate: Option<Event>,
    /// It lends its place meanwhile.
    lends: bool,
    urgent: bool,
    /// It may be cancelled, and was, or is run.
    claimed: Option<AtomicBool>,
    ran: AtomicUsize,
    refused: AtomicUsize,
    end: Event,
}

impl Probe {
    fn gated() -> Arc<Self> {
        Arc::new(Self { gate: Some(Event::default()), ..Self::default() })
    }

    fn gated_and_announced() -> Arc<Self> {
        let [begin, gate] = [(); 2].map(|()| Some(Event::default()));
        Arc::new(Self { begin, gate, ..Self::default() })
    }

    /// A call that waits for others.
    fn lending() -> Arc<Self> {
        Arc::new(Self { gate: Some(Event::default()), lends: true, ..Self::default() })
    }

    fn cancellable() -> Arc<Self> {
        Arc::new(Self { claimed: Some(AtomicBool::new(false)), ..Self::default() })
    }

    /// As long as nobody has run or cancelled it.
    fn claim(&self) -> bool {
        self.claimed.as_ref().is_none_or(|claimed| !claimed.swap(true, Ordering::AcqRel))
    }

    /// Whether it will never run.
    fn cancel(&self) -> bool {
        self.claim()
    }

    fn submit(self: &Arc<Self>, pool: &Arc<Shared>) -> Result<(), Refused> {
        self.submit_to(pool, OWN)
    }

    fn submit_to(self: &Arc<Self>, pool: &Arc<Shared>, tenant: usize) -> Result<(), Refused> {
        pool.execute(tenant, Job::new(self.clone()), false)
    }

    fn submitted(pool: &Arc<Shared>) -> Arc<Self> {
        let probe = Arc::new(Self::default());
        assert!(probe.submit(pool).is_ok());
        probe
    }

    fn wait_for_begin(&self) {
        self.begin.as_ref().unwrap().wait();
    }

    fn open(&self) {
        self.gate.as_ref().unwrap().happen();
    }

    fn counts(&self) -> (usize, usize) {
        (self.ran.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

impl Runnable for Probe {
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        if !self.claim() {
            return Ran::Cancelled;
        }
        if let Some(begin) = &self.begin {
            begin.happen();
        }
        let lent = self.lends.then(|| {
            let (lent, next) = Lender::here().unwrap().lend(true);
            next.call();
            lent
        });
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        if let Some(lent) = lent {
            lent.take_back().call();
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
        self.end.happen();
        more();
        Ran::Returned
    }

    fn refuse(&self, _: TaskError) {
        self.refused.fetch_add(usize::from(self.claim()), Ordering::Relaxed);
    }

    fn spent(&self) -> Option<Ran> {
        let claimed = self.claimed.as_ref()?;
        claimed.load(Ordering::Relaxed).then_some(Ran::Cancelled)
    }

    fn stand_in_line(&self, _: InLine) {}

    fn carry(&self, _: Permit) {}

    fn expect_soon(&self) {}

    fn urgency(&self) -> Urgency {
        if self.urgent { Urgency::Awaited } else { Urgency::None }
    }

    fn begin_submission(&self) {}

    fn end_submission(&self, _: Option<TaskError>) {}

    fn driver(&self) -> usize {
        0
    }

    fn place(&self) -> &'static Location<'static> {
        Location::caller()
    }
}

/// The more threads, the fewer preemptions can be tried in some seconds.
fn model_of(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(run);
}

/// A job has its turn behind so many that block, which go on after that.
fn a_job_behind_jobs_that_block<const BLOCKING: usize>(pool: &Arc<Shared>) {
    let blocking = [(); BLOCKING].map(|()| Probe::gated());
    for probe in &blocking {
        assert!(probe.submit(pool).is_ok());
    }
    Probe::submitted(pool).end.wait();
    for probe in blocking {
        probe.open();
        probe.end.wait();
    }
    shut_down(pool);
}

/// Closes the pool and waits for its end.
fn shut_down(pool: &Arc<Shared>) {
    block_on(Shutdown::begin(pool)).unwrap();
    let state = pool.lock();
    assert_eq!((state.threads, state.idle.len()), (0, 0));
    assert_eq!((state.growth.searching, state.growth.watching, state.growth.lingering), (0, false, false));
    assert!(!pool.has_work(&state));
}
