//! One thread for the whole process, which looks once a second at what needs looking after, and is there only while
//! something does.
//!
//! | looked after | by | until |
//! |---|---|---|
//! | pools that have work and nobody to take it | `thread_pool::monitor` | nothing is queued there |
//! | calls that run although they were cancelled | `abandoned` | they end, or were told of |
//! | threads that run a call although they were told to end | `thread_pool::stopped` | it ends, or was told of |
//!
//! Each keeps its own books, under its own lock. Who writes something down there [calls the thread in](call_in) after
//! that; the thread looks at the books before it ends. Both do so under the lock of [`RUNNING`]: so one of the two
//! sees the other, and nothing is written down that nobody looks at. That lock is taken first of all of them.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{abandoned, thread_pool};

/// How often it looks.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Whether the thread is there.
static RUNNING: Mutex<bool> = Mutex::new(false);

fn lock() -> MutexGuard<'static, bool> {
    // Under it, a thread is started and books are looked at, whose locks are held for that alone.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees that there is a thread that looks. The caller has written down what it is to look at, and holds no lock.
///
/// # Errors
///
/// The system's, if it gives no thread: nobody looks then.
pub(crate) fn call_in() -> io::Result<()> {
    let mut running = lock();
    if !*running {
        thread::Builder::new().name("anyloop-monitor".to_owned()).spawn(run)?;
        *running = true;
    }
    Ok(())
}

fn run() {
    loop {
        thread::sleep(TICK);
        thread_pool::look_at_pools();
        abandoned::look(Instant::now());
        let mut running = lock();
        let something_is_left = thread_pool::has_pools_to_look_at()
            || thread_pool::has_threads_to_look_at()
            || abandoned::has_calls_to_look_at();
        if !something_is_left {
            *running = false;
            return;
        }
    }
}
