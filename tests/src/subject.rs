//! What is tested: a runtime, a pool, and what is known of them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyloop_core::{
    AnyPool, AnyRuntime, BlockOn, Call, Job, NativePool, Pool, PoolExt, Task, ThreadPool, Work,
};

use crate::tools::{SetOnDrop, Signal, poll_once};

type Narrow = Arc<dyn Fn(usize) -> AnyPool + Send + Sync>;

/// A runtime and a pool under test.
///
/// ```
/// use anyloop_conformance::{Subject, tasks};
/// use anyloop_smol::Smol;
///
/// let subject = Subject::new(Smol::new);
/// tasks::c01_spawn_begins_at_once(&subject);
/// ```
#[derive(Clone)]
pub struct Subject<R> {
    make: Arc<dyn Fn() -> R + Send + Sync>,
    runtime: R,
    pool: AnyPool,
    narrow: Option<Narrow>,
    native: bool,
    self_driving: bool,
}

impl<R: BlockOn> Subject<R> {
    /// The runtimes that `make` makes, with their default pool, which must be a [`ThreadPool`].
    pub fn new(make: impl Fn() -> R + Send + Sync + 'static) -> Self {
        let subject = Self::with_pool(make, R::pool);
        Self { native: false, ..subject }.narrow(|width| {
            ThreadPool::new(width).map(|pool| pool.to_any()).expect("a width of at least one")
        })
    }

    /// The runtimes that `make` makes, with the pool that they bring.
    pub fn native(make: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: NativePool,
    {
        Self::with_pool(make, R::native)
    }

    /// The runtimes that `make` makes, with any other pool. It counts as native, of which nothing is
    /// known beyond C01 to C08.
    pub fn with_pool(make: impl Fn() -> R + Send + Sync + 'static, pool: impl FnOnce(&R) -> AnyPool) -> Self {
        let runtime = make();
        let pool = pool(&runtime);
        Self { make: Arc::new(make), runtime, pool, narrow: None, native: true, self_driving: true }
    }

    /// How to make a pool of the same kind of at most so many threads, if there is a way.
    #[must_use]
    pub fn narrow(self, make: impl Fn(usize) -> AnyPool + Send + Sync + 'static) -> Self {
        Self { narrow: Some(Arc::new(make)), ..self }
    }

    /// The runtime's tasks go on only while some thread is inside its `block_on`.
    #[must_use]
    pub fn needs_driving(self) -> Self {
        Self { self_driving: false, ..self }
    }

    /// The same runtime by its [`AnyRuntime`] handle, and the same pool.
    #[must_use]
    pub fn erased(&self) -> Subject<AnyRuntime> {
        let Self { make, runtime, pool, narrow, native, self_driving } = self.clone();
        Subject {
            make: Arc::new(move || make().to_any()),
            runtime: runtime.to_any(),
            pool,
            narrow,
            native,
            self_driving,
        }
    }

    /// The runtime under test.
    pub fn runtime(&self) -> &R {
        &self.runtime
    }

    /// Another runtime of the same kind.
    #[must_use]
    pub fn fresh(&self) -> R {
        (self.make)()
    }

    /// The pool under test.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Whether the pool is not anyloop's own.
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Whether tasks go on while nobody is inside `block_on`.
    pub fn drives_itself(&self) -> bool {
        self.self_driving
    }

    /// A pool of the same kind of at most `width` threads, if one can be made.
    #[must_use]
    pub fn of_width(&self, width: usize) -> Option<AnyPool> {
        self.narrow.as_ref().map(|narrow| narrow(width))
    }

    /// Drives a future on the runtime.
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Submits to the pool, with the runtime current.
    pub fn submit<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let _current = self.runtime.enter();
        self.pool.submit(f)
    }

    /// A call on the pool.
    pub fn call<W: Work>(&self, work: W) -> Call<W> {
        Call::new(work).on(&self.pool)
    }

    /// A pool on which what is submitted stays queued until it is opened.
    #[must_use]
    pub fn busy(&self) -> Busy {
        let gate = SetOnDrop(Signal::new());
        let opened = gate.0.clone();
        match self.of_width(1) {
            Some(pool) => {
                let started = Signal::new();
                let starting = started.clone();
                pool.submit(move || {
                    starting.set();
                    opened.wait();
                })
                .detach();
                started.wait();
                Busy { pool, held: None, gate }
            }
            // No pool of one thread to be had: the jobs are kept in front of the pool instead.
            None => {
                let held = Arc::new(Held { pool: self.pool.clone(), jobs: Mutex::new(Some(Vec::new())) });
                let holding = held.clone();
                let pool = AnyPool::from_fn(move |job| {
                    holding.take(job);
                    Ok(())
                });
                Busy { pool, held: Some(held), gate }
            }
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Subject<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("runtime", &self.runtime)
            .field("pool", &self.pool)
            .field("native", &self.native)
            .finish_non_exhaustive()
    }
}

/// A pool whose only thread is blocked; see [`Subject::busy`].
#[derive(Debug)]
pub struct Busy {
    /// The pool.
    pub pool: AnyPool,
    held: Option<Arc<Held>>,
    gate: SetOnDrop,
}

impl Busy {
    /// Lets the pool go on.
    pub fn open(&self) {
        self.gate.0.set();
        if let Some(held) = &self.held {
            held.release();
        }
    }
}

#[derive(Debug)]
struct Held {
    pool: AnyPool,
    /// `None` once it was opened.
    jobs: Mutex<Option<Vec<Job>>>,
}

impl Held {
    fn take(&self, job: Job) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *jobs {
            Some(jobs) => jobs.push(job),
            None => {
                drop(jobs);
                self.pass_on(job);
            }
        }
    }

    fn release(&self) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        jobs.into_iter().flatten().for_each(|job| self.pass_on(job));
    }

    fn pass_on(&self, job: Job) {
        self.pool.execute(job).expect("the pool under test takes jobs");
    }
}

/// The ways to start a closure on a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `PoolExt::submit`
    Submit,
    /// `PoolExt::try_submit`
    TrySubmit,
    /// `Call::start`
    Start,
    /// A `Call` that was polled once.
    Polled,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Submit, Self::TrySubmit, Self::Start, Self::Polled];

    /// Starts a closure that does not end before this has returned.
    ///
    /// # Panics
    ///
    /// If it did end.
    pub fn start<T: Send + 'static>(
        self,
        pool: &AnyPool,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Started<T> {
        match self {
            Self::Submit => Started::Task(pool.submit(f)),
            Self::TrySubmit => match pool.try_submit(f) {
                Ok(task) => Started::Task(task),
                Err((_, refused)) => panic!("the pool under test refused: {refused}"),
            },
            Self::Start => Started::Task(Call::new(f).on(pool).start()),
            Self::Polled => {
                let mut call = Call::new(f).on(pool);
                assert!(poll_once(&mut call).is_pending(), "a call that is blocked cannot be ready");
                let detach: Box<dyn FnOnce() + Send> = Box::new(move || call.start().detach());
                Started::Polled(detach)
            }
        }
    }
}

/// What was started; dropping it cancels.
pub enum Started<T> {
    /// By a task.
    Task(Task<T>),
    /// By a polled call, which the closure holds and would detach.
    Polled(Box<dyn FnOnce() + Send>),
}

impl<T> Started<T> {
    /// Lets it run to its end.
    pub fn detach(self) {
        match self {
            Self::Task(task) => task.detach(),
            Self::Polled(detach) => detach(),
        }
    }
}

impl<T> fmt::Debug for Started<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task(_) => "Task",
            Self::Polled(_) => "Polled",
        })
    }
}
