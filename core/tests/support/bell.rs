//! What a call may wait for besides calls.

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use anyloop_core::from_thread;

/// Something that is awaited without a runtime, and without a pool that could know of it.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Bell {
    pub(crate) fn ring(&self) {
        let wakers = {
            let mut inside = self.0.lock().unwrap();
            inside.0 = true;
            std::mem::take(&mut inside.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn rings_after(after: Duration) -> Self {
        let bell = Self::default();
        let ringer = bell.clone();
        thread::spawn(move || {
            thread::sleep(after);
            ringer.ring();
        });
        bell
    }

    pub(crate) async fn rung(&self) {
        std::future::poll_fn(|cx| {
            let mut inside = self.0.lock().unwrap();
            inside.1.push(cx.waker().clone());
            if inside.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Inside a call.
    pub(crate) fn wait(&self) {
        from_thread::block_on(self.rung());
    }
}
