//! The end of a pool, awaited.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::Shared;
use super::worker::is_own_thread;
use crate::catch::drop_quietly;

/// The future of [`ThreadPool::shutdown`](crate::ThreadPool::shutdown).
#[must_use = "the pool is closed; await this to know when its threads have ended"]
pub struct Shutdown {
    shared: Arc<Shared>,
    key: Option<usize>,
    /// Asked for inside a call of the pool: refused wherever it is awaited, for the pool was not closed.
    refused: bool,
}

/// A pool cannot be shut down by a call that it runs itself: it would wait for its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InsideOwnCall;

impl fmt::Display for InsideOwnCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a pool cannot be shut down from inside a call that it runs: it would wait for itself. \
             Shut it down from outside, or drop its last handle",
        )
    }
}

impl std::error::Error for InsideOwnCall {}

impl Shutdown {
    pub(super) fn begin(shared: &Arc<Shared>) -> Self {
        let refused = is_own_thread(shared);
        if !refused {
            shared.close();
        }
        Self { shared: shared.clone(), key: None, refused }
    }
}

impl Future for Shutdown {
    type Output = Result<(), InsideOwnCall>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.refused || is_own_thread(&self.shared) {
            return Poll::Ready(Err(InsideOwnCall));
        }
        let fresh = cx.waker().clone();
        let this = &mut *self;
        let mut state = this.shared.lock();
        if state.threads == 0 {
            let handles = std::mem::take(&mut state.handles);
            drop(state);
            drop_quietly(fresh);
            // Each of these has left its last line of ours: what is left to wait for is the end of
            // the thread itself.
            for handle in handles.into_iter().filter_map(|(_, handle)| handle) {
                let _ = handle.join();
            }
            return Poll::Ready(Ok(()));
        }
        let old = match this.key {
            Some(key) => state.waiting[key].replace(fresh),
            None => {
                this.key = Some(state.waiting.insert(Some(fresh)));
                None
            }
        };
        drop(state);
        drop_quietly(old);
        Poll::Pending
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.shared.lock().waiting.try_remove(key);
            drop_quietly(waker);
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}
