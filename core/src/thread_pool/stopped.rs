//! Threads that were told to end by a shutdown whose time was up, and what they still run.
//!
//! Such a call is one that goes on although it was cancelled, as those in the register of `crate::abandoned` are. But the pool
//! told its thread, and not the call itself: so it is the thread that is written down here. It runs nothing after that call.
//! The process's monitor looks at those here and forgets them when they run nothing any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::employment::Employee;
use crate::abandoned::{self, Overstay};
use crate::monitor;

struct Stopped {
    employee: Arc<Employee>,
    /// When it was told.
    since: Instant,
    /// Its call was told of.
    reported: bool,
}

#[derive(Default)]
struct Books(Vec<Stopped>);

static BOOKS: Mutex<Books> = Mutex::new(Books(Vec::new()));

fn lock() -> MutexGuard<'static, Books> {
    // Numbers and places are moved under it.
    BOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    /// Lets go of those that run nothing.
    fn clear(&mut self, now: Instant) {
        // One that has just taken its job may not have noted yet that it runs it.
        let is_on_its_way = |since| now.saturating_duration_since(since) < monitor::TICK;
        self.0.retain(|stopped| stopped.employee.closure().is_some() || is_on_its_way(stopped.since));
    }

    /// The calls to be told of, each once.
    fn overstayed(&mut self, now: Instant) -> Vec<Overstay> {
        self.clear(now);
        let mut overstayed = Vec::new();
        self.0.retain_mut(|Stopped { employee, since, reported }| {
            let cancelled_for = now.saturating_duration_since(*since);
            if *reported || cancelled_for < abandoned::PATIENCE {
                return true;
            }
            let (Some((closure, _)), Some(place)) = (employee.closure(), employee.place()) else {
                return false;
            };
            if abandoned::count(vec![closure]) > 0 {
                // Its task was cancelled, too: the register tells of it.
                return false;
            }
            *reported = true;
            overstayed.push(Overstay { place, cancelled_for });
            true
        });
        overstayed
    }

    /// Whether any is yet to be told of.
    fn need_looking_at(&self) -> bool {
        self.0.iter().any(|stopped| !stopped.reported)
    }

    /// The closures that were told of, by their addresses, and still run.
    fn told_of(&self) -> Vec<usize> {
        let told = self.0.iter().filter(|stopped| stopped.reported);
        told.filter_map(|stopped| stopped.employee.closure()).map(|(closure, _)| closure).collect()
    }
}

/// These threads have been told to end: what they run is looked at until it has ended, or was told of.
pub(super) fn look_after(employees: Vec<Arc<Employee>>) {
    let since = Instant::now();
    {
        let mut books = lock();
        books.clear(since);
        books.0.extend(employees.into_iter().map(|employee| Stopped { employee, since, reported: false }));
    }
    // If there is no thread to be had, the next one that asks for it has it look at these, too.
    let _ = monitor::call_in();
}

/// For the monitor: the calls that have gone on for too long since their threads were told.
pub(crate) fn overstayed(now: Instant) -> Vec<Overstay> {
    lock().overstayed(now)
}

/// For the monitor: whether it has to come back.
pub(crate) fn has_threads_to_look_at() -> bool {
    lock().need_looking_at()
}

/// The closures that were told of because their threads had been told to end, and still run.
pub(crate) fn told_of() -> Vec<usize> {
    lock().told_of()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::abandoned::PATIENCE;
    use crate::{AnyPool, Job, PoolExt, Task};

    /// A thread that runs a call of this place from now on, and the call.
    #[track_caller]
    fn busy() -> (Arc<Employee>, Job, Task<()>) {
        let slot = Arc::new(Mutex::new(None));
        let kept = slot.clone();
        let pool = AnyPool::from_fn(move |job| {
            *kept.lock().unwrap() = Some(job);
            Ok(())
        });
        let task = pool.submit(|| ());
        let job = slot.lock().unwrap().take().unwrap();
        let employee = Arc::new(Employee::default());
        employee.begin(&job, 0);
        (employee, job, task)
    }

    fn books(employees: &[&Arc<Employee>], since: Instant) -> Books {
        let stopped =
            |employee: &&Arc<Employee>| Stopped { employee: (*employee).clone(), since, reported: false };
        Books(employees.iter().map(stopped).collect())
    }

    #[test]
    fn a_call_is_told_of_once_and_is_known_to_have_been_while_it_runs() {
        let start = Instant::now();
        let line = line!() + 1;
        let (employee, job, _task) = busy();
        let mut books = books(&[&employee], start);
        assert!(books.overstayed(start + PATIENCE - Duration::from_nanos(1)).is_empty());
        assert!(books.need_looking_at() && books.told_of().is_empty());

        let told = books.overstayed(start + PATIENCE);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].place.line(), told[0].cancelled_for), (line, PATIENCE));
        assert!(!books.need_looking_at() && books.told_of() == [job.address()]);
        assert!(books.overstayed(start + 2 * PATIENCE).is_empty());

        employee.end();
        assert!(books.told_of().is_empty());
        assert!(books.overstayed(start + 2 * PATIENCE).is_empty());
        assert!(books.0.is_empty(), "it has been forgotten");
    }

    #[test]
    fn a_thread_that_runs_nothing_is_forgotten_but_not_at_once() {
        let start = Instant::now();
        let (idle, (ending, _job, _task)) = (Arc::new(Employee::default()), busy());
        let mut books = books(&[&idle, &ending], start);
        books.clear(start + monitor::TICK / 2);
        assert_eq!(books.0.len(), 2, "one may be about to begin a call");
        books.clear(start + monitor::TICK);
        assert_eq!(books.0.len(), 1);
        ending.end();
        assert!(books.overstayed(start + PATIENCE).is_empty());
        assert!(!books.need_looking_at());
    }

    #[test]
    fn what_is_in_the_register_is_left_to_it() {
        let start = Instant::now();
        let (employee, job, _task) = busy();
        let mut books = books(&[&employee], start);
        abandoned::enter(job.address(), job.place(), || false);
        let told = books.overstayed(start + PATIENCE);
        abandoned::strike_out(job.address());
        assert!(told.is_empty());
        assert!(books.told_of().is_empty() && !books.need_looking_at());
    }
}
