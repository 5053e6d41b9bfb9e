//! What a map's runners, its watcher and its handle share.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Wake, Waker};

use super::cargo::Brake;
use super::job::Ticket;
use super::outlet::Outlet;
use super::supply::{Chunk, Claimed, Leftovers, Supply};
use super::{runner, watcher};
use crate::catch::drop_quietly;
use crate::cpu::cores;
use crate::error::TaskError;
use crate::interrupts::Interrupts;
use crate::origin::Origin;
use crate::pool::{AnyPool, Pool};
use crate::task::{Awaiter, CallState, Handle};

/// Where a pool does not tell how many threads it may have.
const UNKNOWN_MOST: usize = 512;

/// A map, seen by its handle.
pub(super) trait Batch<T>: Send + Sync {
    /// Submits the first runners. Once.
    fn start(self: Arc<Self>);
    /// Nobody wants the results any more.
    fn cancel(&self);
    /// Fixes the length of the chunks that are taken from now on.
    fn set_chunk(&self, items: usize);
    fn outlet(&self) -> &Outlet<T>;
    /// A call that lends its place waits for the map.
    fn note_awaited(&self);
}

pub(super) struct Shared<I, F, T> {
    hub: Mutex<Hub<I, F>>,
    /// Rung for the watcher when the map is over.
    pub(super) bell: Condvar,
    pub(super) outlet: Outlet<T>,
    /// For the items that run: nobody wants their results. (Those that nobody has begun are taken away.)
    stopped: AtomicBool,
    /// What they want done then.
    interrupts: Interrupts,
    /// A call that lends its place waits for it, or has.
    awaited: AtomicBool,
    /// 0 where the runners choose it.
    chunk: AtomicUsize,
    pool: AnyPool,
    tenant: OnceLock<AnyPool>,
    /// Where it was made.
    pub(super) place: &'static Location<'static>,
    /// By which call: its jobs come from there, also those that it submits itself.
    pub(super) origin: Origin,
    /// Runners and watcher together, at most.
    pub(super) most: usize,
}

pub(super) struct Hub<I, F> {
    pub(super) supply: Supply<I>,
    /// Gone when the map is over, before anybody can see that (C06).
    f: Option<Arc<F>>,
    /// Runners that hold the closure.
    pub(super) active: usize,
    /// Jobs that the pool has not begun: runners, and the watcher.
    pub(super) queued: usize,
    /// Jobs that have not ended, to be told when the map is over, and to be asked why they did not run.
    jobs: Vec<Awaiter<()>>,
    /// Why a job was lost while others were there to go on.
    lost: Option<TaskError>,
    pub(super) over: bool,
    /// What has to go before the end can be seen: the map's own part in it, and one for each [`Brake`].
    pub(super) brakes: usize,
}

/// What is to be let go when the map is over, in this order.
#[must_use]
struct End<F> {
    f: Option<Arc<F>>,
    jobs: Vec<Awaiter<()>>,
}

