//! Reports polls that hold their thread, while they do: asyncio's debug mode, for Rust.
//!
//! Each thread that polls has a slot, in which it notes that a poll has begun and whose it is, and that it has ended. One
//! thread looks at the slots now and then. A poll costs a lock that nobody contends and two stores; with the
//! watchdog off, one load.

use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::warning;

/// As `loop.slow_callback_duration` of asyncio.
const THRESHOLD: Duration = Duration::from_millis(100);
/// How often within the threshold the slots are looked at.
const LOOKS: u32 = 10;

/// A poll that has not come back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StuckPoll {
    /// Where the task was spawned, or its `block_on` called; `None` if that was before the watchdog was started.
    pub place: Option<&'static Location<'static>>,
    /// The name of the thread that it holds; empty if it has none.
    pub thread: String,
    /// The thread's id, which tells it from others of the same name.
    pub thread_id: ThreadId,
    /// For how long, at least: since it was seen first.
    pub stuck_for: Duration,
}

impl fmt::Display for StuckPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, thread, thread_id, stuck_for } = self;
        match place {
            Some(place) => write!(f, "the task spawned at {place}")?,
            None => f.write_str("a task that was spawned before the watchdog was started")?,
        }
        write!(
            f,
            " has held the thread {thread:?} ({thread_id:?}) for {} ms without an await that waits, and the thread's other tasks \
             wait for it: put what blocks there under #[async_wrap], or into to_thread",
            stuck_for.as_millis()
        )
    }
}

/// A watchdog that has not been started; made by [`watchdog`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a watchdog watches nothing until `start()`"]
pub struct Watchdog {
    threshold: Duration,
}

/// Watches over the polls of all tasks that anyloop spawns or drives, once it is started: one that holds its thread for
/// longer than 100 ms, or than another [threshold](Watchdog::threshold), is a [`Warning`](crate::Warning) while it
/// does so, once a poll.
///
/// For development and for tests, as asyncio's debug mode: a poll costs up to 20 ns more with it, a spawn an
/// allocation. A handler of [`on_warning`](crate::on_warning()) that blocks keeps the watchdog from looking.
///
/// A poll inside of another one, such as a `block_on`'s, is reported as itself if it takes that long; if it is many short ones
/// that do, the poll around them is.
///
/// ```
/// use std::time::Duration;
///
/// anyloop_core::on_warning(|warning| eprintln!("anyloop: {warning}"))?;
/// anyloop_core::watchdog().threshold(Duration::from_millis(50)).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn watchdog() -> Watchdog {
    Watchdog { threshold: THRESHOLD }
}

impl Watchdog {
    /// How long a poll may take: 100 ms if not set. One is reported for certain that takes a
    /// tenth longer.
    pub fn threshold(mut self, threshold: Duration) -> Self {
        self.threshold = threshold;
        self
    }

    /// Starts it, for the rest of the process. Tasks that were spawned before are watched too, but their place
    /// is not known.
    ///
    /// # Errors
    ///
    /// - [`AlreadyExists`](io::ErrorKind::AlreadyExists) the second time: the first goes on.
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput) for a threshold of zero.
    /// - The system's error if it gives no thread.
    pub fn start(self) -> io::Result<()> {
        if self.threshold.is_zero() {
            let text =
                "a watchdog with a threshold of zero would report every poll: give it a few milliseconds";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut started = lock(&STARTED);
        if *started {
            let text = "a watchdog is watching already, and there is one for each process";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        thread::Builder::new().name("anyloop-watchdog".to_owned()).spawn(move || watch(self.threshold))?;
        *started = true;
        // ORDERING: Relaxed: a thread that learns of it a little later is watched a little later.
        ON.store(true, Ordering::Relaxed);
        Ok(())
    }
}

static STARTED: Mutex<bool> = Mutex::new(false);
static ON: AtomicBool = AtomicBool::new(false);
static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());

/// Numbers, places and pointers are moved under these locks, and nothing else is done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[inline]
pub(crate) fn is_on() -> bool {
    // ORDERING: Relaxed, see `start`.
    ON.load(Ordering::Relaxed)
}

