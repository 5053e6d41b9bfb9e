//! What anyloop warns of while a program runs: with the feature `tracing` as an event of level WARN, and to the
//! handler of [`on_warning`] if there is one.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::catch::quietly;
use crate::current::AlreadySet;
use crate::error::Panic;
use crate::thread_pool::BuildError;
use crate::watchdog::StuckPoll;

/// Something that a program may not have meant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Warning<'a> {
    /// For the first time in this process, a call was cancelled in the queue because its task was dropped
    /// (C03). Code that comes from a runtime whose handles may be dropped loses work here: it should
    /// [`detach`](crate::Task::detach) them.
    #[non_exhaustive]
    DroppedInQueue {
        /// Where the call was submitted.
        place: &'static Location<'static>,
    },
    /// A call that was cancelled while it ran, or was left running by
    /// [`shutdown_timeout`](crate::ThreadPool::shutdown_timeout), has gone on for 10 seconds since. Nothing can stop it from outside, and it
    /// keeps its thread: its code should ask
    /// [`from_thread::check_cancelled`](crate::from_thread::check_cancelled) between its steps, or
    /// have what it waits for interrupted by [`from_thread::on_cancel`](crate::from_thread::on_cancel). Said once for each
    /// such call; [`Metrics::abandoned`](crate::Metrics::abandoned) counts them all.
    #[non_exhaustive]
    Overstayed {
        /// Where the call was submitted.
        place: &'static Location<'static>,
        /// How long ago it was cancelled.
        cancelled_for: Duration,
    },
    /// A call ran for longer than [`slow_calls`](crate::slow_calls()) allows.
    #[non_exhaustive]
    SlowCall {
        /// Where the call was submitted, or its map made.
        place: &'static Location<'static>,
        /// How long it ran, what it waited for included.
        ran_for: Duration,
    },
    /// The environment asks for what cannot be. With a bad `ANYLOOP_MAX_THREADS`, [`ThreadPool::global`](crate::ThreadPool::global)
    /// refuses every call, with a bad `ANYLOOP_POOL` the default pool does, with the same text: this is for those whose result
    /// nobody looks at. Said once for each, when the pool is asked for first.
    #[non_exhaustive]
    BadSetting {
        /// The variable's name.
        variable: &'static str,
        /// What it says.
        value: &'a str,
        /// What calls are refused with: which setting it is, and what to set it to.
        text: &'a str,
    },
    /// Calls are queued in a pool, or in a view of one, and none of them was begun for a second.
    Stalled(&'a StallReport),
    /// A poll holds its thread for too long, says the [`watchdog`](crate::watchdog()).
    Stuck(&'a StuckPoll),
}

/// A pool, or a view of one, in which nothing moves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StallReport {
    /// The pool's name.
    pub pool: String,
    /// What keeps the calls that wait from being begun.
    pub cause: StallCause,
    /// Calls that wait for it, those included that were cancelled meanwhile.
    pub queued: usize,
    /// For how long none was begun, at least.
    pub stalled_for: Duration,
    /// What the pool's threads are doing, the longest first; of a view, what they are doing for it.
    pub calls: Vec<RunningCall>,
}

/// What keeps calls from being begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StallCause {
    /// The pool runs as many calls as `max_threads` allows.
    MaxThreads,
    /// A view runs as many calls as its limit allows.
    #[non_exhaustive]
    ViewLimit {
        /// The view's.
        limit: NonZeroUsize,
    },
    /// No more threads come, although `max_threads` allows them: the system gives none (C16), or those that were started are
    /// held up before their first call.
    #[non_exhaustive]
    NoThread {
        /// How many the pool has.
        threads: usize,
    },
}

/// A call that a thread is running.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RunningCall {
    /// Where it was submitted.
    pub place: &'static Location<'static>,
    /// For how long it has been running, at least: since it was seen first.
    pub running_for: Duration,
}

impl StallReport {
    /// How many places a report's text names.
    const NAMED: usize = 8;
}

