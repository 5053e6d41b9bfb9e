//! What takes closures: our pool and its peers, behind one trait, so that both sides run the same loop.

use std::{fmt::Debug, future::Future, sync::Arc};

use anyloop::{AnyPool, PoolExt as _, ThreadPool};

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

pub(crate) trait Pool: Clone + Send + Sync + 'static {
    /// Starts `work` at once.
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static;

    /// Threads of the pool that are alive, where it tells.
    fn threads(&self) -> Option<usize> {
        None
    }
}

/// Ours, by default: the pool of the process, found in each call as a user's is.
#[derive(Clone)]
pub(crate) struct Anyloop;

impl Pool for Anyloop {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        anyloop::spawn_blocking(work)
    }

    fn threads(&self) -> Option<usize> {
        Some(ThreadPool::global().metrics().threads)
    }
}

/// One of ours that was chosen: a view, or a pool of one's own.
#[derive(Clone)]
pub(crate) struct Chosen(pub(crate) AnyPool);

impl Pool for Chosen {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        self.0.submit(work)
    }
}

/// The pool of the tokio runtime that this runs on.
#[derive(Clone)]
pub(crate) struct Tokio;

impl Pool for Tokio {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        tokio::task::spawn_blocking(work)
    }
}

/// The crate `blocking`, which is smol's pool.
#[derive(Clone)]
pub(crate) struct Blocking;

impl Pool for Blocking {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        blocking::unblock(work)
    }
}

#[derive(Clone)]
pub(crate) struct AsyncStd;

impl Pool for AsyncStd {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        async_std::task::spawn_blocking(work)
    }
}

/// rayon's global pool: a thread for each core. The value comes by a channel, as its users do it.
#[derive(Clone)]
pub(crate) struct Rayon;

impl Pool for Rayon {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        let (sender, receiver) = oneshot::async_channel();
        // The receiver is awaited, so that there is somebody to send to.
        rayon::spawn(move || sender.send(work()).expect("the receiver waits"));
        receiver
    }
}

/// No pool: a thread of the standard library for each call, with the same channel. What a pool that has no threads yet cannot
/// do without.
#[derive(Clone)]
pub(crate) struct Threads;

impl Pool for Threads {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        let (sender, receiver) = oneshot::async_channel();
        std::thread::spawn(move || sender.send(work()).expect("the receiver waits"));
        receiver
    }
}

/// The crate `threadpool`, with the same channel.
#[derive(Clone)]
pub(crate) struct Fixed(threadpool::ThreadPool);

impl Fixed {
    pub(crate) fn new(threads: usize) -> Self {
        Self(threadpool::ThreadPool::new(threads))
    }
}

impl Pool for Fixed {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        let (sender, receiver) = oneshot::async_channel();
        self.0.execute(move || sender.send(work()).expect("the receiver waits"));
        receiver
    }
}

/// The crate `unblock`: a thread for each core.
#[derive(Clone)]
pub(crate) struct Unblock;

impl Pool for Unblock {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        unblock::unblock(work)
    }
}

#[derive(Clone)]
pub(crate) struct Affinity(Arc<affinitypool::Threadpool>);

impl Affinity {
    pub(crate) fn new(threads: usize) -> Self {
        Self(Arc::new(affinitypool::Threadpool::new(threads)))
    }
}

impl Pool for Affinity {
    fn offload<F>(&self, work: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: FnOnce() -> usize + Send + 'static,
    {
        self.0.spawn(work)
    }
}