impl<I, F, T> Shared<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    pub(super) fn new(pool: AnyPool, items: Vec<I>, f: F, place: &'static Location<'static>) -> Arc<Self> {
        let most = pool.max_threads().map_or(UNKNOWN_MOST, std::num::NonZeroUsize::get);
        let outlet = Outlet::new(items.len());
        let hub = Hub {
            lost: None,
            supply: Supply::new(items),
            f: Some(Arc::new(f)),
            active: 0,
            queued: 0,
            jobs: Vec::new(),
            over: false,
            brakes: 1,
        };
        Arc::new(Self {
            hub: Mutex::new(hub),
            bell: Condvar::new(),
            outlet,
            stopped: AtomicBool::new(false),
            interrupts: Interrupts::default(),
            awaited: AtomicBool::new(false),
            chunk: AtomicUsize::new(0),
            pool,
            tenant: OnceLock::new(),
            place,
            origin: Origin::here(),
            most,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Hub<I, F>> {
        // Items, tasks and counts are moved under it, and nothing else.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool's handle for this map's jobs, from its start on.
    pub(super) fn tenant(&self) -> &AnyPool {
        self.tenant.get_or_init(|| self.pool.tenant())
    }

    pub(super) fn is_awaited(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        self.awaited.load(Ordering::Relaxed)
    }

    pub(super) fn fixed_chunk(&self) -> Option<usize> {
        // ORDERING: Relaxed: a number alone.
        match self.chunk.load(Ordering::Relaxed) {
            0 => None,
            items => Some(items),
        }
    }

    /// Gives it back: the runner has delivered what it had. The last one of a map that has nothing left ends it.
    pub(super) fn leave(&self, f: Arc<F>) {
        // Not the last handle: the hub keeps one while a runner is active.
        drop(f);
        let (end, lost) = {
            let mut hub = self.lock();
            hub.active -= 1;
            let stranded = !hub.over && hub.active == 0 && hub.queued == 0 && hub.supply.left() > 0;
            let lost = if stranded { hub.lost.take() } else { None };
            (hub.end_if_done(), lost)
        };
        self.conclude(end);
        if let Some(error) = lost {
            self.fail(error);
        }
    }

    pub(super) fn claim(&self, mine: &Arc<Chunk<I>>, size: usize) -> Claimed<I> {
        self.lock().supply.claim(mine, size)
    }

    /// Ends it in an error, which takes the items away that nobody has begun.
    pub(super) fn fail(&self, error: TaskError) {
        self.outlet.fail(error);
        self.stop();
    }

    /// A job did not run. If nobody is left who could go on, that is what the map ends in.
    pub(super) fn job_lost(&self, error: TaskError) {
        let error = {
            let mut hub = self.lock();
            if !hub.over && hub.active == 0 && hub.queued == 0 {
                Ok(error)
            } else {
                // The last of them may be on its way out.
                Err(hub.lost.replace(error))
            }
        };
        match error {
            Ok(error) => self.fail(error),
            Err(before) => drop_quietly(before),
        }
    }

    fn stop(&self) {
        // ORDERING: Relaxed: advice, which publishes nothing.
        self.stopped.store(true, Ordering::Relaxed);
        self.interrupts.fire();
        let (leftovers, jobs, end): (Leftovers<I>, _, _) = {
            let mut hub = self.lock();
            (hub.supply.drain(), std::mem::take(&mut hub.jobs), hub.end_if_done())
        };
        for job in jobs {
            job.abort();
        }
        drop(leftovers);
        self.conclude(end);
    }

    fn conclude(&self, end: Option<End<F>>) {
        let Some(End { f, jobs }) = end else { return };
        dismiss(jobs);
        drop_quietly(f);
        self.bell.notify_all();
        self.release();
    }

    /// Something has gone that the end waits for. After the last of them, everything is to be seen.
    pub(super) fn release(&self) {
        let is_last = {
            let mut hub = self.lock();
            hub.brakes -= 1;
            hub.brakes == 0
        };
        if is_last {
            self.outlet.finish();
        }
    }

    /// Keeps a job's task until it has ended.
    pub(super) fn keep(&self, job: Awaiter<()>) {
        let mut hub = self.lock();
        if hub.over {
            drop(hub);
            dismiss(vec![job]);
            return;
        }
        hub.jobs.push(job);
        drop(hub);
        // It may have ended before it was there to be found.
        self.look_at_jobs();
    }

    /// Asks the jobs that have ended in what.
    fn look_at_jobs(&self) {
        let ended: Vec<Awaiter<()>> = self.lock().jobs.extract_if(.., |job| job.is_finished()).collect();
        for job in ended {
            if let Some(Err(error)) = super::job::ended(job) {
                self.job_lost(error);
            }
        }
    }
}

impl<I, F> Hub<I, F> {
    /// Takes a place among the runners; `None` if there is nothing to run.
    pub(super) fn enter(&mut self) -> Option<Arc<F>> {
        if self.over || self.supply.left() == 0 {
            return None;
        }
        let f = self.f.clone()?;
        self.active += 1;
        Some(f)
    }

    /// The map is over when nobody runs and nothing is left to run.
    fn end_if_done(&mut self) -> Option<End<F>> {
        if self.over || self.active > 0 || self.supply.left() > 0 {
            return None;
        }
        self.over = true;
        Some(End { f: self.f.take(), jobs: std::mem::take(&mut self.jobs) })
    }
}

/// What is queued need not run any more; what runs has nothing left to do.
fn dismiss(jobs: Vec<Awaiter<()>>) {
    for job in jobs {
        job.dismiss();
    }
}

impl<I, F, T> Batch<T> for Shared<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    fn start(self: Arc<Self>) {
        let _brake = Brake::new(&self);
        let items = {
            let mut hub = self.lock();
            let items = hub.supply.left();
            let end = hub.end_if_done();
            drop(hub);
            self.conclude(end);
            items
        };
        let runners = cores().min(self.most).min(items);
        for _ in 0..runners {
            if self.lock().over {
                return;
            }
            if let Err(error) = runner::submit(&self, runner::Lane::new()) {
                self.job_lost(error);
                return;
            }
        }
        if items > runners
            && self.most > runners
            && !self.lock().over
            && let Err(error) = watcher::submit(&self, watcher::Watch::new(items))
        {
            // While it was being submitted, it was thought that it might come: the runners may be lost by now.
            self.job_lost(error);
        }
    }

    fn cancel(&self) {
        self.outlet.abandon();
        self.stop();
    }

    fn set_chunk(&self, items: usize) {
        // ORDERING: Relaxed, see `fixed_chunk`.
        self.chunk.store(items.max(1), Ordering::Relaxed);
    }

    fn outlet(&self) -> &Outlet<T> {
        &self.outlet
    }

    fn note_awaited(&self) {
        // ORDERING: Relaxed, a hint. Who submits a job meanwhile may miss it: the next poll marks that.
        self.awaited.store(true, Ordering::Relaxed);
        self.lock().jobs.iter().for_each(Awaiter::note_awaited);
    }
}

/// Inside an item, the map is the call that runs.
impl<I: Send, F: Send + Sync, T: Send> CallState for Shared<I, F, T> {
    fn is_cancelled(&self) -> bool {
        // ORDERING: Relaxed, see `stop`.
        self.stopped.load(Ordering::Relaxed)
    }

    fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }
}

/// The waker of the jobs' tasks.
impl<I, F, T> Wake for Shared<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.look_at_jobs();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.look_at_jobs();
    }
}

impl<I, F, T> Shared<I, F, T>
where
    I: Send + 'static,
    F: Fn(I) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }

    pub(super) fn ticket(self: &Arc<Self>) -> Ticket<I, F, T> {
        Ticket::new(self.clone())
    }
}
