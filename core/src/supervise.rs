//! The wrapper that every spawned future gets, on every runtime: panics become values (C05), the inner
//! future is gone before its result can be seen (C06), destructors' panics stop here (C07), the
//! context is set (C34), and the end of a run reaches it (C19).

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use crate::catch::drop_quietly;
use crate::context::{Context, poll_in};
use crate::error::TaskError;
use crate::scope::{Address, Scope};
use crate::task::Outcome;

pin_project! {
    /// What an adapter spawns in place of the user's future; made by [`Binding::supervise`](crate::Binding::supervise).
    ///
    /// It ends in an [`Outcome`] and never panics, neither when polled nor when dropped.
    pub struct Supervised<F>
    where
        F: Future,
    {
        #[pin]
        future: Option<F>,
        // Its scope counts this future until the context is given up.
        context: Context,
    }

    impl<F> PinnedDrop for Supervised<F>
    where
        F: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            let address = Address::of(&*this);
            let mut this = this.project();
            if this.future.is_some() {
                // Nobody is left to be told of a destructor's panic.
                drop_quietly(poll_in(this.context, || this.future.set(None)));
            }
            let context = std::mem::take(this.context);
            if let Some(scope) = context.scope() {
                scope.unregister(address);
                scope.leave_future();
            }
            context.give_up();
        }
    }
}

impl<F: Future> Supervised<F> {
    pub(crate) fn new(context: Context, future: F) -> Self {
        if let Some(scope) = context.scope() {
            scope.enter_future();
        }
        Self { future: Some(future), context }
    }
}

impl<F: Future> Future for Supervised<F> {
    type Output = Outcome<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let address = Address::of(&*self);
        let mut this = self.project();
        let cancelled = this.context.scope().is_some_and(|scope| Scope::is_closing(scope));
        let mut ended = None;
        let caught = poll_in(this.context, || {
            if !cancelled {
                let Some(future) = this.future.as_mut().as_pin_mut() else {
                    panic!("a spawned future was polled again after it had ended");
                };
                match future.poll(cx) {
                    Poll::Pending => return false,
                    Poll::Ready(value) => ended = Some(value),
                }
            }
            this.future.set(None);
            true
        });
        let result = match caught {
            Ok(false) => {
                if let Some(scope) = this.context.scope() {
                    scope.register(address, cx.waker());
                }
                return Poll::Pending;
            }
            Ok(true) => ended.ok_or(TaskError::Cancelled),
            Err(panic) => {
                // After a panic of the poll the future is still there; after one of its destructor it
                // is not, but its value is.
                let cleared = poll_in(this.context, || this.future.set(None));
                drop_quietly((cleared, ended));
                Err(TaskError::Panicked(panic))
            }
        };
        // The context goes with this wrapper, which the runtime drops before it hands the outcome on.
        Poll::Ready(Outcome::new(result))
    }
}

impl<F: Future> fmt::Debug for Supervised<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}
