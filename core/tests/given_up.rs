//! Jobs that are given up, or go on although the pool around them is, and threads that wait, at unusual places.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyloop_core::{Actor, AnyPool, InlinePool, Job, Limited, Pool, PoolExt, Refused, TaskError, ThreadPool};

/// Keeps the first job, and refuses every later one.
#[derive(Clone, Default)]
struct KeepsOne(Arc<Mutex<Option<Job>>>);

impl Pool for KeepsOne {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        let mut kept = self.0.lock().unwrap();
        if kept.is_none() {
            *kept = Some(job);
            return Ok(());
        }
        drop(kept);
        drop(job);
        Err(Refused::Full)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}

/// Passes a job to a view, and ends what the view's one place is taken by: so the job is handed on, and
/// refused, while its own submitter is still inside `execute`.
#[derive(Clone)]
struct FreesThePlace {
    view: Limited,
    keeps: KeepsOne,
}

impl Pool for FreesThePlace {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        self.view.execute(job)?;
        // The place stays taken, so that what is handed on now is refused.
        let held = self.keeps.0.lock().unwrap().take();
        let stays = self.keeps.submit(|| ());
        drop(held);
        stays.detach();
        Ok(())
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}

#[test]
fn a_job_that_is_refused_while_two_submit_it_ends_once() {
    let keeps = KeepsOne::default();
    let view = keeps.limit(1);
    let first = view.submit(|| 1);
    let pool = FreesThePlace { view, keeps };
    let task = pool.try_submit(|| 2).map_err(|(_, reason)| reason).expect("it was queued");
    assert!(matches!(task.wait(), Err(TaskError::Full | TaskError::Shutdown)));
    assert!(matches!(first.wait(), Err(TaskError::Shutdown)));
}

/// Keeps so many jobs, loses them when the next one comes, and refuses that.
#[derive(Clone)]
struct LosesAll {
    most: usize,
    kept: Arc<Mutex<Vec<Job>>>,
    has_lost: Arc<AtomicBool>,
}

impl Pool for LosesAll {
    fn execute(&self, job: Job) -> Result<(), Refused> {
        let lost = {
            let mut kept = self.kept.lock().unwrap();
            if kept.len() < self.most {
                kept.push(job);
                return Ok(());
            }
            std::mem::take(&mut *kept)
        };
        self.has_lost.store(true, Ordering::SeqCst);
        drop(lost);
        drop(job);
        Err(Refused::Shutdown)
    }

    fn max_threads(&self) -> Option<NonZeroUsize> {
        None
    }

    fn to_any(&self) -> AnyPool {
        AnyPool::new(self.clone())
    }
}

/// Whichever of its jobs the others are lost with, the map is told: the last one that it submits runs no items, and none is left.
#[test]
fn a_map_whose_jobs_are_lost_while_it_submits_another_ends() {
    for most in 0.. {
        let has_lost = Arc::new(AtomicBool::new(false));
        let pool = LosesAll { most, kept: Arc::default(), has_lost: has_lost.clone() };
        let mut map = pin!(pool.map(0..10_000, |item| item).settle());
        let ended = map.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if !has_lost.load(Ordering::SeqCst) {
            assert!(most >= 2, "a runner and its watcher at least");
            break;
        }
        assert!(
            matches!(ended, Poll::Ready(Err(TaskError::Shutdown))),
            "the others were lost with job {most}"
        );
    }
}

/// A hook runs where its pool does not count the thread as busy, so that it has no place to lend.
#[test]
fn a_hook_may_wait_for_another_pool() {
    let other = ThreadPool::new(1).unwrap();
    let (starting, stopping) = (other.clone(), other.clone());
    let slow = || std::thread::sleep(Duration::from_millis(5));
    let pool = ThreadPool::builder()
        .max_threads(2)
        .keep_alive(Duration::from_millis(1))
        .on_thread_start(move || starting.submit(slow).wait().unwrap())
        .on_thread_stop(move || stopping.submit(slow).wait().unwrap())
        .build()
        .unwrap();
    for round in 0..20 {
        let tasks: Vec<_> = (0..4).map(|number| pool.submit(move || number)).collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.wait().unwrap(), number);
        }
        std::thread::sleep(Duration::from_millis(round % 5));
    }
}

/// Has a call of `pool` run `inside`, shuts the pool down without any time, and lets the call go on. `meanwhile` comes before the
/// shutdown.
fn shut_down_around<T>(
    pool: ThreadPool,
    inside: impl FnOnce(Box<dyn FnOnce() + Send>) + Send + 'static,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let ((begun, begins), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let held = Box::new(move || {
        begun.send(()).unwrap();
        let _ = ended.recv();
    });
    let call = pool.submit(move || inside(held));
    begins.recv().unwrap();
    let value = meanwhile();
    pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
    drop(end);
    call.wait().unwrap();
    value
}

/// Who is run in place, on the thread of a pool whose time is up, belongs to another one.
#[test]
fn an_actor_elsewhere_goes_on_when_the_pool_around_it_is_given_up() {
    let actor = Actor::on(&InlinePool, 0);
    let inner = actor.clone();
    let next = shut_down_around(
        ThreadPool::new(1).unwrap(),
        move |held| inner.with(move |_| held()).wait().unwrap(),
        || actor.with(|n| *n + 1),
    );
    assert_eq!(next.wait().unwrap(), 1);
}

#[test]
fn a_map_elsewhere_goes_on_when_the_pool_around_it_is_given_up() {
    let view = InlinePool.limit(1);
    let inner = view.clone();
    let map = shut_down_around(
        ThreadPool::new(1).unwrap(),
        move |held| inner.submit(held).wait().unwrap(),
        || view.map(0..3, |i| i).start(),
    );
    assert_eq!(pollster::block_on(map.settle()).unwrap(), [0, 1, 2]);
}
