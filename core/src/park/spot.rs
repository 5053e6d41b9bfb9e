//! What a thread that waits has put away, for whoever wakes it to take: the place of its call.
//!
//! Who wakes a call takes its place back in the pool at once, and does not leave that to the thread, which comes to run later. Until
//! then the place would seem free, and be given to another call that waits as well; and to one more at each wake.

use std::sync::PoisonError;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// Filled by the thread that waits, before it parks; cleared by wakes, and by the thread when it goes on.
///
/// A wake sets its mark before it looks here, and the thread looks at the mark in here, under the lock. So either the wake finds what
/// the thread has put here, or the thread finds the mark, and puts nothing. A wake that comes late may clear what was put here
/// after it: then it wakes the thread again, which puts it back.
pub(super) struct Spot<T>(Mutex<Option<T>>);

impl<T> Spot<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // Nothing foreign runs under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_filled(&self) -> bool {
        self.lock().is_some()
    }

    /// Puts in what `make` gives, with something to be done afterwards, unless there is something already or the thread was woken.
    pub(super) fn fill<R>(&self, woken: &AtomicBool, make: impl FnOnce() -> (T, R)) -> Option<R> {
        let mut inside = self.lock();
        // ORDERING: Relaxed: the lock orders it after what a wake did that has been here.
        if inside.is_some() || woken.load(Ordering::Relaxed) {
            return None;
        }
        let (value, rest) = make();
        *inside = Some(value);
        Some(rest)
    }

    /// Empties it. What was inside is taken back under the lock, so that it is not lent once more before that; what `take_back` gives is
    /// to be done afterwards. `None` if there was nothing.
    pub(super) fn clear<R>(&self, take_back: impl FnOnce(T) -> R) -> Option<R> {
        let mut inside = self.lock();
        inside.take().map(take_back)
    }
}

#[cfg(all(test, loom))]
mod models {
    //! | taken away | model | what it does |
    //! |---|---|---|
    //! | the look at `woken` in `fill`, or it before the lock | `who_was_woken_has_its_place_back` | the place is lent after the wake |
    //! | the wake by who has cleared it, without being the first, in `Thread::wake` | `a_late_wake_leaves_it_lent` | it parks, and its place is not lent |
    //! | the lock, when it is taken back in `clear` | `a_late_wake_leaves_it_lent` | the place is lent twice |

    use loom::sync::atomic::AtomicUsize;
    use loom::sync::{Arc, Condvar};
    use loom::thread;

    use super::*;

    /// A place, counted while it is lent.
    struct Lent(Arc<AtomicUsize>);

    impl Drop for Lent {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What `Unparker` has, and does.
    struct Thread {
        /// Not loom's own parking: its `unpark` also wakes a thread that waits for a lock.
        token: Mutex<bool>,
        bell: Condvar,
        notified: AtomicBool,
        place: Spot<Lent>,
        lent: Arc<AtomicUsize>,
    }

    impl Thread {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                token: Mutex::new(false),
                bell: Condvar::new(),
                notified: AtomicBool::new(false),
                place: Spot::new(),
                lent: Arc::new(AtomicUsize::new(0)),
            })
        }

        fn wake(&self) {
            let is_first = !self.notified.swap(true, Ordering::Release);
            if self.place.clear(drop).is_some() || is_first {
                *self.token.lock().unwrap() = true;
                self.bell.notify_one();
            }
        }

        fn fill(&self) {
            self.place.fill(&self.notified, || {
                assert_eq!(self.lent.fetch_add(1, Ordering::SeqCst), 0, "lent twice");
                (Lent(self.lent.clone()), ())
            });
        }

        fn wait(&self) {
            while !self.notified.swap(false, Ordering::Acquire) {
                self.fill();
                let mut token = self.token.lock().unwrap();
                while !std::mem::take(&mut *token) {
                    token = self.bell.wait(token).unwrap();
                }
            }
            self.place.clear(drop);
        }
    }

    #[test]
    fn who_was_woken_has_its_place_back() {
        loom::model(|| {
            let waiting = Thread::new();
            let waker = waiting.clone();
            let waker = thread::spawn(move || {
                waker.wake();
                assert_eq!(waker.lent.load(Ordering::SeqCst), 0);
            });
            waiting.wait();
            waker.join().unwrap();
        });
    }

    /// Two wakes for one wait. The thread is about to park for the next one: its place is lent, or it will look again.
    #[test]
    fn a_late_wake_leaves_it_lent() {
        loom::model(|| {
            let waiting = Thread::new();
            let wakers = [waiting.clone(), waiting.clone()].map(|waker| thread::spawn(move || waker.wake()));
            waiting.wait();
            waiting.fill();
            for waker in wakers {
                waker.join().unwrap();
            }
            let looks_again = waiting.notified.load(Ordering::SeqCst) || *waiting.token.lock().unwrap();
            assert!(looks_again || waiting.lent.load(Ordering::SeqCst) == 1);
        });
    }
}
