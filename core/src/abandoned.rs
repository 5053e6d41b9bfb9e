//! Calls that run although they were cancelled: nothing can stop them from outside, and they keep their threads.
//!
//! The register has an entry for each, under its closure's address. A canceller that finds the closure running
//! enters it; the thread that runs the closure strikes it out after the end, if it was cancelled. Why no entry is
//! left behind:
//!
//! - The canceller sets its mark in the closure's state first. Then, under the register's lock, it makes the entry, if
//!   the closure has not ended.
//! - The thread sets the mark of the end first, and sees in the state that it replaces whether it was cancelled. Then, under
//!   the lock, it strikes the entry out.
//! - If the canceller does not see the mark of the end, its own mark was there before: the thread sees that, and comes to
//!   the lock. If the thread came first, the lock shows the canceller the mark of the end, and it makes no entry. If the
//!   canceller came first, the thread finds the entry.
//!
//! Both hold the closure meanwhile. So no entry outlives it, and none can be taken for that of another one at the same
//! address. A call that nobody cancels takes no part in any of this.
//!
//! Calls that a pool's shutdown has left running are not in the register, unless they were cancelled, too: see
//! `thread_pool::stopped`.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{monitor, thread_pool, warning};

/// For how long a call that was cancelled may go on before it is told of.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Entry {
    /// Where the call was submitted.
    place: &'static Location<'static>,
    /// When it was cancelled.
    since: Instant,
    /// It was told of.
    reported: bool,
}

/// A call that has gone on for too long.
#[derive(Debug, PartialEq)]
pub(crate) struct Overstay {
    pub(crate) place: &'static Location<'static>,
    pub(crate) cancelled_for: Duration,
}

#[derive(Default)]
struct Register(BTreeMap<usize, Entry>);

static REGISTER: Mutex<Register> = Mutex::new(Register(BTreeMap::new()));

fn lock() -> MutexGuard<'static, Register> {
    // Numbers and places are moved under it; a closure's state is looked at.
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Register {
    /// Of a call that is cancelled twice, the first time counts.
    fn enter(&mut self, closure: usize, place: &'static Location<'static>, now: Instant) {
        self.0.entry(closure).or_insert(Entry { place, since: now, reported: false });
    }

    fn strike_out(&mut self, closure: usize) {
        self.0.remove(&closure);
    }

    /// Those to be told of, each once, and none that was told of already.
    fn overstayed(&mut self, now: Instant, told_of: &[usize]) -> Vec<Overstay> {
        let mut overstayed = Vec::new();
        for (closure, Entry { place, since, reported }) in &mut self.0 {
            let cancelled_for = now.saturating_duration_since(*since);
            if !*reported && cancelled_for >= PATIENCE {
                *reported = true;
                if !told_of.contains(closure) {
                    overstayed.push(Overstay { place, cancelled_for });
                }
            }
        }
        overstayed
    }

    /// Whether any is yet to be told of.
    fn needs_looking_at(&self) -> bool {
        self.0.values().any(|entry| !entry.reported)
    }

    /// How many of these closures are in it.
    fn count(&self, closures: &mut Vec<usize>) -> usize {
        // A thread may not have noted yet that its closure has gone, while another one runs at the same address.
        closures.sort_unstable();
        closures.dedup();
        closures.iter().filter(|closure| self.0.contains_key(closure)).count()
    }
}

/// A closure at this address was cancelled, is being run, and has not ended, as far as the caller knows, who holds it.
/// `has_ended` looks at its state.
#[cold]
pub(crate) fn enter(closure: usize, place: &'static Location<'static>, has_ended: impl FnOnce() -> bool) {
    {
        let mut register = lock();
        if has_ended() {
            return;
        }
        register.enter(closure, place, Instant::now());
    }
    // If there is no thread to be had, the next one that is entered asks again.
    let _ = monitor::call_in();
}

/// A closure that was cancelled has ended. The caller holds it.
#[cold]
pub(crate) fn strike_out(closure: usize) {
    lock().strike_out(closure);
}

/// How many of these closures are running although they were cancelled.
pub(crate) fn count(mut closures: Vec<usize>) -> usize {
    if closures.is_empty() { 0 } else { lock().count(&mut closures) }
}

/// For the monitor: tells of those that have gone on for too long.
pub(crate) fn look(now: Instant) {
    // Before the register is locked: those books ask it.
    let after_a_stop = thread_pool::overstayed_after_a_stop(now);
    let told_of = thread_pool::told_of_after_a_stop();
    let cancelled = lock().overstayed(now, &told_of);
    for Overstay { place, cancelled_for } in after_a_stop.into_iter().chain(cancelled) {
        warning::overstayed(place, cancelled_for);
    }
}

