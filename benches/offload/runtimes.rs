//! What polls the futures that wait for calls, behind one trait.

use std::{future::Future, sync::Arc, time::Duration};

use anyloop::BlockOn;
use futures::FutureExt as _;
use tokio::runtime::Builder;

use super::pools::Value;

pub(crate) trait Runtime: Clone + Send + Sync + 'static {
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    fn spawn<F>(&self, future: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: Future<Output = usize> + Send + 'static;

    /// To be called in a task.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static;
}

/// One of anyloop's adapters: its context travels into each call.
#[derive(Clone)]
pub(crate) struct Adapted<R>(pub(crate) R);

impl<R: BlockOn> Runtime for Adapted<R> {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(&self, future: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: Future<Output = usize> + Send + 'static,
    {
        self.0.spawn(future)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.0.sleep(time)
    }
}

/// tokio itself.
#[derive(Clone)]
pub(crate) struct Tokio(Arc<tokio::runtime::Runtime>);

impl Tokio {
    /// With tokio's own default of `max_blocking_threads`.
    pub(crate) const DEFAULT: usize = 512;

    pub(crate) fn new(max_blocking_threads: usize) -> Self {
        Self::build(Builder::new_multi_thread().max_blocking_threads(max_blocking_threads))
    }

    /// With blocking threads that end when they were idle for so long.
    pub(crate) fn keeping_threads(keep_alive: Duration) -> Self {
        Self::build(Builder::new_multi_thread().thread_keep_alive(keep_alive))
    }

    fn build(builder: &mut Builder) -> Self {
        Self(Arc::new(builder.enable_all().build().expect("tokio starts")))
    }
}

impl Runtime for Tokio {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(&self, future: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: Future<Output = usize> + Send + 'static,
    {
        self.0.spawn(future)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(time)
    }
}

/// smol itself: its global executor.
#[derive(Clone)]
pub(crate) struct Smol;

impl Runtime for Smol {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }

    fn spawn<F>(&self, future: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: Future<Output = usize> + Send + 'static,
    {
        smol::spawn(future)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        smol::Timer::after(time).map(drop)
    }
}

/// async-std itself.
#[derive(Clone)]
pub(crate) struct AsyncStd;

impl Runtime for AsyncStd {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn spawn<F>(&self, future: F) -> impl Future<Output: Value> + Send + 'static
    where
        F: Future<Output = usize> + Send + 'static,
    {
        async_std::task::spawn(future)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        async_std::task::sleep(time)
    }
}
