//! What anyloop asks of async-std.

use std::pin::Pin;
use std::time::Duration;

use anyloop_core::{AnyPool, BoxFuture, Driver, NativeTask};
use async_std::task;

use crate::native;
use crate::task::Joined;

pub(crate) const NAME: &str = "async-std";

#[derive(Debug)]
pub(crate) struct AsyncStdDriver;

impl Driver for AsyncStdDriver {
    fn name(&self) -> &'static str {
        NAME
    }

    fn spawn_boxed(&self, future: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
        Box::new(Joined::new(task::spawn(future)))
    }

    fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(task::sleep(duration))
    }

    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        task::block_on(future);
    }

    fn is_ambient(&self) -> bool {
        task::try_current().is_some()
    }

    fn native(&self) -> Option<AnyPool> {
        Some(native::pool())
    }
}
