//! The runtimes, each used directly and through its adapter, behind one trait: so that both sides of a
//! comparison run the same loop.

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anyloop::{AnyPool, BlockOn, NativePool, PoolExt as _, Task};
use futures::{executor::ThreadPool, future::RemoteHandle, task::SpawnExt as _};

/// What a handle gives when awaited: the number itself, or a `Result` with it.
pub(crate) trait Value: Send {
    fn value(self) -> usize;
}

impl Value for usize {
    fn value(self) -> usize {
        self
    }
}

impl<E: Debug + Send> Value for Result<usize, E> {
    fn value(self) -> usize {
        self.expect("nothing here panics, or is cancelled")
    }
}

/// A runtime, with the threads that it brings for blocking work.
pub(crate) trait Host: Clone + Send + Sync + 'static {
    type Spawned: Future<Output: Value> + Send + 'static;
    type Offloaded: Future<Output: Value> + Send + 'static;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize;
    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned;
    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded;
}

/// Tokio itself, with the default settings of whichever flavour.
#[derive(Clone)]
pub(crate) struct Tokio(Arc<tokio::runtime::Runtime>);

impl Tokio {
    pub(crate) fn multi_thread() -> Self {
        Self::build(tokio::runtime::Builder::new_multi_thread())
    }

    pub(crate) fn current_thread() -> Self {
        Self::build(tokio::runtime::Builder::new_current_thread())
    }

    fn build(mut builder: tokio::runtime::Builder) -> Self {
        Self(Arc::new(builder.enable_all().build().expect("tokio starts")))
    }
}

impl Host for Tokio {
    type Spawned = tokio::task::JoinHandle<usize>;
    type Offloaded = tokio::task::JoinHandle<usize>;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize {
        self.0.block_on(future)
    }

    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned {
        tokio::spawn(future)
    }

    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded {
        tokio::task::spawn_blocking(work)
    }
}

/// smol itself: its global executor, and `blocking`'s pool.
#[derive(Clone)]
pub(crate) struct Smol;

impl Host for Smol {
    type Spawned = smol::Task<usize>;
    type Offloaded = blocking::Task<usize>;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize {
        smol::block_on(future)
    }

    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned {
        smol::spawn(future)
    }

    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded {
        blocking::unblock(work)
    }
}

/// async-std itself.
#[derive(Clone)]
pub(crate) struct AsyncStd;

impl Host for AsyncStd {
    type Spawned = async_std::task::JoinHandle<usize>;
    type Offloaded = async_std::task::JoinHandle<usize>;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize {
        async_std::task::block_on(future)
    }

    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned {
        async_std::task::spawn(future)
    }

    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded {
        async_std::task::spawn_blocking(work)
    }
}

/// The thread pool of futures-executor itself. It brings nothing for blocking work, so that its users
/// take `blocking`.
#[derive(Clone)]
pub(crate) struct Futures(ThreadPool);

impl Futures {
    pub(crate) fn new() -> Self {
        Self(ThreadPool::new().expect("the pool starts"))
    }
}

impl Host for Futures {
    type Spawned = RemoteHandle<usize>;
    type Offloaded = blocking::Task<usize>;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize {
        futures::executor::block_on(future)
    }

    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned {
        self.0.spawn_with_handle(future).expect("the pool has not been shut down")
    }

    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded {
        blocking::unblock(work)
    }
}

/// Any of them through its adapter.
#[derive(Clone)]
pub(crate) struct Adapted<R> {
    runtime: R,
    native: AnyPool,
}

impl<R: BlockOn + NativePool> Adapted<R> {
    pub(crate) fn new(runtime: R) -> Self {
        let native = runtime.native();
        Self { runtime, native }
    }
}

impl<R: BlockOn + NativePool> Host for Adapted<R> {
    type Spawned = Task<usize>;
    type Offloaded = Task<usize>;

    fn block_on(&self, future: impl Future<Output = usize>) -> usize {
        self.runtime.block_on(future)
    }

    fn spawn(&self, future: impl Future<Output = usize> + Send + 'static) -> Self::Spawned {
        self.runtime.spawn(future)
    }

    fn offload(&self, work: impl FnOnce() -> usize + Send + 'static) -> Self::Offloaded {
        self.native.submit(work)
    }
}

/// What `$comparisons(name, adapter, runtime)` gives, of all runtimes together.
macro_rules! on_each_runtime {
    ($comparisons:path) => {{
        use $crate::hosts::{Adapted, AsyncStd, Futures, Smol, Tokio};

        let mut all = $comparisons(
            "tokio",
            || Adapted::new(anyloop::Tokio::new().expect("tokio starts")),
            Tokio::multi_thread,
        );
        all.extend($comparisons(
            "tokio current_thread",
            || Adapted::new(anyloop::Tokio::new_current_thread().expect("tokio starts")),
            Tokio::current_thread,
        ));
        all.extend($comparisons("smol", || Adapted::new(anyloop::Smol::new()), || Smol));
        all.extend($comparisons("async-std", || Adapted::new(anyloop::AsyncStd::new()), || AsyncStd));
        all.extend($comparisons(
            "futures",
            || Adapted::new(anyloop::FuturesPool::new().expect("the pool starts")),
            Futures::new,
        ));
        all
    }};
}
pub(crate) use on_each_runtime;

/// Pending once, with its waker called at once: every runtime's own `yield_now` differs.
#[derive(Default)]
pub(crate) struct YieldOnce {
    yielded: bool,
}

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