/// What a thread is at.
struct Slot {
    thread: String,
    thread_id: ThreadId,
    /// Changes with each beginning and end: by one with those of the outermost poll, so that it is odd in a poll, and
    /// by `NESTED` with those of the ones inside. Written by its own thread only.
    serial: AtomicU64,
    places: Mutex<Places>,
}

type Place = Option<&'static Location<'static>>;

/// Of the polls that are underway.
#[derive(Clone, Copy, Default)]
struct Places {
    outermost: Place,
    innermost: Place,
}

/// What the polls inside of another one are counted in, so that the part below is the outermost one's alone.
const NESTED: u64 = 1 << 32;

thread_local! {
    static SLOT: Arc<Slot> = Slot::of_this_thread();
}

impl Slot {
    fn of_this_thread() -> Arc<Self> {
        let thread = thread::current();
        let slot = Arc::new(Self {
            thread: thread.name().unwrap_or_default().to_owned(),
            thread_id: thread.id(),
            serial: AtomicU64::new(0),
            places: Mutex::default(),
        });
        lock(&SLOTS).push(Arc::downgrade(&slot));
        slot
    }

    fn serial(&self) -> u64 {
        // ORDERING: Relaxed: read by its own thread, or as a hint, or under the lock.
        self.serial.load(Ordering::Relaxed)
    }

    fn count(&self, step: u64) {
        // ORDERING: Relaxed: which place belongs to which serial is settled by the lock.
        self.serial.store(self.serial().wrapping_add(step), Ordering::Relaxed);
    }

    /// The places of the polls of `serial`, if they are still underway.
    fn places_of(&self, serial: u64) -> Option<Places> {
        let places = lock(&self.places);
        (self.serial() == serial).then_some(*places)
    }
}

/// Notes the poll of a task while it lives. Polls may be nested.
pub(crate) struct Watched {
    outer_place: Place,
    is_nested: bool,
}

impl Watched {
    /// `None` while the watchdog is off.
    #[inline]
    pub(crate) fn begin(place: impl FnOnce() -> Place) -> Option<Self> {
        if is_on() { Self::begin_watched(place()) } else { None }
    }

    #[inline(never)]
    fn begin_watched(place: Place) -> Option<Self> {
        // Late in a thread's life there is no slot any more.
        SLOT.try_with(|slot| {
            let is_nested = slot.serial() & 1 == 1;
            let mut places = lock(&slot.places);
            let outer_place = std::mem::replace(&mut places.innermost, place);
            if !is_nested {
                places.outermost = place;
            }
            slot.count(if is_nested { NESTED } else { 1 });
            drop(places);
            Self { outer_place, is_nested }
        })
        .ok()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = SLOT.try_with(|slot| {
            if self.is_nested {
                lock(&slot.places).innermost = self.outer_place;
                slot.count(NESTED);
            } else {
                slot.count(1);
            }
        });
    }
}

/// What the watchdog remembers of a slot.
struct Seen {
    slot: Weak<Slot>,
    serial: u64,
    /// Since when the outermost poll has been there, and what is underway in it.
    outermost_since: Instant,
    since: Instant,
    reported: bool,
}

fn watch(threshold: Duration) {
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        thread::sleep((threshold / LOOKS).max(Duration::from_millis(1)));
        let fresh = std::mem::take(&mut *lock(&SLOTS));
        let now = Instant::now();
        seen.extend(fresh.into_iter().map(|slot| Seen::new(slot, now)));
        seen.retain_mut(|seen| {
            let Some(slot) = seen.slot.upgrade() else { return false };
            if let Some(stuck) = seen.look(&slot, now, threshold) {
                warning::stuck(&stuck);
            }
            true
        });
    }
}

impl Seen {
    fn new(slot: Weak<Slot>, now: Instant) -> Self {
        Self { slot, serial: 0, outermost_since: now, since: now, reported: false }
    }

