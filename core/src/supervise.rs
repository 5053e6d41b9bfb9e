//! The wrapper that every spawned future gets, on every runtime: panics become values (C05), the inner
//! future is gone before its result can be seen (C06), destructors' panics stop here (C07), the
//! context is set (C34), and the end of a run reaches it (C19).

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use crate::catch::{catch, quietly};
use crate::context::{Ambient, Context, Swapped, peek};
use crate::error::TaskError;
use crate::runtime::AnyRuntime;
use crate::scope::{Registration, Ticket};
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
        ambient: Ambient,
        registration: Option<Registration>,
        // Given back when the future is gone: the last field that matters to anybody else.
        ticket: Option<Ticket>,
    }

    impl<F> PinnedDrop for Supervised<F>
    where
        F: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            this.end();
        }
    }
}

impl<F: Future> Supervised<F> {
    pub(crate) fn new(runtime: AnyRuntime, future: F) -> Self {
        let scope = peek(|ambient| ambient.context.scope.clone());
        let ticket = scope.as_ref().map(|scope| scope.enlist_future());
        let context = Context { runtime: Some(runtime), scope };
        Self {
            future: Some(future),
            ambient: Ambient { context, call: None, polling: true },
            registration: None,
            ticket,
        }
    }

    /// Drops the future inside its context. Returns its panic, if its destructor did.
    fn drop_future(self: Pin<&mut Self>) -> Result<(), crate::Panic> {
        let mut this = self.project();
        let _context = Swapped::new(this.ambient);
        catch(|| this.future.set(None))
    }

    fn end(mut self: Pin<&mut Self>) {
        if self.future.is_some() {
            // Nobody is left to be told of a destructor's panic.
            let _ = self.as_mut().drop_future().map_err(crate::catch::drop_quietly);
        }
        let this = self.project();
        if let Some(ticket) = this.ticket.take() {
            ticket.unregister(this.registration);
            drop(ticket);
        }
        // The context may hold the last handle of its runtime.
        quietly(|| drop(std::mem::take(this.ambient)));
    }
}

impl<F: Future> Future for Supervised<F> {
    type Output = Outcome<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let cancelled = this.ticket.as_ref().is_some_and(Ticket::is_closing);
        let ended = if cancelled {
            Err(TaskError::Cancelled)
        } else {
            let Some(future) = this.future.as_pin_mut() else {
                panic!("a spawned future was polled again after it had ended");
            };
            let polled = {
                let _context = Swapped::new(this.ambient);
                catch(|| future.poll(cx))
            };
            match polled {
                Ok(Poll::Pending) => {
                    if let Some(ticket) = this.ticket {
                        ticket.register(this.registration, cx.waker());
                    }
                    return Poll::Pending;
                }
                Ok(Poll::Ready(value)) => Ok(value),
                Err(panic) => Err(TaskError::Panicked(panic)),
            }
        };
        let dropped = self.as_mut().drop_future();
        let ended = match (ended, dropped) {
            (Ok(value), Err(panic)) => {
                crate::catch::drop_quietly(value);
                Err(TaskError::Panicked(panic))
            }
            (ended, dropped) => {
                if let Err(panic) = dropped {
                    crate::catch::drop_quietly(panic);
                }
                ended
            }
        };
        self.end();
        Poll::Ready(Outcome::new(ended))
    }
}

impl<F: Future> fmt::Debug for Supervised<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}
