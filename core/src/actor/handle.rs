//! An actor's handles, and the last of them.

use std::fmt;
use std::sync::Arc;

use super::Actor;
use super::mailbox::Engine;
use super::value::Core;

/// What the last user drops.
pub(super) struct Handle<T: 'static> {
    pub(super) core: Arc<Core<T>>,
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let mailbox = &self.core.mailbox;
        // A call, so that a run waits for it (C19), and the value of an actor on a pool is dropped there.
        if !mailbox.close_unstaffed() {
            self.core.vacate_last(mailbox.place).detach();
        }
    }
}

impl<T> Clone for Actor<T> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<T> fmt::Debug for Actor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mailbox = &self.core().mailbox;
        let (closed, queued) = mailbox.standing();
        let mut actor = f.debug_struct("Actor");
        match &mailbox.engine {
            Engine::Thread(thread) => actor.field("thread", &thread.name),
            Engine::Pool(rented) => actor.field("pool", &rented.pool),
        };
        actor.field("closed", &closed).field("queued", &queued).finish()
    }
}
