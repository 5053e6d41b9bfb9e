//! The wrapper that every spawned future gets, on every runtime: panics become values (C05), the inner
//! future is gone before its result can be seen (C06), destructors' panics stop here (C07), the
//! context is set (C34), and the end of a run reaches it (C19).

mod seat;

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use self::seat::{Seat, Taken};
use crate::catch::drop_quietly;
use crate::context::{Context, poll_in};
use crate::error::Panic;
use crate::scope::Address;
use crate::task::Outcome;

pin_project! {
    /// What an adapter spawns in place of the user's future; made by [`Binding::supervise`](crate::Binding::supervise).
    ///
    /// It ends in an [`Outcome`] and never panics, neither when polled nor when dropped.
    pub struct Supervised<F>
    where
        F: Future,
    {
        // The context's scope counts the future until it was dropped.
        #[pin]
        seat: Seat<F>,
    }

    impl<F> PinnedDrop for Supervised<F>
    where
        F: Future,
    {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            let address = Address::of(&*this);
            if let Some((future, context)) = this.project().seat.take() {
                unfinished(future, context, address);
            }
        }
    }
}

impl<F: Future> Supervised<F> {
    #[inline]
    pub(crate) fn new(context: Context, future: F) -> Self {
        if let Some(scope) = context.scope() {
            scope.enter_future();
        }
        Self { seat: Seat::new(context, future) }
    }
}

impl<F: Future> Future for Supervised<F> {
    type Output = Outcome<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let address = Address::of(&*self);
        let Some((future, mut context)) = self.project().seat.take() else {
            panic!("a spawned future was polled again after it had ended");
        };
        if context.scope().is_some_and(|scope| scope.is_closing()) {
            unfinished(future, context, address);
            return Poll::Ready(Outcome::cancelled());
        }
        let mut future = Some(future);
        let polled = poll_in(&mut context, || {
            let Some(running) = &mut future else { return Poll::Pending };
            // As an outcome, it bears being dropped by a panic of the future's destructor.
            let ended = running.future().poll(cx).map(Outcome::value);
            if ended.is_ready() {
                future = None;
            }
            ended
        });
        let outcome = match polled {
            Ok(Poll::Pending) => {
                if let Some(scope) = context.scope() {
                    scope.register(address, cx.waker());
                }
                if let Some(future) = future {
                    future.put_back(context);
                }
                return Poll::Pending;
            }
            Ok(Poll::Ready(outcome)) => outcome,
            // Of the poll, with the future still there; or of its destructor.
            Err(panic) => panicked(panic, future, &mut context),
        };
        leave(context, address);
        Poll::Ready(outcome)
    }
}

#[cold]
fn panicked<F, T>(panic: Panic, future: Option<Taken<'_, F>>, context: &mut Context) -> Outcome<T> {
    drop_quietly(poll_in(context, || drop(future)));
    Outcome::panicked(panic)
}

/// Drops a future that has not ended. Nobody is left to be told of a destructor's panic.
#[cold]
fn unfinished<F>(future: Taken<'_, F>, mut context: Context, address: Address) {
    drop_quietly(poll_in(&mut context, || drop(future)));
    leave(context, address);
}

/// The future is gone, and the end of its run need not wait for it.
#[inline]
fn leave(context: Context, address: Address) {
    if let Some(scope) = context.scope() {
        scope.unregister(address);
        scope.leave_future();
    }
}

impl<F: Future> fmt::Debug for Supervised<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised").field("ended", &self.seat.is_empty()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::pin::pin;
    use std::task::Waker;
    use std::time::Duration;

    use super::*;
    use crate::{Binding, BoxFuture, Driver, NativeTask, TaskError};

    #[derive(Debug)]
    struct Nothing;

    impl Driver for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }
        fn spawn_boxed(&self, _: BoxFuture<'static, ()>) -> Box<dyn NativeTask<()>> {
            unreachable!()
        }
        fn sleep_boxed(&self, _: Duration) -> BoxFuture<'static, ()> {
            unreachable!()
        }
        fn drive_boxed(&self, _: Pin<&mut (dyn Future<Output = ()> + '_)>) {
            unreachable!()
        }
    }

    fn supervised<F: Future>(future: F) -> Supervised<F> {
        Binding::new(Nothing).supervise(future)
    }

    fn poll_once<F: Future>(future: Pin<&mut Supervised<F>>) -> Poll<Outcome<F::Output>> {
        future.poll(&mut TaskContext::from_waker(Waker::noop()))
    }

    /// Ready at the second poll. Panics as it is dropped, with the name of what it is part of.
    struct Bomb(&'static str);

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(self.0);
        }
    }

    struct Explosive {
        polled: bool,
        _bomb: Bomb,
    }

    impl Future for Explosive {
        type Output = Bomb;

        fn poll(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Bomb> {
            if std::mem::replace(&mut self.polled, true) { Poll::Ready(Bomb("value")) } else { Poll::Pending }
        }
    }

    fn explosive() -> Supervised<Explosive> {
        supervised(Explosive { polled: false, _bomb: Bomb("future") })
    }

    #[test]
    fn of_a_destructor_and_a_value_that_both_panic_the_first_counts() {
        let mut future = pin!(explosive());
        assert!(poll_once(future.as_mut()).is_pending());
        let Poll::Ready(outcome) = poll_once(future.as_mut()) else { panic!("it is ready") };
        let Err(TaskError::Panicked(panic)) = outcome.into_result() else { panic!("it panicked") };
        assert_eq!(panic.message(), "future");
    }

    #[test]
    fn a_destructor_that_panics_before_the_end_stops_here() {
        drop(explosive());
        let mut future = Box::pin(explosive());
        assert!(poll_once(future.as_mut()).is_pending());
        drop(future);
    }

    #[test]
    fn a_wrapper_is_one_word_larger_than_its_future_and_an_outcome_than_a_word() {
        type Four = std::future::Ready<[usize; 4]>;
        assert_eq!(size_of::<Supervised<Four>>(), size_of::<Four>() + size_of::<usize>());
        assert_eq!(size_of::<Outcome<usize>>(), 2 * size_of::<usize>());
    }
}
