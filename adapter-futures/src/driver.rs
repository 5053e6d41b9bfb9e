//! What anyloop asks of futures-executor.

use std::pin::Pin;
use std::time::Duration;

use anyloop_core::{AnyPool, BoxFuture, Driver, NativeTask, Remote};
use async_io::Timer;
use futures_executor::ThreadPool;

use crate::native;

pub(crate) const NAME: &str = "futures";

#[derive(Debug)]
pub(crate) struct FuturesDriver {
    pub(crate) executor: ThreadPool,
}

impl FuturesDriver {
    pub(crate) fn spawn<F>(&self, future: F) -> Remote<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (future, remote) = Remote::pair(future);
        self.executor.spawn_ok(future);
        remote
    }
}

pub(crate) async fn sleep(duration: Duration) {
    Timer::after(duration).await;
}

impl Driver for FuturesDriver {
    fn name(&self) -> &'static str {
        NAME
    }

    fn spawn_boxed(&self, future: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
        Box::new(self.spawn(future))
    }

    fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }

    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        futures_executor::block_on(future);
    }

    fn native(&self) -> Option<AnyPool> {
        Some(native::pool())
    }
}
