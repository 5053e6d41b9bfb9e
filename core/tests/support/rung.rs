//! Children that end when threads have rung for them, and parents whose wakers panic.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// What is the same in all rounds.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) wakes: AtomicUsize,
    pub(crate) made: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) polled_after_the_end: AtomicUsize,
    /// Destructors that ran while another one's panic was under way, and so might have ended the process.
    pub(crate) dropped_in_a_panic: AtomicUsize,
    pub(crate) parents: AtomicUsize,
}

/// One child's, which the threads ring.
#[derive(Default)]
pub(crate) struct Bell {
    pub(crate) rung: AtomicU32,
    waker: Mutex<Option<Waker>>,
    pub(crate) dropped: AtomicU32,
}

impl Bell {
    pub(crate) fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let waker = self.waker().take();
        quietly(|| drop(waker));
    }
}

/// The parent's wakers may panic, which is the parent's affair.
pub(crate) fn quietly(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// Threads that ring.
pub(crate) const THREADS: u32 = 4;

pub(crate) struct Round {
    pub(crate) bells: Vec<Bell>,
    /// How often each thread rings each bell.
    pub(crate) times: u32,
    pub(crate) number: usize,
    pub(crate) books: Arc<Books>,
}

impl Round {
    pub(crate) fn is_over_for(&self, bell: &Bell) -> bool {
        // ORDERING: SeqCst: tests need not be fast.
        bell.rung.load(Ordering::SeqCst) == self.times * THREADS
    }
}

/// Something that is dropped once, a child or an output.
pub(crate) struct Counted(Arc<Books>);

impl Counted {
    pub(crate) fn new(books: &Arc<Books>) -> Self {
        books.made.fetch_add(1, Ordering::SeqCst);
        Self(books.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Ends when its bell has been rung by all threads for the last time.
pub(crate) struct Child {
    pub(crate) round: Arc<Round>,
    pub(crate) number: usize,
    pub(crate) ended: bool,
    pub(crate) panics: bool,
    pub(crate) explodes: bool,
    #[expect(dead_code, reason = "it counts")]
    pub(crate) counted: Counted,
}

impl Future for Child {
    type Output = (usize, Counted);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.ended {
            self.round.books.polled_after_the_end.fetch_add(1, Ordering::SeqCst);
        }
        let bell = &self.round.bells[self.number];
        let old = bell.waker().replace(cx.waker().clone());
        quietly(|| drop(old));
        if !self.round.is_over_for(bell) {
            return Poll::Pending;
        }
        self.ended = true;
        if self.panics {
            resume_unwind(Box::new("a child's"));
        }
        Poll::Ready((self.number, Counted::new(&self.round.books)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.round.bells[self.number].dropped.fetch_add(1, Ordering::SeqCst);
        if !self.explodes {
            return;
        }
        if thread::panicking() {
            self.round.books.dropped_in_a_panic.fetch_add(1, Ordering::SeqCst);
        } else {
            resume_unwind(Box::new("a destructor's"));
        }
    }
}

/// No `async` block: where the child's destructor panics in it, the compiler may leak the value that it had.
pub(crate) struct Trying(pub(crate) Child);

impl Future for Trying {
    type Output = Result<(usize, Counted), ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Ok)
    }
}

/// What its wakers do on the threads that wake.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Habit {
    Good,
    PanicsAsItWakes,
    PanicsAsItDrops,
}

/// Whoever polls. It is told of a wake before the waker panics.
pub(crate) struct Parent {
    woken: Arc<AtomicBool>,
    polls: Thread,
    habit: Habit,
    books: Arc<Books>,
}

impl Parent {
    pub(crate) fn waker(woken: &Arc<AtomicBool>, habit: Habit, books: &Arc<Books>) -> Waker {
        books.parents.fetch_add(1, Ordering::SeqCst);
        let (woken, polls, books) = (woken.clone(), thread::current(), books.clone());
        Waker::from(Arc::new(Self { woken, polls, habit, books }))
    }

    fn is_elsewhere(&self) -> bool {
        self.polls.id() != thread::current().id()
    }
}

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.polls.unpark();
        if self.habit == Habit::PanicsAsItWakes && self.is_elsewhere() {
            resume_unwind(Box::new("a waker's"));
        }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.books.parents.fetch_sub(1, Ordering::SeqCst);
        if self.habit == Habit::PanicsAsItDrops && !thread::panicking() {
            resume_unwind(Box::new("a waker's destructor's"));
        }
    }
}