    /// The report of a poll that has been seen for longer than the threshold, once for each outermost one.
    fn look(&mut self, slot: &Slot, now: Instant, threshold: Duration) -> Option<StuckPoll> {
        let serial = slot.serial();
        if serial != self.serial {
            if !(serial ^ self.serial).is_multiple_of(NESTED) {
                (self.outermost_since, self.reported) = (now, false);
            }
            (self.serial, self.since) = (serial, now);
        }
        let [stuck_for, outermost_for] =
            [self.since, self.outermost_since].map(|since| now.saturating_duration_since(since));
        if serial & 1 == 0 || self.reported || outermost_for < threshold {
            return None;
        }
        let Places { outermost, innermost } = slot.places_of(serial)?;
        self.reported = true;
        // If none of those inside takes so long by itself, it is the one around them that goes on and on.
        let (place, stuck_for) =
            if stuck_for < threshold { (outermost, outermost_for) } else { (innermost, stuck_for) };
        Some(StuckPoll { place, thread: slot.thread.clone(), thread_id: slot.thread_id, stuck_for })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: Duration = Duration::from_millis(10);

    /// A poll is reported once, when it has been there for the threshold; the next one anew.
    #[test]
    fn a_poll_is_reported_once() {
        let slot = SLOT.with(Arc::clone);
        let start = Instant::now();
        let mut seen = Seen::new(Arc::downgrade(&slot), start);
        let here = Location::caller();
        for round in 1..=2 {
            let begun = start + round * 100 * THRESHOLD;
            let poll = Watched::begin_watched(Some(here)).unwrap();
            assert!(seen.look(&slot, begun, THRESHOLD).is_none());
            assert!(seen.look(&slot, begun + THRESHOLD / 2, THRESHOLD).is_none());
            let stuck = seen.look(&slot, begun + 2 * THRESHOLD, THRESHOLD).expect("it is stuck");
            assert_eq!((stuck.place, stuck.stuck_for), (Some(here), 2 * THRESHOLD));
            assert!(seen.look(&slot, begun + 3 * THRESHOLD, THRESHOLD).is_none(), "said once");
            drop(poll);
            assert!(seen.look(&slot, begun + 50 * THRESHOLD, THRESHOLD).is_none(), "idle is not stuck");
            assert!(seen.look(&slot, begun + 60 * THRESHOLD, THRESHOLD).is_none());
        }
    }

    /// A poll inside another one is reported as itself if it takes so long, and then the other one is not, too.
    #[test]
    fn a_nested_poll_is_itself() {
        let slot = SLOT.with(Arc::clone);
        let start = Instant::now();
        let mut seen = Seen::new(Arc::downgrade(&slot), start);
        let (outer_place, inner_place) = (Location::caller(), std::panic::Location::caller());
        let outer = Watched::begin_watched(Some(outer_place));
        assert!(seen.look(&slot, start, THRESHOLD).is_none());
        let inner = Watched::begin_watched(Some(inner_place));
        assert!(seen.look(&slot, start + THRESHOLD / 2, THRESHOLD).is_none(), "it has just begun");
        let stuck = seen.look(&slot, start + 2 * THRESHOLD, THRESHOLD).expect("it is stuck");
        assert_eq!((stuck.place, stuck.stuck_for), (Some(inner_place), 3 * THRESHOLD / 2));
        drop(inner);
        assert!(seen.look(&slot, start + 9 * THRESHOLD, THRESHOLD).is_none(), "it was reported");
        drop(outer);
    }

    /// Many short polls inside of one that does not come back.
    #[test]
    fn nested_polls_hide_nothing() {
        let slot = SLOT.with(Arc::clone);
        let start = Instant::now();
        let mut seen = Seen::new(Arc::downgrade(&slot), start);
        let (outer_place, inner_place) = (Location::caller(), std::panic::Location::caller());
        let outer = Watched::begin_watched(Some(outer_place));
        let reports = (0..20).filter_map(|look| {
            drop(Watched::begin_watched(Some(inner_place)));
            let _inner = Watched::begin_watched(Some(inner_place));
            seen.look(&slot, start + look * THRESHOLD / 10, THRESHOLD)
        });
        let reports: Vec<_> = reports.map(|stuck| (stuck.place, stuck.stuck_for)).collect();
        assert_eq!(reports, [(Some(outer_place), THRESHOLD)]);
        drop(outer);
    }
}
