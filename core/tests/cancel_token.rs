//! `CancelToken` by itself: its tree, its wakers, its ends.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use anyloop_core::{Call, CancelToken};

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Counts its wakes and runs something in each.
struct Waking {
    wakes: AtomicUsize,
    then: Box<dyn Fn() + Send + Sync>,
}

impl Waking {
    fn and(then: impl Fn() + Send + Sync + 'static) -> (Arc<Self>, Waker) {
        let this = Arc::new(Self { wakes: AtomicUsize::new(0), then: Box::new(then) });
        (this.clone(), Waker::from(this))
    }

    fn count(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        (self.then)();
    }
}

#[test]
fn what_is_below_is_cancelled_and_what_is_above_or_beside_is_not() {
    let root = CancelToken::new();
    let (left, right) = (root.child(), root.child());
    let below = left.child();
    left.clone().cancel();
    assert!(left.is_cancelled() && below.is_cancelled());
    assert!(!root.is_cancelled() && !right.is_cancelled());
    assert!(below.child().is_cancelled() && left.child().is_cancelled(), "those made afterwards, too");
    assert!(!root.child().is_cancelled());
    root.cancel();
    root.cancel();
    assert!(right.is_cancelled() && root.child().child().is_cancelled());
}

#[test]
fn dropping_tokens_cancels_nothing_and_cuts_nothing() {
    let root = CancelToken::new();
    let between = root.child();
    let below = between.child();
    drop(between);
    assert!(!below.is_cancelled() && !root.is_cancelled());
    root.cancel();
    assert!(below.is_cancelled(), "its parent's handle was dropped, its parent was not");
    let orphan = {
        let root = CancelToken::new();
        root.child()
    };
    assert!(!orphan.is_cancelled());
    orphan.cancel();
}

#[test]
fn a_chain_of_100_000_is_cancelled_and_dropped_without_recursion() {
    let small = thread::Builder::new().stack_size(64 * 1024);
    let body = || {
        let root = CancelToken::new();
        let chain: Vec<_> =
            std::iter::successors(Some(root.child()), |token| Some(token.child())).take(100_000).collect();
        root.cancel();
        assert!(chain.iter().all(CancelToken::is_cancelled));
        drop(chain);

        let mut last = CancelToken::new();
        for _ in 0..100_000 {
            last = last.child();
        }
        // All that is above it goes with it.
        drop(last);

        let root = CancelToken::new();
        let children: Vec<_> = (0..100_000).map(|_| root.child()).collect();
        root.cancel();
        assert!(children.iter().all(CancelToken::is_cancelled));
    };
    small.spawn(body).expect("a thread").join().expect("no overflow");
}

#[test]
fn who_awaits_it_is_woken_with_the_last_waker() {
    let token = CancelToken::new();
    let mut waiting = token.child().cancelled();
    let (first, first_waker) = Waking::and(|| ());
    let (last, last_waker) = Waking::and(|| ());
    assert!(poll(&mut waiting, &first_waker).is_pending());
    assert!(poll(&mut waiting, &last_waker).is_pending());
    token.cancel();
    assert_eq!((first.count(), last.count()), (0, 1));
    assert!(poll(&mut waiting, &last_waker).is_ready());
    assert!(poll(&mut waiting, &last_waker).is_ready());
    assert!(poll(&mut token.cancelled(), Waker::noop()).is_ready());
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "it was let go of when it was replaced");
}

#[test]
fn who_has_gone_is_not_woken() {
    let token = CancelToken::new();
    let (waking, waker) = Waking::and(|| ());
    for _ in 0..3 {
        let mut waiting = token.cancelled();
        assert!(poll(&mut waiting, &waker).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&waking), 1, "nothing is left behind");
    token.cancel();
    assert_eq!(waking.count(), 0);
}

