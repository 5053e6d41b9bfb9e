//! What the clauses are built of: signals instead of sleeps, probes that count their drops, values and
//! wakers that panic.

pub use anyloop_core::yield_now;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

/// Something that happens once; threads and futures can wait for it alike.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<(bool, Vec<Waker>)>,
    changed: Condvar,
}

impl Signal {
    /// One that has not happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Vec<Waker>)> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it happen.
    pub fn set(&self) {
        let wakers = {
            let mut state = self.lock();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        self.0.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether it has happened.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.lock().0
    }

    /// Blocks this thread until it has happened.
    pub fn wait(&self) {
        let mut state = self.lock();
        while !state.0 {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends when it has happened.
    pub async fn seen(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.lock();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Lets a signal happen when it is dropped, so that a test that fails leaves no thread blocked.
#[derive(Debug)]
pub struct SetOnDrop(pub Signal);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// A value whose drop is noted in its [`Drops`].
#[derive(Debug)]
pub struct Probe(Drops);

/// What became of a [`Probe`].
#[derive(Clone, Debug, Default)]
pub struct Drops {
    count: Arc<AtomicUsize>,
    by: Arc<Mutex<Option<ThreadId>>>,
    dropped: Signal,
}

impl Probe {
    /// A probe and the book of its drops.
    #[must_use]
    pub fn new() -> (Self, Drops) {
        let drops = Drops::default();
        (Self(drops.clone()), drops)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        *self.0.by.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        self.0.dropped.set();
    }
}

impl Drops {
    /// How often the probe was dropped.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether this very thread dropped it.
    #[must_use]
    pub fn was_here(&self) -> bool {
        *self.by.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
    }

    /// Ends when the probe was dropped.
    pub async fn seen(&self) {
        self.dropped.seen().await;
    }
}

/// A value that panics as it drops, unless its thread panics already.
#[derive(Debug)]
pub struct Bomb;

/// What a [`Bomb`] says.
pub const BOMB: &str = "a bomb was dropped";

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{BOMB}");
        }
    }
}

/// A waker that panics when it wakes.
#[must_use]
pub fn panicking_waker() -> Waker {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            panic!("a waker panicked");
        }
    }
    Waker::from(Arc::new(Panicking))
}

/// A waker that panics when its last clone is dropped.
#[must_use]
pub fn exploding_waker() -> Waker {
    struct Exploding(Bomb);
    impl Wake for Exploding {
        fn wake(self: Arc<Self>) {}
    }
    Waker::from(Arc::new(Exploding(Bomb)))
}

/// Polls once, with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls once, with this waker.
pub fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// The text of the panic that `f` ends in.
///
/// # Panics
///
/// If `f` does not.
#[track_caller]
pub fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("this should have panicked, and did not"),
        Err(payload) => text(&*payload),
    }
}

/// The text of the panic that a future ends in.
///
/// # Panics
///
/// If it does not.
pub async fn panic_of_future<F: Future>(future: F) -> String {
    let mut future = Box::pin(future);
    let caught =
        std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(_)) => Poll::Ready(None),
            Err(payload) => Poll::Ready(Some(text(&*payload))),
        });
    caught.await.unwrap_or_else(|| panic!("this should have panicked, and did not"))
}

/// The text of a payload.
#[must_use]
pub fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}

/// Numbers that look random and are the same in every run.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// A sequence of its own for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    /// The numbers below `len` in some order.
    pub fn shuffled(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
