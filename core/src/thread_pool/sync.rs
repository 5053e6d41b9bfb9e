//! What the pool's handshakes are made of: the standard library's, or loom's, which tries every interleaving.

#[cfg(not(all(test, loom)))]
mod chosen {
    pub(in super::super) use std::sync::{Mutex, MutexGuard, atomic};
    use std::thread::{self, Thread};
    use std::time::Duration;
    pub(in super::super) use std::time::Instant;

    pub(in super::super) use crate::monitor::call_in as call_monitor_in;
    pub(in super::super) use crate::spin::spin;

    /// Parks the thread that it was made by.
    pub(in super::super) struct Parker(Thread);

    impl Parker {
        pub(in super::super) fn here() -> Self {
            Self(thread::current())
        }

        pub(in super::super) fn unpark(&self) {
            self.0.unpark();
        }

        pub(in super::super) fn park(&self) {
            thread::park();
        }

        pub(in super::super) fn park_timeout(&self, limit: Duration) {
            thread::park_timeout(limit);
        }
    }
}

#[cfg(all(test, loom))]
mod chosen {
    use std::cell::Cell;
    use std::io;
    use std::time::Duration;

    use loom::sync::Notify;
    pub(in super::super) use loom::sync::{Mutex, MutexGuard, atomic};

    /// Not loom's own parking: its `unpark` also wakes a thread that waits for a lock.
    pub(in super::super) struct Parker {
        notify: Notify,
        /// It has ticked before: see `park_timeout`.
        ticks: std::sync::atomic::AtomicBool,
    }

    impl Parker {
        pub(in super::super) fn here() -> Self {
            Self { notify: Notify::new(), ticks: false.into() }
        }

        pub(in super::super) fn unpark(&self) {
            self.notify.notify();
        }

        pub(in super::super) fn park(&self) {
            self.notify.wait();
        }

        /// The time is up at once, which is late enough when the others were quicker: loom tries both. But a watcher does not
        /// tick a second time while nobody else does anything.
        pub(in super::super) fn park_timeout(&self, limit: Duration) {
            if limit < Duration::from_secs(1) && self.ticks.swap(true, std::sync::atomic::Ordering::Relaxed) {
                loom::thread::yield_now();
            }
            pass(limit);
        }
    }

    use crate::sync::thread_local;

    thread_local! {
        // Not 0, so that a time of `Duration::MAX` from now is too far off, as with the real clock.
        static NOW: Cell<Duration> = const { Cell::new(Duration::from_secs(1)) };
    }

    /// A clock for each thread, which goes on while the thread waits, and only then: a model has to do the same each
    /// time.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Instant(Duration);

    impl Instant {
        pub(in super::super) fn now() -> Self {
            Self(NOW.with(Cell::get))
        }

        pub(in super::super) fn elapsed(self) -> Duration {
            Self::now().duration_since(self)
        }

        pub(in super::super) fn duration_since(self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }

        pub(in super::super) fn checked_add(self, time: Duration) -> Option<Self> {
            self.0.checked_add(time).map(Self)
        }

        pub(in super::super) fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
            self.0.checked_sub(earlier.0).filter(|left| !left.is_zero())
        }
    }

    fn pass(time: Duration) {
        NOW.with(|now| now.set(now.get() + time));
    }

    loom::lazy_static! {
        static ref MONITOR_IS_REFUSED: std::sync::atomic::AtomicBool = false.into();
    }

    /// Whether there is no thread for the monitor to be had, from now on.
    pub(in super::super) fn refuse_monitor(is_refused: bool) {
        MONITOR_IS_REFUSED.store(is_refused, std::sync::atomic::Ordering::Relaxed);
    }

    /// The model looks in the monitor's stead, when it likes.
    pub(in super::super) fn call_monitor_in() -> io::Result<()> {
        match MONITOR_IS_REFUSED.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(io::Error::other("no monitor in this model")),
            false => Ok(()),
        }
    }

    /// Two looks are as good as many: loom has the others do something before either.
    pub(in super::super) fn spin(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
        done() || {
            pass(limit);
            done()
        }
    }
}

pub(super) use crate::sync::thread_local;
pub(super) use chosen::*;
