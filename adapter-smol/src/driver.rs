//! What anyloop asks of smol.

use std::pin::Pin;
use std::time::Duration;

use anyloop_core::{AnyPool, BoxFuture, Driver, NativeTask};
use smol::Timer;

use crate::native;
use crate::task::Joined;

pub(crate) const NAME: &str = "smol";

#[derive(Debug)]
pub(crate) struct SmolDriver;

pub(crate) async fn sleep(duration: Duration) {
    Timer::after(duration).await;
}

impl Driver for SmolDriver {
    fn name(&self) -> &'static str {
        NAME
    }

    fn spawn_boxed(&self, future: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
        Box::new(Joined::new(smol::spawn(future)))
    }

    fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }

    fn drive_boxed(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        smol::block_on(future);
    }

    fn native(&self) -> Option<AnyPool> {
        Some(native::pool())
    }
}