/// For the monitor: whether it has to come back.
pub(crate) fn has_calls_to_look_at() -> bool {
    lock().needs_looking_at()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::hint::spin_loop;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::{AnyPool, PoolExt, Refused, ThreadPool};

    #[test]
    fn a_call_is_told_of_once_when_it_has_gone_on_for_too_long() {
        let mut register = Register::default();
        let start = Instant::now();
        let (early, late) = (Location::caller(), std::panic::Location::caller());
        register.enter(1, early, start);
        register.enter(2, late, start + PATIENCE / 2);
        assert_eq!(register.overstayed(start + PATIENCE - Duration::from_nanos(1), &[]), []);
        assert!(register.needs_looking_at());

        let told = register.overstayed(start + PATIENCE, &[]);
        assert_eq!(told, [Overstay { place: early, cancelled_for: PATIENCE }]);
        assert!(register.needs_looking_at(), "the second one's time is yet to come");

        let told = register.overstayed(start + 2 * PATIENCE, &[]);
        assert_eq!(told, [Overstay { place: late, cancelled_for: PATIENCE * 3 / 2 }]);
        assert_eq!(register.overstayed(start + 9 * PATIENCE, &[]), []);
        assert!(!register.needs_looking_at(), "both were told of, and are still counted");
        assert_eq!(register.count(&mut vec![1, 2]), 2);
    }

    #[test]
    fn cancelled_twice_it_counts_from_the_first_time() {
        let mut register = Register::default();
        let start = Instant::now();
        let place = Location::caller();
        register.enter(1, place, start);
        register.enter(1, place, start + PATIENCE);
        assert_eq!(register.overstayed(start + PATIENCE, &[]).len(), 1);
        register.enter(1, place, start + 2 * PATIENCE);
        assert!(!register.needs_looking_at(), "it stays told of");
    }

    #[test]
    fn one_that_was_told_of_by_others_is_counted_alone() {
        let mut register = Register::default();
        let start = Instant::now();
        register.enter(1, Location::caller(), start);
        register.enter(2, Location::caller(), start);
        assert_eq!(register.overstayed(start + PATIENCE, &[1]).len(), 1);
        assert!(!register.needs_looking_at());
        assert_eq!(register.count(&mut vec![1, 2]), 2);
    }

    #[test]
    fn one_that_has_ended_is_neither_counted_nor_told_of() {
        let mut register = Register::default();
        let start = Instant::now();
        register.enter(1, Location::caller(), start);
        register.enter(2, Location::caller(), start);
        // One of them is not this register's, and one is seen by two threads.
        assert_eq!(register.count(&mut vec![2, 1, 3, 1]), 2);
        register.strike_out(1);
        register.strike_out(1);
        assert_eq!(register.count(&mut vec![1, 2, 3]), 1);
        assert_eq!(register.overstayed(start + PATIENCE, &[]).len(), 1);
        register.strike_out(2);
        assert!(register.0.is_empty());
        assert!(!register.needs_looking_at());
    }

    /// The canceller has found it running, and comes to the register when it has been struck out.
    #[test]
    fn one_that_ends_before_it_is_entered_is_not() {
        let (ended, place) = (AtomicBool::new(false), Location::caller());
        let closure = std::ptr::from_ref(&ended).addr();
        thread::scope(|scope| {
            let mut register = lock();
            let canceller = scope.spawn(|| enter(closure, place, || ended.load(Ordering::SeqCst)));
            ended.store(true, Ordering::SeqCst);
            register.strike_out(closure);
            drop(register);
            canceller.join().unwrap();
        });
        assert_eq!(count(vec![closure]), 0);
    }

    /// Calls that end at the very moment at which they are cancelled, in all ways.
    #[test]
    fn nothing_is_left_behind_whoever_comes_first() {
        const CALLS: usize = 6_000;
        let pool = ThreadPool::new(4).unwrap();
        for number in 0..CALLS {
            let begun = Arc::new(AtomicBool::new(false));
            let begins = begun.clone();
            let task = pool.submit(move || {
                begins.store(true, Ordering::SeqCst);
                (0..number % 64).for_each(|_| spin_loop());
            });
            while !begun.load(Ordering::SeqCst) && !number.is_multiple_of(8) {
                spin_loop();
            }
            (0..number % 61).for_each(|_| spin_loop());
            match number % 3 {
                0 => drop(task),
                1 => {
                    task.abort();
                    drop(task);
                }
                _ => {
                    let twice = thread::scope(|scope| {
                        scope.spawn(|| task.abort());
                        task.abort();
                        task.is_finished()
                    });
                    drop((twice, task));
                }
            }
        }
        // Calls of other tests may come and go here.
        let start = Instant::now();
        while !lock().0.is_empty() {
            assert!(start.elapsed() < 6 * PATIENCE, "{} entries are left", lock().0.len());
            thread::yield_now();
        }
        assert_eq!(pool.metrics().abandoned, 0);
    }

    /// C14: a call that is given back because its pool refused it was never running.
    #[test]
    fn what_is_given_back_is_not_entered() {
        let refusing = AnyPool::from_fn(|job| {
            drop(job);
            Err(Refused::Full)
        });
        let lines = line!() + 1..line!() + 4;
        assert!(refusing.try_submit(|| ()).is_err());
        drop(refusing.submit(|| ()));
        let is_here = |entry: &Entry| entry.place.file() == file!() && lines.contains(&entry.place.line());
        assert!(!lock().0.values().any(is_here));
    }
}
