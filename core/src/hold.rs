//! What a runtime may tie to a call that is outstanding.

use std::any::Any;
use std::fmt;

/// Kept by a call from its submission until its result was delivered.
///
/// A runtime returns one from [`Driver::hold_clock`](crate::Driver::hold_clock) when it must know that a
/// call is outstanding. Dropping it is all that ever happens to it.
pub struct Hold(#[expect(dead_code, reason = "held for its destructor alone")] Box<dyn Any + Send + Sync>);

impl Hold {
    /// Keeps `value` until the call has ended and its awaiter was woken.
    pub fn new(value: impl Send + Sync + 'static) -> Self {
        Self(Box::new(value))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}
