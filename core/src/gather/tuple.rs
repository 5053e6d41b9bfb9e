//! Tuples of children.

use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::children::behind;
use super::counted::Pending;
use super::settle::{Settle, Settleable, Settled};
use super::slot::{POLLED_AGAIN, Slot, resume_first, unless_panicked};
use super::until::Stop;
use super::{Gatherable, Together, TryGatherable};
use crate::Panic;
use crate::catch::{catch, drop_quietly};

/// The two futures of one arity. All children are polled at each poll: with twelve at the most, that is
/// cheaper than a waker each.
macro_rules! tuple {
    ($name:ident $try_name:ident [$($place:literal $child:ident $output:ident $value:ident)*]) => {
        pin_project! {
            #[doc = "The future of [`gather`](crate::gather()) over a tuple."]
            #[must_use = "futures do nothing until they are awaited"]
            pub struct $name<$($child: Future),*> {
                $(#[pin] $value: Slot<$child>,)*
                // None: it has ended.
                pending: usize,
                // Who is polled first: another one each time, as on tokio it can use up the budget of all.
                leader: usize,
            }

            impl<$($child: Future),*> PinnedDrop for $name<$($child),*> {
                fn drop(this: Pin<&mut Self>) {
                    resume_first(this.clear());
                }
            }
        }

        pin_project! {
            #[doc = "The future of [`try_gather`](crate::try_gather) over a tuple."]
            #[must_use = "futures do nothing until they are awaited"]
            pub struct $try_name<$($child: Future,)* Error> {
                #[pin] all: $name<$($child),*>,
                error: std::marker::PhantomData<fn() -> Error>,
            }
        }

        impl<$($child: Future),*> $name<$($child),*> {
            #[allow(clippy::too_many_arguments, reason = "one for each child, up to twelve")]
            #[inline]
            fn new($($value: $child),*) -> Self {
                Self { $($value: Slot::new($value),)* pending: [$($place),*].len(), leader: 0 }
            }

            /// Drops every child and output; returns their destructors' panics.
            fn clear(self: Pin<&mut Self>) -> Vec<Panic> {
                let this = self.project();
                let mut panics = Vec::new();
                if std::mem::take(this.pending) > 0 {
                    $(panics.extend(this.$value.clear());)*
                }
                panics
            }

            /// C22: the siblings first.
            fn panicked(self: Pin<&mut Self>, panic: Panic) -> ! {
                self.clear().into_iter().for_each(drop_quietly);
                panic.resume()
            }
        }

        impl<$($child: Future),*> Future for $name<$($child),*> {
            type Output = ($($child::Output,)*);

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                if self.pending == 0 {
                    panic!("{POLLED_AGAIN}");
                }
                let mut this = self.as_mut().project();
                match catch(|| tuple!(@by_turns go_on this cx [$($place $value)*])) {
                    Ok(ControlFlow::Continue(0)) => {}
                    Ok(ControlFlow::Continue(_)) => return Poll::Pending,
                    Err(panic) => self.panicked(panic),
                }
                tuple!(@all take this ($($value)*) Poll::Ready(($($value,)*)))
            }
        }

        impl<$($child, $output,)* Error> Future for $try_name<$($child,)* Error>
        where
            $($child: Future<Output = Result<$output, Error>>,)*
        {
            type Output = Result<($($output,)*), Error>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut all = self.project().all;
                if all.pending == 0 {
                    panic!("{POLLED_AGAIN}");
                }
                let mut this = all.as_mut().project();
                match catch(|| tuple!(@by_turns unless_it_failed this cx [$($place $value)*])) {
                    Ok(ControlFlow::Continue(0)) => {}
                    Ok(ControlFlow::Continue(_)) => return Poll::Pending,
                    Ok(ControlFlow::Break(error)) => {
                        // C23: the others are dropped before the error is seen.
                        return Poll::Ready(Err(unless_panicked(error, all.clear(), drop_quietly)));
                    }
                    Err(panic) => all.panicked(panic),
                }
                tuple!(@all take this ($($value)*) Poll::Ready(Ok(($(value_of($value),)*))))
            }
        }

        impl<$($child: Future),*> Stop for $name<$($child),*> {
            type Done = ($(Option<$child::Output>,)*);

            fn stop(mut self: Pin<&mut Self>) -> Self::Done {
                let mut this = self.as_mut().project();
                let done = ($(this.$value.as_mut().take(),)*);
                unless_panicked(done, self.clear(), |($($value,)*): Self::Done| {
                    $(drop_quietly($value);)*
                })
            }
        }

        impl<$($child, $output,)* Error> Stop for $try_name<$($child,)* Error>
        where
            $($child: Future<Output = Result<$output, Error>>,)*
        {
            type Done = ($(Option<$output>,)*);

            fn stop(self: Pin<&mut Self>) -> Self::Done {
                let ($($value,)*) = self.project().all.stop();
                ($($value.and_then(Result::ok),)*)
            }
        }

        impl<$($child: Future),*> Pending for $name<$($child),*> {
            const TOTAL: usize = [$($place),*].len();

            fn pending(&self) -> usize {
                self.pending
            }

            fn has_failed(_: &Self::Output) -> bool {
                false
            }
        }

        impl<$($child, $output,)* Error> Pending for $try_name<$($child,)* Error>
        where
            $($child: Future<Output = Result<$output, Error>>,)*
        {
            const TOTAL: usize = [$($place),*].len();

            fn pending(&self) -> usize {
                self.all.pending
            }

            fn has_failed(output: &Self::Output) -> bool {
                output.is_err()
            }
        }

        impl<$($child: IntoFuture,)* How> Settleable<Together, How> for ($($child,)*)
        where
            $(How: Settle<$child::Output>,)*
        {
            type Settling = ($(Settled<$child::IntoFuture, How>,)*);

            fn settling(self) -> Self::Settling {
                let ($($value,)*) = self;
                ($(Settled::new($value),)*)
            }
        }

        impl<$($child: IntoFuture),*> Gatherable<Together> for ($($child,)*) {
            type Output = ($($child::Output,)*);
            type Running = $name<$($child::IntoFuture),*>;

            #[inline]
            fn start(self) -> Self::Running {
                let ($($value,)*) = self;
                $name::new($($value.into_future()),*)
            }
        }

        impl<$($child, $output,)* Error> TryGatherable<Together> for ($($child,)*)
        where
            $($child: IntoFuture<Output = Result<$output, Error>>,)*
        {
            type Output = ($($output,)*);
            type Error = Error;
            type Running = $try_name<$($child::IntoFuture,)* Error>;

            #[inline]
            fn start(self) -> Self::Running {
                let ($($value,)*) = self;
                $try_name { all: $name::new($($value.into_future()),*), error: std::marker::PhantomData }
            }
        }

        impl<$($child: Future),*> fmt::Debug for $name<$($child),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("pending", &self.pending).finish_non_exhaustive()
            }
        }

        impl<$($child: Future,)* Error> fmt::Debug for $try_name<$($child,)* Error> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($try_name)).field(&self.all).finish()
            }
        }
    };
    // A poll of all children, and how many of them are pending then, unless `$then` breaks it off. One comparison
    // for each of them: rounds that begin with another one take two.
    (@by_turns $then:ident $this:ident $cx:ident [$($place:literal $value:ident)*]) => {{
        let leader = *$this.leader;
        let mut pending = *$this.pending;
        if leader > 0 {
            $(if goes_ahead($place, leader) {
                $then($this.$value.as_mut(), $cx, &mut pending)?;
            })*
        }
        $(if !goes_ahead($place, leader) {
            $then($this.$value.as_mut(), $cx, &mut pending)?;
        })*
        *$this.pending = pending;
        if pending > 0 {
            *$this.leader = behind(leader, [$($place),*].len());
        }
        ControlFlow::Continue(pending)
    }};
    (@all $take:ident $this:ident ($($value:ident)+) $ready:expr) => {
        match ($($this.$value.as_mut().$take(),)+) {
            ($(Some($value),)+) => $ready,
            _ => unreachable!("every child has ended, and its output is taken once"),
        }
    };
}

