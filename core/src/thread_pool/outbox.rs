//! The pool's own queue behind locks of its own: so that workers and submitters neither meet at the pool's lock for
//! each call, nor, most of the time, at these.
//!
//! It is **open** while the own queue is the only one with anything in it, and somebody is there who will look at it,
//! whatever comes (`Shared::is_attended`). Then its jobs are here, all of them: submitters put theirs in, and workers take them
//! out, without another look. Opened and closed it is under the pool's lock;
//! and closed it is before anybody else's job is queued, so that no tenant waits for what is in it.
//!
//! It has two ends with a lock each, as in the two-lock queue of Michael and Scott (1996): what comes is at the back; when the front
//! has been emptied, whoever takes next has all that is at the back brought to the front. So a worker that is behind meets its
//! submitters once for many jobs. The order of the locks: the pool's, the front's, the back's.

use std::collections::VecDeque;
use std::mem;
use std::sync::PoisonError;

use super::growth::BURST;
use super::samples::{Entry, Samples};
use super::sync::atomic::{AtomicUsize, Ordering};
use super::sync::{Mutex, MutexGuard};
use crate::context::is_in_task_poll;
use crate::pool::Job;

/// So many single jobs in a row are taken to be those of one task.
const SINGLE: u32 = 8;

#[derive(Default)]
pub(super) struct Outbox {
    front: End<Front>,
    back: End<Back>,
}

/// On cache lines of its own: who is at one end does not disturb those at the other. (Two, for some processors fetch them in pairs.)
#[repr(align(128))]
#[derive(Default)]
struct End<T> {
    inside: Mutex<T>,
    /// How many jobs are at this end. Changed under its lock.
    len: AtomicUsize,
}

/// What workers take from.
#[derive(Default)]
struct Front {
    jobs: VecDeque<Entry>,
    /// Of those that leave.
    samples: Samples,
    /// Jobs taken so far.
    taken: u64,
}

/// What submitters put theirs into.
#[derive(Default)]
struct Back {
    jobs: VecDeque<Entry>,
    /// As many jobs may be at this end; 0 while it is closed.
    room: usize,
    /// Of those that come.
    samples: Samples,
    /// How many of the next jobs are expected to end soon.
    soon: usize,
    /// How many jobs were, one after the other, the first that came to a worker who lingered.
    single: u32,
}

impl<T> End<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        // Entries are moved under it, and nothing else.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_len(&self, jobs: &VecDeque<Entry>) {
        // ORDERING: Release, see `Outbox::len`.
        self.len.store(jobs.len(), Ordering::Release);
    }
}

impl Outbox {
    /// Puts a job in; gives it back if that is not open.
    pub(super) fn push(&self, job: Job, now: impl FnOnce() -> u64) -> Result<(), Job> {
        let driver = job.driver();
        let mut back = self.back.lock();
        if back.jobs.len() >= back.room {
            return Err(job);
        }
        let is_first = back.soon == BURST;
        back.single = if is_first { back.single.saturating_add(1) } else { 0 };
        if back.soon > 0 {
            back.soon -= 1;
            // A task that spins has the others of its thread wait. It is most likely the only one while nobody gives the pool
            // a second job before the first is done.
            if back.single > SINGLE || !is_in_task_poll() {
                job.expect_soon();
            }
        }
        let queued_at = back.samples.enter(now);
        back.jobs.push_back(Entry { job, queued_at, driver });
        self.back.note_len(&back.jobs);
        Ok(())
    }

    /// The next job.
    pub(super) fn take(&self) -> Option<Entry> {
        self.take_if(|_| true)
    }

    /// The next job, if `wanted`.
    pub(super) fn take_if(&self, wanted: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        // ORDERING: Relaxed: who is told that there is nothing looks again under the pool's lock before it sleeps. The back's line is
        // left to the submitters as long as there is something at the front.
        if self.front.len.load(Ordering::Relaxed) == 0 && self.back.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut front = self.front.lock();
        if front.jobs.is_empty() {
            self.bring_forward(&mut front);
        }
        front.jobs.front().filter(|entry| wanted(entry))?;
        let entry = front.jobs.pop_front()?;
        front.samples.leave(&entry);
        front.taken += 1;
        self.front.note_len(&front.jobs);
        Some(entry)
    }

    /// Brings what is at the back to the front, which is empty.
    fn bring_forward(&self, front: &mut Front) {
        let mut back = self.back.lock();
        mem::swap(&mut front.jobs, &mut back.jobs);
        // In this order: see `len`.
        self.front.note_len(&front.jobs);
        self.back.note_len(&back.jobs);
    }

    /// Takes over a queue, and is open from now on for so many jobs. Under the pool's lock.
    pub(super) fn open(&self, jobs: &mut VecDeque<Entry>, samples: Samples, room: usize) {
        let (mut front, mut back) = (self.front.lock(), self.back.lock());
        debug_assert!(
            front.jobs.is_empty() && back.jobs.is_empty(),
            "what is here while it is closed would be forgotten"
        );
        mem::swap(&mut front.jobs, jobs);
        (front.samples, back.samples, back.room) = (samples, samples, room);
        self.front.note_len(&front.jobs);
    }

