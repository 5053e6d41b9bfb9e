//! What a call brings along besides its closure.

use crate::context::Context;
use crate::hold::Hold;
use crate::limiter::Permit;
use crate::scope::CallTicket;
use crate::span::Span;

/// Taken along from the submission to the end.
pub(super) struct Carried {
    pub(super) context: Context,
    pub(super) span: Span,
    pub(super) tail: Tail,
}

/// Kept until the result was delivered and the awaiter woken.
#[derive(Default)]
pub(super) struct Tail {
    #[expect(dead_code, reason = "held for its destructor alone")]
    hold: Option<Hold>,
    #[expect(dead_code, reason = "held for its destructor alone")]
    ticket: Option<CallTicket>,
    /// Given back at once when the call is cancelled in the queue.
    pub(super) permit: Option<Permit>,
}

impl Carried {
    /// Taken at the submission, on the submitter's thread (C34).
    pub(super) fn capture() -> Self {
        let context = Context::capture();
        let hold = context.runtime().and_then(|runtime| runtime.hold_clock());
        let ticket = context.scope().map(CallTicket::new);
        Self { context, span: Span::current(), tail: Tail { hold, ticket, permit: None } }
    }
}