/// The first child needs not: it is ahead of the others anyway.
#[inline]
fn goes_ahead(place: usize, leader: usize) -> bool {
    place > 0 && place == leader
}

#[inline]
fn go_on<F: Future>(
    child: Pin<&mut Slot<F>>,
    cx: &mut Context<'_>,
    pending: &mut usize,
) -> ControlFlow<Infallible> {
    if child.poll(cx).is_ready() {
        *pending -= 1;
    }
    ControlFlow::Continue(())
}

#[inline]
fn unless_it_failed<T, E, F: Future<Output = Result<T, E>>>(
    mut child: Pin<&mut Slot<F>>,
    cx: &mut Context<'_>,
    pending: &mut usize,
) -> ControlFlow<E> {
    if child.as_mut().poll(cx).is_ready() {
        if child.as_ref().is_done_and(Result::is_err)
            && let Some(Err(error)) = child.take()
        {
            return ControlFlow::Break(error);
        }
        *pending -= 1;
    }
    ControlFlow::Continue(())
}

/// Of a child that did not end in an error, for that would have ended the gather.
fn value_of<T, E>(ended: Result<T, E>) -> T {
    match ended {
        Ok(value) => value,
        Err(_) => unreachable!("an error ends the gather at once"),
    }
}

tuple!(Gather1 TryGather1 [0 A AValue a]);
tuple!(Gather2 TryGather2 [0 A AValue a 1 B BValue b]);
tuple!(Gather3 TryGather3 [0 A AValue a 1 B BValue b 2 C CValue c]);
tuple!(Gather4 TryGather4 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d]);
tuple!(Gather5 TryGather5 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e]);
tuple!(Gather6 TryGather6 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f]);
tuple!(Gather7 TryGather7 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g]);
tuple!(Gather8 TryGather8 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g 7 H HValue h]);
tuple!(Gather9 TryGather9 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g 7 H HValue h 8 I IValue i]);
tuple!(Gather10 TryGather10 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g 7 H HValue h 8 I IValue i 9 J JValue j]);
tuple!(Gather11 TryGather11 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g 7 H HValue h 8 I IValue i 9 J JValue j 10 K KValue k]);
tuple!(Gather12 TryGather12 [0 A AValue a 1 B BValue b 2 C CValue c 3 D DValue d 4 E EValue e 5 F FValue f 6 G GValue g 7 H HValue h 8 I IValue i 9 J JValue j 10 K KValue k 11 L LValue l]);