    /// Gives back what is in it. Under the pool's lock.
    pub(super) fn close(&self, jobs: &mut VecDeque<Entry>) -> Samples {
        let (mut front, mut back) = (self.front.lock(), self.back.lock());
        debug_assert!(jobs.is_empty(), "what is there while it is open would come too late");
        if front.jobs.is_empty() {
            mem::swap(&mut back.jobs, jobs);
        } else {
            mem::swap(&mut front.jobs, jobs);
            jobs.append(&mut back.jobs);
        }
        (back.room, back.soon) = (0, 0);
        self.front.note_len(&front.jobs);
        self.back.note_len(&back.jobs);
        Samples::of_both(back.samples, front.samples)
    }

    /// Whether the jobs of the burst that comes next are expected to end soon. Under the pool's lock, while it is open.
    pub(super) fn expect_soon(&self, expected: bool) {
        self.back.lock().soon = if expected { BURST } else { 0 };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many jobs are in it. What is being brought forward is never missed, but may be counted twice; 0 says that whatever
    /// was in it when the look began has been taken. Who decides by that has the outbox closed first, or somebody else at it.
    pub(super) fn len(&self) -> usize {
        // ORDERING: Acquire, with the Release of `note_len`: whoever sees what `bring_forward` has left at the back sees what it has
        // put to the front.
        let back = self.back.len.load(Ordering::Acquire);
        back + self.front.len.load(Ordering::Acquire)
    }

    /// Whether anybody still waits for what is in it.
    pub(super) fn is_awaited(&self) -> bool {
        let front = self.front.lock();
        let any = |jobs: &VecDeque<Entry>| jobs.iter().any(|entry| !entry.job.is_cancelled());
        any(&front.jobs) || any(&self.back.lock().jobs)
    }

    pub(super) fn taken(&self) -> u64 {
        self.front.lock().taken
    }

    /// When the first in line had been queued at the latest sample before it; `None` if nobody waits.
    pub(super) fn oldest(&self) -> Option<u64> {
        let front = self.front.lock();
        let first = |jobs: &VecDeque<Entry>| jobs.front().map(|entry| front.samples.time_of(entry));
        first(&front.jobs).or_else(|| first(&self.back.lock().jobs))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::mpsc;

    use super::*;
    use crate::pool::{AnyPool, Pool, PoolExt, Refused};

    /// Keeps what it is given.
    #[derive(Clone)]
    struct Keeping(mpsc::SyncSender<Job>);

    impl Pool for Keeping {
        fn execute(&self, job: Job) -> Result<(), Refused> {
            self.0.send(job).map_err(|_| Refused::Shutdown)
        }

        fn max_threads(&self) -> Option<NonZeroUsize> {
            None
        }

        fn to_any(&self) -> AnyPool {
            AnyPool::new(self.clone())
        }
    }

    /// Jobs that tell their numbers when they run.
    fn jobs(count: usize) -> (Vec<Job>, mpsc::Receiver<usize>) {
        let ((pool, jobs), (ran, numbers)) = (mpsc::sync_channel(count), mpsc::channel());
        for number in 0..count {
            let ran = ran.clone();
            Keeping(pool.clone()).submit(move || ran.send(number)).detach();
        }
        (jobs.into_iter().take(count).collect(), numbers)
    }

    fn opened() -> Outbox {
        let outbox = Outbox::default();
        outbox.open(&mut VecDeque::new(), Samples::default(), usize::MAX);
        outbox
    }

    fn push(outbox: &Outbox, job: Job) {
        assert!(outbox.push(job, || 1).is_ok(), "it is open");
    }

    #[test]
    fn what_is_at_both_ends_goes_back_in_the_order_in_which_it_came() {
        let ((jobs, ran), outbox) = (jobs(5), opened());
        let mut jobs = jobs.into_iter();
        jobs.by_ref().take(3).for_each(|job| push(&outbox, job));
        // Takes the first, and brings two to the front.
        outbox.take().unwrap().job.run();
        jobs.for_each(|job| push(&outbox, job));
        assert_eq!((outbox.front.lock().jobs.len(), outbox.back.lock().jobs.len()), (2, 2));
        let mut queue = VecDeque::new();
        outbox.close(&mut queue);
        assert!(outbox.is_empty());
        queue.into_iter().for_each(|entry| entry.job.run());
        assert_eq!(ran.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_is_at_the_front_goes_before_what_comes_later() {
        let ((jobs, ran), outbox) = (jobs(6), opened());
        for (number, job) in jobs.into_iter().enumerate() {
            push(&outbox, job);
            if number % 2 == 1 {
                outbox.take().unwrap().job.run();
            }
        }
        assert_eq!((outbox.len(), outbox.taken()), (3, 3));
        while let Some(entry) = outbox.take() {
            entry.job.run();
        }
        assert_eq!(ran.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn closed_it_gives_a_job_back() {
        let ((mut jobs, ran), outbox) = (jobs(1), opened());
        outbox.close(&mut VecDeque::new());
        let given_back = outbox.push(jobs.remove(0), || 1).unwrap_err();
        assert!(outbox.take().is_none());
        given_back.run();
        assert_eq!(ran.recv(), Ok(0));
    }
}
