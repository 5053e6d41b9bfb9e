//! What a call brings along besides its closure.

use std::panic::Location;

use crate::cancel_token::Link;
use crate::carry::Luggage;
use crate::catch::drop_quietly;
use crate::context::Context;
use crate::error::{Panic, TaskError};
use crate::hold::Hold;
use crate::limiter::{InLine, Permit};
use crate::scope::CallTicket;
use crate::slow_calls::attend;
use crate::span::{self, Span};

/// Taken along from the submission to the end. If the context belongs to a run, the run counts it: see
/// [`Carried::ticket`].
pub(super) struct Carried {
    pub(super) context: Context,
    surroundings: Surroundings,
    /// Boxed, because few calls have any of it.
    tail: Option<Box<Tail>>,
}

/// What is around the closure while it runs (C34).
pub(crate) struct Surroundings {
    span: Span,
    luggage: Luggage,
}

impl Surroundings {
    /// Taken at the submission, on the submitter's thread.
    #[inline]
    pub(crate) fn capture() -> Self {
        Self { span: Span::current(), luggage: Luggage::capture() }
    }

    pub(crate) fn none() -> Self {
        Self { span: Span::none(), luggage: Luggage::none() }
    }

    /// Whether there is nothing around it.
    pub(crate) fn is_nothing(&self) -> bool {
        self.span.is_none() && self.luggage.is_nothing()
    }

    /// Runs the closure inside. All of it goes with the closure, before the result can be seen (C06).
    ///
    /// Of a call that was submitted at `place`, it is told there if it takes long or panics.
    #[inline]
    pub(crate) fn run<T>(
        self,
        place: Option<&'static Location<'static>>,
        closure: impl FnOnce() -> T,
    ) -> Result<T, Panic> {
        let Self { span, luggage } = self;
        let ended = span::within(&span, || attend(place, || luggage.scope(closure)));
        drop_quietly(span);
        ended
    }
}

/// Kept until the result was delivered and the awaiter woken.
#[derive(Default)]
pub(super) struct Tail {
    #[expect(dead_code, reason = "held for its destructor alone")]
    hold: Option<Hold>,
    /// In the queue of the limiter that it waits for.
    place: Option<InLine>,
    /// Given back at once when the call is cancelled in the queue.
    permit: Option<Permit>,
    /// What cancels it.
    links: Vec<Link>,
    /// Why a pool gave the closure up while its submitter was inside `Pool::execute`.
    given_up: Option<TaskError>,
    /// It is no call of anybody's.
    is_errand: bool,
}

/// What is left of a [`Carried`] when the closure has gone: dropped in this order, after the end.
pub(super) struct Rest {
    pub(super) tail: Option<Box<Tail>>,
    pub(super) ticket: Option<CallTicket>,
}

impl Rest {
    /// The permit, for as long as the call runs.
    pub(super) fn take_permit(&mut self) -> Option<Permit> {
        self.tail.as_mut()?.permit.take()
    }

    /// Whether it is no call of anybody's.
    pub(super) fn is_errand(&self) -> bool {
        self.tail.as_ref().is_some_and(|tail| tail.is_errand)
    }

    pub(super) fn put_back(&mut self, permit: Permit) {
        self.tail.get_or_insert_default().permit = Some(permit);
    }

    /// Whether dropping it would do nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.tail.is_none() && self.ticket.is_none()
    }
}

impl Carried {
    /// Taken at the submission, on the submitter's thread (C34).
    pub(super) fn capture() -> Self {
        Self::with(Surroundings::capture())
    }

    /// The same for an errand, which puts its surroundings in place by itself.
    pub(super) fn capture_for_errand() -> Self {
        let mut carried = Self::with(Surroundings::none());
        carried.tail.get_or_insert_default().is_errand = true;
        carried
    }

    #[inline]
    fn with(surroundings: Surroundings) -> Self {
        let context = Context::capture();
        let hold = context.runtime().and_then(|runtime| runtime.hold_clock());
        if let Some(scope) = context.scope() {
            scope.enter_call();
        }
        let tail = hold.map(|hold| Box::new(Tail { hold: Some(hold), ..Tail::default() }));
        Self { context, surroundings, tail }
    }

    /// Takes it apart: the context and the surroundings go with the closure, the rest after its end.
    pub(super) fn into_parts(self) -> (Context, Surroundings, Rest) {
        let Self { context, surroundings, tail } = self;
        let ticket = context.scope().map(CallTicket::of_entered);
        (context, surroundings, Rest { tail, ticket })
    }

    pub(super) fn add_place(&mut self, place: InLine) {
        self.tail.get_or_insert_default().place = Some(place);
    }

    pub(super) fn add_permit(&mut self, permit: Permit) {
        let tail = self.tail.get_or_insert_default();
        if let Some(place) = tail.place.take() {
            place.leave();
        }
        tail.permit = Some(permit.within(tail.permit.take()));
    }

    pub(super) fn add_link(&mut self, link: Link) {
        self.tail.get_or_insert_default().links.push(link);
    }

    pub(super) fn note_given_up(&mut self, reason: TaskError) {
        self.tail.get_or_insert_default().given_up = Some(reason);
    }

    pub(super) fn take_given_up(&mut self) -> Option<TaskError> {
        self.tail.as_mut()?.given_up.take()
    }
}
