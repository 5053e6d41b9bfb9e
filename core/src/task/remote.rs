//! A handle for runtimes whose `spawn` gives none.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::NativeTask;
use crate::catch::{drop_quietly, quietly};

/// The handle that [`Remote::pair`] makes: implements [`NativeTask`] for a runtime that takes a
/// future and gives nothing back.
///
/// One allocation, shared with the future. The future itself is dropped by its runtime, on the poll
/// that follows the abort.
pub struct Remote<T>(Arc<Shared<T>>);

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    output: Output<T>,
    aborted: bool,
    /// Who awaits the handle.
    awaiter: Option<Waker>,
    /// The future's own, to tell it of an abort.
    runner: Option<Waker>,
}

enum Output<T> {
    Pending,
    Done(Option<T>),
}

pin_project! {
    struct Runner<F>
    where
        F: Future,
    {
        #[pin]
        future: Option<F>,
        shared: Arc<Shared<F::Output>>,
    }

    impl<F> PinnedDrop for Runner<F>
    where
        F: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                quietly(|| this.future.set(None));
                this.shared.complete(None);
            }
        }
    }
}

impl<T: Send + 'static> Remote<T> {
    /// Splits a future into what the runtime polls and the handle of it.
    ///
    /// The future must not panic, which a [`Supervised`](crate::Supervised) one does not.
    pub fn pair<F>(future: F) -> (impl Future<Output = ()> + Send + 'static, Self)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let state = State { output: Output::Pending, aborted: false, awaiter: None, runner: None };
        let shared = Arc::new(Shared(Mutex::new(state)));
        (Runner { future: Some(future), shared: shared.clone() }, Self(shared))
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete(&self, output: Option<T>) {
        let (awaiter, runner) = {
            let mut state = self.lock();
            state.output = Output::Done(output);
            (state.awaiter.take(), state.runner.take())
        };
        if let Some(awaiter) = awaiter {
            quietly(|| awaiter.wake());
        }
        drop_quietly(runner);
    }
}

impl<F: Future> Future for Runner<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        // Left before the poll and before the look at `aborted`: an abort that comes later wakes it.
        let fresh = cx.waker().clone();
        let (aborted, old) = {
            let mut state = this.shared.lock();
            (state.aborted, state.runner.replace(fresh))
        };
        drop_quietly(old);
        let output = if aborted { None } else { Some(std::task::ready!(future.poll(cx))) };
        quietly(|| this.future.set(None));
        this.shared.complete(output);
        Poll::Ready(())
    }
}

impl<T: Send + 'static> NativeTask<T> for Remote<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let fresh = cx.waker().clone();
        let old = {
            let mut state = self.0.lock();
            match std::mem::replace(&mut state.output, Output::Pending) {
                Output::Done(output) => {
                    state.output = Output::Done(None);
                    drop(state);
                    drop_quietly(fresh);
                    return Poll::Ready(output);
                }
                Output::Pending => state.awaiter.replace(fresh),
            }
        };
        drop_quietly(old);
        Poll::Pending
    }

    fn abort(&self) {
        let runner = {
            let mut state = self.0.lock();
            state.aborted = true;
            state.runner.take()
        };
        if let Some(runner) = runner {
            quietly(|| runner.wake());
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.0.lock().output, Output::Done(_))
    }

    fn detach(&mut self) {}
}

impl<T> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}
