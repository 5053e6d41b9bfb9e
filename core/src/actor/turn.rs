//! Which actor's call this thread is running.

use std::cell::Cell;

thread_local! {
    /// The address of the actor's mailbox; 0 for none. Of nested ones, the innermost.
    static TURN: Cell<usize> = const { Cell::new(0) };
}

/// Runs calls of an actor.
pub(super) fn in_turn<R>(mailbox: usize, run: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            TURN.set(self.0);
        }
    }
    let _restore = Restore(TURN.replace(mailbox));
    run()
}

/// A call of an actor that is not ready was polled: inside the actor's own call, it never will be.
#[track_caller]
pub(crate) fn forbid_in_turn(mailbox: usize) {
    if TURN.get() == mailbox {
        panic!(
            "a call of an actor waits for another call of the same actor, which cannot begin before this one has \
             ended: it would wait for ever. Use the `&mut T` that the call was given, or `detach()` the other \
             call and do not wait for it"
        );
    }
}
