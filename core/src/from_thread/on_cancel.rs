//! What is to be done at once when the call is cancelled.

use std::fmt;
use std::sync::Arc;

use super::is_cancelled;
use crate::catch::quietly;
use crate::context::hooks_of_this_call;
use crate::interrupts::Hooks;

/// Registers an interrupt: `hook` is called when the call that this code runs in is cancelled. It is for what a flag cannot
/// end: close a socket that the call reads from, `sqlite3_interrupt`, kill a child process.
///
/// The hook runs on the thread that cancels, as soon as it does so, and once at the most. It does not begin when the
/// guard has been dropped or the call has ended. In a call that is cancelled already it runs here, before
/// `on_cancel` returns. Several hooks run in the order in which they were registered.
///
/// A call is cancelled when its [`Task`](crate::Task) or polled [`Call`](crate::Call) is aborted or dropped, or
/// [`shutdown_timeout`](crate::ThreadPool::shutdown_timeout) gives its pool up; for an item of a map, when the map is. In
/// short, when [`is_cancelled`] turns true. Outside a call nothing is ever cancelled: the guard does nothing there.
///
/// # What a hook may do
///
/// It holds up who cancels, often a runtime's thread, so it must be short. To drop the guard, or to end the call,
/// waits for a hook that is running, so that what it uses may be given up afterwards; therefore the hook must not wait
/// for the call, nor for a lock that the call holds meanwhile. It may drop its own guard. A panic in it is caught.
///
/// ```
/// use std::io::Read;
/// use std::net::{Shutdown, TcpListener, TcpStream};
/// use anyloop_core::{PoolExt, ThreadPool, from_thread};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut socket = TcpStream::connect(listener.local_addr()?)?;
/// let (started, starting) = std::sync::mpsc::channel();
///
/// let pool = ThreadPool::new(1).unwrap();
/// let task = pool.submit(move || {
///     let closing = socket.try_clone()?;
///     let _guard = from_thread::on_cancel(move || {
///         let _ = closing.shutdown(Shutdown::Both);
///     });
///     started.send(()).unwrap();
///     socket.read(&mut [0]) // nobody ever writes
/// });
/// starting.recv().unwrap();
/// assert_eq!(pollster::block_on(task.cancel()).unwrap()?, 0); // the end of the stream
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn on_cancel(hook: impl FnOnce() + Send + 'static) -> OnCancel {
    let Some(hooks) = hooks_of_this_call() else { return OnCancel(None) };
    match hooks.register(Box::new(hook), is_cancelled) {
        Ok(number) => OnCancel(Some((hooks, number))),
        Err(hook) => {
            quietly(hook);
            OnCancel(None)
        }
    }
}

/// Keeps an interrupt registered: see [`on_cancel`]. Dropping it waits for a hook that is running.
#[must_use = "the hook is called only while this guard lives"]
pub struct OnCancel(Option<(Arc<Hooks>, u64)>);

impl Drop for OnCancel {
    fn drop(&mut self) {
        if let Some((hooks, number)) = self.0.take() {
            hooks.remove(number);
        }
    }
}

impl fmt::Debug for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCancel").finish_non_exhaustive()
    }
}
