//! How a thread is started by a handler that may do anything with it.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::sync::atomic::{AtomicU8, Ordering};
use crate::catch::{catch, drop_quietly};

/// What starts a thread: `std::thread::Builder::spawn`, or what replaces it.
pub(crate) type Spawn =
    dyn Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> + Send + Sync;

/// What a thread is to do.
pub(crate) trait Body: Send + 'static {
    fn work(self);
    /// It was dropped without having run, after the handler had answered: the set-up of a handler's thread may
    /// panic, too.
    fn lost(self, error: &io::Error);
}

/// A builder of this name, and with a stack of this size if one is given.
pub(crate) fn builder(name: &str, stack_size: Option<usize>) -> thread::Builder {
    let thread = thread::Builder::new().name(name.to_owned());
    match stack_size {
        Some(size) => thread.stack_size(size),
        None => thread,
    }
}

/// Starts a thread. `owner` is whose handler it is, for the error's text.
///
/// What counts is what became of the body: a handler may lose it and report a success, or start the thread and report
/// an error all the same, which is `None`.
///
/// # Errors
///
/// The body was dropped without having run; [`Body::lost`] is not called then.
pub(crate) fn start(
    spawn: &Spawn,
    builder: thread::Builder,
    body: impl Body,
    owner: &'static str,
) -> io::Result<Option<JoinHandle<()>>> {
    let fate = Arc::new(AtomicU8::new(UNDERWAY));
    let guarded = Guarded { body: Some(body), fate: fate.clone(), owner };
    let guarded = Box::new(move || guarded.work());
    let started = catch(|| spawn(builder, guarded)).unwrap_or_else(|panic| {
        let text = panic.message().to_owned();
        drop_quietly(panic);
        Err(io::Error::other(format!("the spawn handler panicked: {text}")))
    });
    // ORDERING: AcqRel pairs with the swap in `Guarded::drop`: one of the two sees that the other was first.
    if fate.swap(ANSWERED, Ordering::AcqRel) == LOST {
        return Err(started.err().unwrap_or_else(|| body_lost(owner)));
    }
    Ok(started.ok())
}

/// The spawn handler has not answered yet.
const UNDERWAY: u8 = 0;
/// It has, and the body was not lost before.
const ANSWERED: u8 = 1;
/// The body was dropped without having run, before the handler answered.
const LOST: u8 = 2;

/// Sees to it that somebody hears of a body that is dropped.
struct Guarded<B: Body> {
    /// There until it runs.
    body: Option<B>,
    fate: Arc<AtomicU8>,
    owner: &'static str,
}

impl<B: Body> Guarded<B> {
    fn work(mut self) {
        if let Some(body) = self.body.take() {
            body.work();
        }
    }
}

impl<B: Body> Drop for Guarded<B> {
    fn drop(&mut self) {
        let Some(body) = self.body.take() else { return };
        // ORDERING: see `start`.
        if self.fate.swap(LOST, Ordering::AcqRel) == ANSWERED {
            body.lost(&body_lost(self.owner));
        }
    }
}

fn body_lost(owner: &str) -> io::Error {
    io::Error::other(format!(
        "a thread ended before it came to the {owner}'s code: see the {owner}'s spawn handler"
    ))
}

/// `io::Error` cannot be cloned.
pub(crate) fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
