//! A wrapped blocking call that has not started yet.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::cancel_token::CancelToken;
use crate::catch::drop_quietly;
use crate::current;
use crate::error::TaskError;
use crate::limiter::{Limiter, Limiting};
use crate::pool::{AnyPool, Pool, submit_under};
use crate::stage::{Stage, plainly};
use crate::task::{Task, glance};
use crate::timed::TimedCall;
use crate::work::Work;

/// A blocking call that begins when it is awaited: what a function under `#[async_wrap]` returns.
///
/// Like any `async fn`, it does nothing until its first poll (C01). Then it runs on a pool: the one of
/// [`on`](Call::on), else the default pool. Dropping it before that leaves the work undone; dropping it
/// later cancels as dropping a [`Task`] does (C03).
///
/// # Panics
///
/// Awaited plainly, it goes on with the work's own panic, and panics with the text of any other
/// [`TaskError`]. [`settle`](Call::settle) gives a `Result` instead (C02).
///
/// ```
/// use anyloop_core::{Call, ThreadPool};
///
/// fn fetch(id: u32) -> Call<impl anyloop_core::Work<Output = u32>> {
///     Call::new(move || id * 2)
/// }
///
/// let pool = ThreadPool::new(2)?;
/// assert_eq!(pollster::block_on(fetch(1)), 2); // on the default pool
/// assert_eq!(pollster::block_on(fetch(2).on(&pool)), 4); // on this one
/// assert_eq!(fetch(3).run(), 6); // here and now
/// assert_eq!(fetch(4).start().wait().unwrap(), 8); // started, awaited later
/// # Ok::<(), anyloop_core::BuildError>(())
/// ```
#[must_use = "a call does nothing until it is awaited; `.run()` runs it here, `.start()` starts it on a pool"]
pub struct Call<W: Work> {
    /// All that is said of a call goes when it starts, so that a call which is awaited is no larger than its task.
    stage: Stage<Plan<W>, W::Output>,
}

// A gather keeps a place of this size for each of its calls.
const _: () = assert!(size_of::<Call<fn() -> usize>>() <= 7 * size_of::<usize>());

/// What is to be run, and how.
struct Plan<W> {
    work: W,
    pool: Choice,
    /// Boxed, because few calls have any of it.
    bonds: Option<Box<Bonds>>,
    /// Where it was made.
    place: &'static Location<'static>,
}

/// What else has a say in whether it runs.
#[derive(Default)]
struct Bonds {
    limiter: Option<(&'static Limiter, usize)>,
    tokens: Vec<CancelToken>,
}

/// Looked up when the call starts, for a call may be made in one place and awaited in another.
enum Choice {
    Default,
    Native,
    This(AnyPool),
}

// Neither the work nor the task is pinned through the call.
impl<W: Work> Unpin for Call<W> {}

impl<W: Work> Call<W> {
    /// Wraps blocking work.
    ///
    /// A function that returns a call should say `Call<impl Work<Output = T>>`, as this crate's users'
    /// do: a closure's own type, held across an `.await` of a future that must be `Send`, is more than
    /// the compiler can prove `Send` when it returns `&'static` data.
    #[track_caller]
    pub fn new(work: W) -> Self {
        let plan = Plan { work, pool: Choice::Default, bonds: None, place: Location::caller() };
        Self { stage: Stage::Idle(plan) }
    }

    /// Changes what is to be done, unless that has begun.
    fn plan(mut self, change: impl FnOnce(&mut Plan<W>)) -> Self {
        if let Stage::Idle(plan) = &mut self.stage {
            change(plan);
        }
        self
    }

    /// Runs this call on `pool`. Of several, the last counts; without effect once it has started.
    ///
    /// `on(&pool.limit(2))` limits nothing, as each [`limit`](crate::PoolExt::limit) makes another view: keep one and share it.
    pub fn on(self, pool: &(impl Pool + ?Sized)) -> Self {
        self.plan(|plan| plan.pool = Choice::This(pool.to_any()))
    }