#[test]
fn wakers_may_panic_and_use_the_token() {
    let token = CancelToken::new();
    let (inside, seen) = (token.clone(), Arc::new(Mutex::new(Vec::new())));
    let seeing = seen.clone();
    let (panicking, waker) = Waking::and(move || {
        inside.cancel();
        let state = (inside.is_cancelled(), inside.child().is_cancelled());
        seeing.lock().unwrap().push(state);
        panic!("a waker panicked");
    });
    let (other, other_waker) = Waking::and(|| ());
    let mut waiting = [token.cancelled(), token.child().cancelled(), token.cancelled()];
    assert!(poll(&mut waiting[0], &waker).is_pending());
    assert!(poll(&mut waiting[1], &waker).is_pending());
    assert!(poll(&mut waiting[2], &other_waker).is_pending());
    token.cancel();
    assert_eq!((panicking.count(), other.count()), (2, 1));
    assert_eq!(*seen.lock().unwrap(), [(true, true); 2]);
}

#[test]
fn all_are_marked_before_anybody_is_told() {
    let root = CancelToken::new();
    let children: Vec<_> = (0..10).map(|_| root.child()).collect();
    let all = children.clone();
    let (waking, waker) = Waking::and(move || assert!(all.iter().all(CancelToken::is_cancelled)));
    let mut waiting: Vec<_> = children.iter().map(CancelToken::cancelled).collect();
    for waiting in &mut waiting {
        assert!(poll(waiting, &waker).is_pending());
    }
    root.cancel();
    assert_eq!(waking.count(), 10);
}

#[test]
fn a_call_leaves_nothing_with_its_token() {
    let token = CancelToken::new();
    let value = Arc::new(());
    for _ in 0..10 {
        let captured = value.clone();
        pollster::block_on(Call::new(move || drop(captured)).with_token(&token));
        let captured = value.clone();
        drop(Call::new(move || drop(captured)).with_token(&token));
    }
    assert_eq!(Arc::strong_count(&value), 1);
    token.cancel();
}

#[test]
fn cancelling_awaiting_and_making_children_race() {
    for _ in 0..200 {
        let root = CancelToken::new();
        let (one, two) = (root.clone(), root.clone());
        let waiting = thread::spawn(move || pollster::block_on(one.child().child().cancelled()));
        let making = thread::spawn(move || (0..20).map(|_| two.child()).collect::<Vec<_>>());
        root.cancel();
        waiting.join().unwrap();
        assert!(making.join().unwrap().iter().all(CancelToken::is_cancelled));
    }
}

/// A waker that cancels the token when it is cloned for the second time, and looks at it whenever one of its clones is dropped.
mod meddling {
    #![expect(unsafe_code, reason = "only a table of a waker's own functions can tell of its clones")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{RawWaker, RawWakerVTable, Waker};

    use anyloop_core::CancelToken;

    struct Meddler {
        token: CancelToken,
        clones: AtomicUsize,
    }

    const TABLE: RawWakerVTable = RawWakerVTable::new(clone, discard, |_| (), discard);

    fn clone(meddler: *const ()) -> RawWaker {
        // SAFETY: made by `waker` or here, of an `Arc` that is not dropped before the waker is.
        unsafe { Arc::increment_strong_count(meddler.cast::<Meddler>()) };
        // SAFETY: as above.
        let Meddler { token, clones } = unsafe { &*meddler.cast::<Meddler>() };
        if clones.fetch_add(1, Ordering::SeqCst) == 1 {
            token.cancel();
        }
        RawWaker::new(meddler, &TABLE)
    }

    fn discard(meddler: *const ()) {
        // SAFETY: as above; each waker has one count.
        let meddler = unsafe { Arc::from_raw(meddler.cast::<Meddler>()) };
        drop(meddler.token.child());
    }

    pub(super) fn waker(token: &CancelToken) -> Waker {
        let meddler = Arc::new(Meddler { token: token.clone(), clones: AtomicUsize::new(0) });
        // SAFETY: the table's functions know what they are given, and are safe from any thread.
        unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(meddler).cast(), &TABLE)) }
    }
}

/// Or else this would not end.
#[test]
fn no_waker_is_dropped_under_the_tokens_lock() {
    let token = CancelToken::new();
    let waker = meddling::waker(&token);
    let mut cancelled = token.cancelled();
    assert!(poll(&mut cancelled, &waker).is_pending());
    assert!(poll(&mut cancelled, &waker).is_ready());
}