impl fmt::Display for StallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, cause, queued, stalled_for, calls } = self;
        if let StallCause::ViewLimit { .. } = cause {
            f.write_str("a view of ")?;
        }
        let seconds = stalled_for.as_secs_f64();
        write!(f, "the pool {pool:?} has begun no call for {seconds:.1} s while {queued} wait: ")?;
        match cause {
            StallCause::MaxThreads => f.write_str("all its threads are taken. Raise max_threads"),
            StallCause::ViewLimit { limit } => {
                write!(f, "it runs as many as its limit of {limit} allows. Raise the limit")
            }
            StallCause::NoThread { threads } => {
                write!(
                    f,
                    "no thread comes beyond the {threads} that it has. Raise what limits the process's threads"
                )
            }
        }?;
        f.write_str(", or shorten what runs:")?;
        for RunningCall { place, running_for } in calls.iter().take(Self::NAMED) {
            write!(f, " {place} (for {:.1} s)", running_for.as_secs_f64())?;
        }
        match calls.len().saturating_sub(Self::NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DroppedInQueue { place } => write!(
                f,
                "a call submitted at {place} was cancelled in the queue, because its task was dropped: \
                 `detach()` it if it is to run all the same (this is said once)"
            ),
            Self::Overstayed { place, cancelled_for } => write!(
                f,
                "a call submitted at {place} was cancelled {:.1} s ago and still runs: nothing can stop it from outside, and it \
                 keeps its thread. Have it ask `from_thread::check_cancelled()` between its steps, or interrupt what it \
                 waits for with `from_thread::on_cancel`",
                cancelled_for.as_secs_f64()
            ),
            Self::SlowCall { place, ran_for } => write!(
                f,
                "a call submitted at {place} ran for {:.1} ms: if others wait for its thread, split it up, or give its \
                 kind a `limit` of its own (`slow_calls` sets what is slow)",
                ran_for.as_secs_f64() * 1e3
            ),
            Self::BadSetting { variable: MAX_THREADS_VARIABLE, text, .. } => {
                write!(f, "every call on the pool of the process is refused: {text}")
            }
            Self::BadSetting { text, .. } => {
                write!(f, "every call on the default pool is refused: {text}")
            }
            Self::Stalled(report) => report.fmt(f),
            Self::Stuck(poll) => poll.fmt(f),
        }
    }
}

type Handler = dyn Fn(&Warning<'_>) + Send + Sync;

static HANDLER: OnceLock<Box<Handler>> = OnceLock::new();

/// Sets what is called with each warning. Once.
///
/// It is called on the thread that notices: a dropped call's on the thread that drops it, a stall's and an overstayed
/// call's on a thread of anyloop's own, a slow call's on the one that ran it, a bad setting's on the one that asks for the pool
/// first, a stuck poll's on the watchdog's. A panic in it is caught and ignored.
///
/// # Errors
///
/// [`AlreadySet`] the second time; the first handler stays.
///
/// ```
/// anyloop_core::on_warning(|warning| eprintln!("anyloop: {warning}"))?;
/// # Ok::<(), anyloop_core::AlreadySet>(())
/// ```
pub fn on_warning(handler: impl Fn(&Warning<'_>) + Send + Sync + 'static) -> Result<(), AlreadySet> {
    HANDLER.set(Box::new(handler)).map_err(|_| AlreadySet)
}

fn warn(warning: &Warning<'_>) {
    #[cfg(feature = "tracing")]
    quietly(|| tracing::warn!(target: "anyloop", "{warning}"));
    if let Some(handler) = HANDLER.get() {
        quietly(|| handler(warning));
    }
}

/// The first time, says so.
#[inline]
pub(crate) fn dropped_in_queue(place: &'static Location<'static>) {
    static SAID: AtomicBool = AtomicBool::new(false);
    // ORDERING: Relaxed: it guards nothing but the saying.
    if !SAID.load(Ordering::Relaxed) && !SAID.swap(true, Ordering::Relaxed) {
        warn(&Warning::DroppedInQueue { place });
    }
}

pub(crate) fn overstayed(place: &'static Location<'static>, cancelled_for: Duration) {
    warn(&Warning::Overstayed { place, cancelled_for });
}

pub(crate) fn slow_call(place: &'static Location<'static>, ran_for: Duration) {
    warn(&Warning::SlowCall { place, ran_for });
}

/// A panic comes to who awaits the call, so that it is no warning; but the caller's span is entered here alone.
#[cfg(feature = "tracing")]
#[cold]
pub(crate) fn panicked(place: &'static Location<'static>, panic: &Panic) {
    quietly(
        || tracing::error!(target: "anyloop", "a call submitted at {place} panicked: {}", panic.message()),
    );
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn panicked(_: &'static Location<'static>, _: &Panic) {}

/// The same for what makes the value of an actor that was made at `place`.
#[cfg(feature = "tracing")]
#[cold]
pub(crate) fn factory_panicked(place: &'static Location<'static>, panic: &Panic) {
    quietly(|| {
        let message = panic.message();
        tracing::error!(target: "anyloop", "the factory of an actor made at {place} panicked: {message}");
    });
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn factory_panicked(_: &'static Location<'static>, _: &Panic) {}

const MAX_THREADS_VARIABLE: &str = "ANYLOOP_MAX_THREADS";

/// What is wrong with the environment's setting for the pool of the process.
pub(crate) fn bad_setting(error: &BuildError) {
    // Its other settings are the defaults, which can be.
    let BuildError::Environment { value } = error else { return };
    bad_setting_of(MAX_THREADS_VARIABLE, value, &error.to_string());
}

pub(crate) fn bad_setting_of(variable: &'static str, value: &str, text: &str) {
    warn(&Warning::BadSetting { variable, value, text });
}

pub(crate) fn stalled(report: &StallReport) {
    warn(&Warning::Stalled(report));
}

pub(crate) fn stuck(poll: &StuckPoll) {
    warn(&Warning::Stuck(poll));
}
