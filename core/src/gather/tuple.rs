//! Tuples of children.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::settle::{Settle, Settleable, Settled};
use super::slot::{POLLED_AGAIN, Slot, resume_first};
use super::until::Stop;
use super::{Gatherable, Together, TryGatherable};
use crate::Panic;
use crate::catch::{catch, drop_quietly};

/// The two futures of one arity. All children are polled at each poll: with twelve at the most, that is
/// cheaper than a waker each.
macro_rules! tuple {
    ($name:ident $try_name:ident [$($child:ident $output:ident $value:ident)*]) => {
        pin_project! {
            #[doc = "The future of [`gather`](crate::gather()) over a tuple."]
            #[must_use = "futures do nothing until they are awaited"]
            pub struct $name<$($child: Future),*> {
                $(#[pin] $value: Slot<$child>,)*
                pending: usize,
                // Who is polled first: another one each time, as on tokio it can use up the budget of all.
                first: usize,
                ended: bool,
            }

            impl<$($child: Future),*> PinnedDrop for $name<$($child),*> {
                fn drop(this: Pin<&mut Self>) {
                    if !this.ended {
                        resume_first(this.clear());
                    }
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
            fn new($($value: $child),*) -> Self {
                Self { $($value: Slot::new($value),)* pending: [$(stringify!($value)),*].len(), first: 0, ended: false }
            }

            /// Drops every child and output; returns their destructors' panics.
            fn clear(self: Pin<&mut Self>) -> Vec<Panic> {
                let this = self.project();
                let mut panics = Vec::new();
                if !std::mem::replace(this.ended, true) {
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
                if self.ended {
                    panic!("{POLLED_AGAIN}");
                }
                let mut this = self.as_mut().project();
                let polled = catch(|| {
                    let mut turns = Turns::begin(this.first, [$(stringify!($value)),*].len());
                    while turns.next_round() {
                        $(if turns.is_next() && this.$value.as_mut().poll(cx).is_ready() {
                            *this.pending -= 1;
                        })*
                    }
                    *this.pending
                });
                match polled {
                    Ok(0) => {}
                    Ok(_) => return Poll::Pending,
                    Err(panic) => self.panicked(panic),
                }
                *this.ended = true;
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
                if all.ended {
                    panic!("{POLLED_AGAIN}");
                }
                let mut this = all.as_mut().project();
                let polled = catch(|| {
                    let mut turns = Turns::begin(this.first, [$(stringify!($value)),*].len());
                    while turns.next_round() {
                        $(if turns.is_next() && this.$value.as_mut().poll(cx).is_ready() {
                            if this.$value.as_ref().is_done_and(Result::is_err) {
                                return this.$value.as_mut().take().and_then(Result::err);
                            }
                            *this.pending -= 1;
                        })*
                    }
                    None
                });
                match polled {
                    Ok(None) if *this.pending == 0 => {}
                    Ok(None) => return Poll::Pending,
                    Ok(Some(error)) => {
                        // C23: the others are dropped before the error is seen.
                        resume_first(all.clear());
                        return Poll::Ready(Err(error));
                    }
                    Err(panic) => all.panicked(panic),
                }
                *this.ended = true;
                tuple!(@all take this ($($value)*) Poll::Ready(Ok(($(value_of($value),)*))))
            }
        }

        impl<$($child: Future),*> Stop for $name<$($child),*> {
            type Done = ($(Option<$child::Output>,)*);

            fn stop(mut self: Pin<&mut Self>) -> Self::Done {
                let mut this = self.as_mut().project();
                let done = ($(this.$value.as_mut().take(),)*);
                resume_first(self.clear());
                done
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
    (@all $take:ident $this:ident ($($value:ident)+) $ready:expr) => {
        match ($($this.$value.as_mut().$take(),)+) {
            ($(Some($value),)+) => $ready,
            _ => unreachable!("every child has ended, and its output is taken once"),
        }
    };
}

/// Whose turn it is in a poll: in a first round everybody from `first` on, in a second one those before.
struct Turns {
    first: usize,
    place: usize,
    rounds: usize,
}

impl Turns {
    #[inline]
    fn begin(first: &mut usize, places: usize) -> Self {
        let turns = Self { first: *first, place: 0, rounds: 0 };
        *first = (*first + 1) % places;
        turns
    }

    #[inline]
    fn next_round(&mut self) -> bool {
        self.place = 0;
        self.rounds += 1;
        self.rounds == 1 || (self.rounds == 2 && self.first > 0)
    }

    #[inline]
    fn is_next(&mut self) -> bool {
        let place = self.place;
        self.place += 1;
        (place >= self.first) == (self.rounds == 1)
    }
}

/// Of a child that did not end in an error, for that would have ended the gather.
fn value_of<T, E>(ended: Result<T, E>) -> T {
    match ended {
        Ok(value) => value,
        Err(_) => unreachable!("an error ends the gather at once"),
    }
}

/// None in, none out.
impl TryGatherable<Together> for () {
    type Output = ();
    type Error = std::convert::Infallible;
    type Running = std::future::Ready<Result<(), Self::Error>>;

    fn start(self) -> Self::Running {
        std::future::ready(Ok(()))
    }
}

/// None in, none out.
impl Gatherable<Together> for () {
    type Output = ();
    type Running = std::future::Ready<()>;

    fn start(self) -> Self::Running {
        std::future::ready(())
    }
}

tuple!(Gather1 TryGather1 [A AValue a]);
tuple!(Gather2 TryGather2 [A AValue a B BValue b]);
tuple!(Gather3 TryGather3 [A AValue a B BValue b C CValue c]);
tuple!(Gather4 TryGather4 [A AValue a B BValue b C CValue c D DValue d]);
tuple!(Gather5 TryGather5 [A AValue a B BValue b C CValue c D DValue d E EValue e]);
tuple!(Gather6 TryGather6 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f]);
tuple!(Gather7 TryGather7 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g]);
tuple!(Gather8 TryGather8 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g H HValue h]);
tuple!(Gather9 TryGather9 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g H HValue h I IValue i]);
tuple!(Gather10 TryGather10 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g H HValue h I IValue i J JValue j]);
tuple!(Gather11 TryGather11 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g H HValue h I IValue i J JValue j K KValue k]);
tuple!(Gather12 TryGather12 [A AValue a B BValue b C CValue c D DValue d E EValue e F FValue f G GValue g H HValue h I IValue i J JValue j K KValue k L LValue l]);