    /// Runs this call on the blocking pool that the current runtime brings.
    ///
    /// Without a current runtime the call ends in [`TaskError::NoPool`], which says what to do.
    pub fn on_native(self) -> Self {
        self.plan(|plan| plan.pool = Choice::Native)
    }

    /// Runs this call in the lane for CPU-heavy work: [`cpu`](crate::cpu).
    pub fn on_cpu(self) -> Self {
        self.on(&crate::cpu())
    }

    /// Lets this call wait for its place under `limiter`. Of several, the last counts.
    pub fn limit(self, limiter: &'static Limiter) -> Self {
        self.limit_weighted(limiter, 1)
    }

    /// The same for a call that takes `permits` of the limiter's: its size in MiB, say, under a limiter of the memory that
    /// there is. It waits until so many are free; those behind it wait, too.
    ///
    /// A call that takes more than the limiter has ends in [`TaskError::NoPool`], which says so.
    ///
    /// ```
    /// use anyloop_core::{Call, Limiter};
    ///
    /// static MEBIBYTES: Limiter = Limiter::new(256);
    ///
    /// let image = vec![0_u8; 3 << 20];
    /// let mebibytes = image.len() >> 20;
    /// let sum = Call::new(move || image.iter().map(|&byte| u64::from(byte)).sum::<u64>());
    /// assert_eq!(pollster::block_on(sum.limit_weighted(&MEBIBYTES, mebibytes)), 0);
    /// ```
    pub fn limit_weighted(self, limiter: &'static Limiter, permits: usize) -> Self {
        self.plan(|plan| plan.bonds.get_or_insert_default().limiter = Some((limiter, permits)))
    }

    /// Aborts this call when `token` is cancelled, as [`Task::abort`] does, on the canceller's thread: queued, it never runs;
    /// running, it sees [`is_cancelled`](crate::from_thread::is_cancelled), and its
    /// [hooks](crate::from_thread::on_cancel) are called. Of several tokens, each counts.
    ///
    /// It holds for a task that is [detached](Task::detach), too; without effect once the call has started. A token that is
    /// cancelled when the call starts ends it in [`TaskError::Cancelled`].
    ///
    /// ```
    /// use anyloop_core::{Call, CancelToken, from_thread};
    ///
    /// let token = CancelToken::new();
    /// let canceller = token.clone();
    /// let call = Call::new(move || {
    ///     canceller.cancel();
    ///     from_thread::check_cancelled().is_err()
    /// });
    /// assert!(pollster::block_on(call.with_token(&token)));
    /// ```
    pub fn with_token(self, token: &CancelToken) -> Self {
        self.plan(|plan| plan.bonds.get_or_insert_default().tokens.push(token.clone()))
    }

    /// Runs the work here and now, on this thread, whatever pool, limit and token were set.
    ///
    /// # Panics
    ///
    /// If the work does, or if the call was started already (polled and then run).
    pub fn run(self) -> W::Output {
        match self.stage {
            Stage::Idle(plan) => plan.work.run(),
            Stage::Started(_) | Stage::Ended => panic!("Call::run() on a call that has started"),
        }
    }

    /// Starts the call without awaiting it.
    pub fn start(mut self) -> Task<W::Output> {
        match self.stage.take_idle() {
            Some(plan) => plan.submit(None),
            None => self.stage.into_task(),
        }
    }

    /// The same call, ending in a `Result` where this one would panic.
    ///
    /// ```
    /// use anyloop_core::{Call, TaskError};
    ///
    /// let call = Call::new(|| -> u32 { panic!("out of range") });
    /// match pollster::block_on(call.settle()) {
    ///     Err(TaskError::Panicked(panic)) => assert_eq!(panic.message(), "out of range"),
    ///     other => unreachable!("{other:?}"),
    /// }
    /// ```
    pub fn settle(self) -> Settle<W> {
        Settle { call: self }
    }

