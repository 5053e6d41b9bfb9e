//! The head of a limiter's line is cancelled while others come and go: those behind it may wait for nothing else.
//! `bash .ci/loom limiter`; what makes each model fail is shown by `bash .ci/loom-mutations`.

use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::{Arc, Mutex as StdMutex};

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::{InLine, Limiter, Limiting, Permit, Shared, holding};
use crate::error::TaskError;
use crate::pool::{AnyPool, InlinePool, Job, Pool, Refused};
use crate::task::{Ran, Runnable, Urgency};

/// A job that keeps what a closure keeps of a limiter.
#[derive(Default)]
struct Call {
    /// It is run, or was cancelled.
    claimed: AtomicBool,
    kept: Mutex<(Option<InLine>, Option<Permit>)>,
    work: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    ran: AtomicUsize,
}

impl Call {
    fn doing(work: impl FnOnce() + Send + 'static) -> Arc<Self> {
        let call = Self::default();
        *call.work.lock().unwrap() = Some(Box::new(work));
        Arc::new(call)
    }

    fn submit(self: &Arc<Self>, limiting: &Limiting) {
        assert!(limiting.execute(Job::new(self.clone())).is_ok());
    }

    fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    fn cancel(&self) {
        if self.claim() {
            self.let_go();
        }
    }

    fn let_go(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        drop(kept);
    }

    /// Gives `value` back if it was cancelled.
    fn keep<T>(&self, value: T, add: impl FnOnce(&mut (Option<InLine>, Option<Permit>), T)) -> Option<T> {
        let mut kept = self.kept.lock().unwrap();
        if self.claimed.load(Ordering::Acquire) {
            return Some(value);
        }
        add(&mut kept, value);
        None
    }

    fn has_run(&self) -> bool {
        self.ran.load(Ordering::Relaxed) == 1
    }
}

impl Runnable for Call {
    fn run(self: Arc<Self>, _: &mut dyn FnMut()) -> Ran {
        if !self.claim() {
            return Ran::Cancelled;
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
        let (place, permit) = std::mem::take(&mut *self.kept.lock().unwrap());
        let work = self.work.lock().unwrap().take();
        let ((), permit) = holding(permit, || work.into_iter().for_each(|work| work()));
        drop((place, permit));
        Ran::Returned
    }

    fn refuse(&self, _: TaskError) {
        self.cancel();
    }

    fn spent(&self) -> Option<Ran> {
        // As in a closure: whoever has cancelled it comes to the limiter's lock after that.
        self.claimed.load(Ordering::Relaxed).then_some(Ran::Cancelled)
    }

    fn stand_in_line(&self, place: InLine) {
        let refused = self.keep(place, |kept, place| kept.0 = Some(place));
        drop(refused);
    }

    fn carry(&self, permit: Permit) {
        let refused = self.keep(permit, |kept, permit| {
            if let Some(place) = kept.0.take() {
                place.leave();
            }
            kept.1 = Some(permit);
        });
        drop(refused);
    }

    fn expect_soon(&self) {}

    fn urgency(&self) -> Urgency {
        Urgency::None
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

/// A pool that keeps what was handed on to it, until it is told to run that.
#[derive(Clone, Default)]
struct Keeping(Arc<StdMutex<Vec<Job>>>);

impl Keeping {
    fn run_all(&self) {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        jobs.into_iter().for_each(Job::run);
    }
}

impl Pool for Keeping {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.0.lock().unwrap().push(job);
        Ok(())
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}

/// A limiter of so many permits in front of a pool. Each job takes one of them; or all, by the second way.
fn limited(limit: usize) -> (Keeping, [Limiting; 2]) {
    let pool = Keeping::default();
    let limiter = Shared::Owned(Arc::new(Limiter::new(limit)));
    let ways = [1, limit].map(|permits| Limiting { limiter: limiter.clone(), permits, pool: pool.to_any() });
    (pool, ways)
}

/// There is room for who comes behind the head, which is cancelled before it is there to be seen, or after that, or when
/// the other one is.
#[test]
fn the_head_is_cancelled_while_another_comes() {
    loom::model(|| {
        let (pool, [one, all]) = limited(2);
        let [first, head, second] = [(); 3].map(|()| Arc::new(Call::default()));
        first.submit(&one);
        let canceller = {
            let head = head.clone();
            thread::spawn(move || head.cancel())
        };
        head.submit(&all);
        second.submit(&one);
        canceller.join().unwrap();
        pool.run_all();
        assert!(first.has_run() && !head.has_run());
        assert!(second.has_run(), "it is left in line");
    });
}

/// The head is cancelled as a permit is given back, which it may be given or not.
#[test]
fn the_head_is_cancelled_while_a_permit_is_given_back() {
    loom::model(|| {
        let (pool, [one, _]) = limited(1);
        let [first, head, second] = [(); 3].map(|()| Arc::new(Call::default()));
        for call in [&first, &head, &second] {
            call.submit(&one);
        }
        let canceller = {
            let head = head.clone();
            thread::spawn(move || head.cancel())
        };
        pool.run_all();
        canceller.join().unwrap();
        assert!(first.has_run() && !head.has_run());
        // Also where the head was handed on before it was cancelled.
        pool.run_all();
        assert!(second.has_run(), "it is left in line");
    });
}

/// Two calls end. One of them hands on the third, in place, which waits for the fourth.
#[test]
fn a_call_that_is_run_in_place_keeps_no_permit_from_others() {
    loom::model(|| {
        let limiter = Shared::Owned(Arc::new(Limiter::new(2)));
        let by = |pool| Limiting { limiter: limiter.clone(), permits: 1, pool };
        let ends = [Keeping::default(), Keeping::default()];
        for pool in &ends {
            Arc::new(Call::default()).submit(&by(pool.to_any()));
        }
        let bell = loom::sync::Arc::new((Mutex::new(false), Condvar::new()));
        let rung = bell.clone();
        let calls = [
            Call::doing(move || {
                let mut has_rung = rung.0.lock().unwrap();
                while !*has_rung {
                    has_rung = rung.1.wait(has_rung).unwrap();
                }
            }),
            Call::doing(move || {
                *bell.0.lock().unwrap() = true;
                bell.1.notify_one();
            }),
        ];
        calls.iter().for_each(|call| call.submit(&by(InlinePool.to_any())));
        let threads = ends.map(|pool| thread::spawn(move || pool.run_all()));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(calls.iter().all(|call| call.has_run()));
    });
}