    /// The same call with a deadline, `duration` after it begins (at its first poll, as ever), on the clock of the runtime that is
    /// current then.
    ///
    /// If the deadline comes first, the call is aborted, as [`Task::abort`] does, and ends in [`TaskError::TimedOut`] at once:
    /// queued, it never runs; running, it goes on without anybody who waits for it, sees
    /// [`is_cancelled`](crate::from_thread::is_cancelled), and its [hooks](crate::from_thread::on_cancel) are called. What has ended in the same poll
    /// counts. Inside, the deadline is there to [be seen](crate::from_thread::deadline). A call that is made inside a call
    /// has no later deadline than that one.
    ///
    /// A call that obeys its deadline may end before the runtime's timer has told of it, for it has a clock of its own: then what it has
    /// ended in is what comes back, such as an `Ok(Err(..))` of [`check_cancelled`](crate::from_thread::check_cancelled) or
    /// [`sleep`](crate::from_thread::sleep), whose [`is_timeout`](crate::from_thread::Cancelled::is_timeout) is true. Which of the two is
    /// chance: match both.
    ///
    /// # Errors
    ///
    /// [`TaskError::TimedOut`]; [`TaskError::NoRuntime`] where no runtime is current, for core has no timers of its own; and as
    /// [`settle`](Call::settle).
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the call (C03).
    ///
    /// ```
    /// # use anyloop_core::{Call, TaskError};
    /// use std::time::Duration;
    ///
    /// let call = Call::new(|| 42).timeout(Duration::from_secs(5));
    /// // No adapter is compiled in here:
    /// assert!(matches!(pollster::block_on(call), Err(TaskError::NoRuntime(_))));
    /// ```
    pub fn timeout(self, duration: Duration) -> TimedCall<W> {
        TimedCall::new(self, duration)
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle(_))
    }

    /// Starts it, to be awaited by whoever polls it now. Whether it is worth a poll at once.
    pub(crate) fn begin(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_idle() {
            return true;
        }
        // Foreign code: before the work is taken out.
        let waker = cx.waker().clone();
        let Some(plan) = self.stage.take_idle() else { return true };
        let (task, is_worthwhile) = glance::recommended_after(|| plan.submit(Some(waker)));
        self.stage = Stage::Started(task);
        is_worthwhile
    }

    /// Ends it, whatever it has come to.
    pub(crate) fn give_up(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        if let Stage::Started(task) = &stage {
            // Before it is dropped: this is no call that somebody has lost.
            task.abort();
        }
        drop_quietly(stage);
    }

    pub(crate) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<W::Output, TaskError>> {
        if !self.begin(cx) {
            return Poll::Pending;
        }
        self.stage.poll(cx, "a Call")
    }
}

impl<W: Work> Plan<W> {
    /// One that is awaited waits for room in a full queue; what was started without that ends in `Full`.
    fn submit(self, awaited: Option<Waker>) -> Task<W::Output> {
        let Self { work, pool, bonds, place } = self;
        let Bonds { limiter, tokens } = bonds.map(|bonds| *bonds).unwrap_or_default();
        if tokens.iter().any(CancelToken::is_cancelled) {
            // Nothing wakes who awaits this: it must be looked at, whatever the destructors do.
            drop_quietly((work, pool));
            glance::recommend();
            return Task::failed(TaskError::Cancelled);
        }
        let pool = match pool {
            Choice::Default => current::default_pool(),
            Choice::Native => current::native_pool(),
            Choice::This(pool) => pool,
        };
        let pool = match limiter {
            None => pool,
            Some((limiter, permits)) => Limiting::by(limiter, permits, pool).to_any(),
        };
        submit_under(&tokens, &pool, awaited, || work.run(), place)
    }
}

impl<W: Work> Future for Call<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        self.poll_settled(cx).map(|ended| plainly(ended, "a wrapped call"))
    }
}

impl<W: Work> fmt::Debug for Call<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("stage", &self.stage.name()).finish_non_exhaustive()
    }
}

/// The future of [`Call::settle`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Settle<W: Work> {
    call: Call<W>,
}

impl<W: Work> Future for Settle<W> {
    type Output = Result<W::Output, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.call.poll_settled(cx)
    }
}

impl<W: Work> fmt::Debug for Settle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settle").field("call", &self.call).finish()
    }
}
