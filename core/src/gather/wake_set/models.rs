//! Every interleaving of the wake set's handshakes, tried out by loom: `bash .ci/loom`.
//!
//! Each fails when what it guards is taken away, with up to three preemptions: `bash .ci/loom-mutations`. One model that fails is named
//! for each; others may fail, too:
//!
//! | taken away | the model that fails | how |
//! |---|---|---|
//! | the second look at the list in `rest` | `waking_children_of_two_blocks_against_polling`, `waking_against_a_change_of_the_parent` | deadlock |
//! | the wake after a `register` that failed | `waking_against_a_change_of_the_parent` | the last parent is not woken |
//! | Release of the `fetch_or` in `wake_by_ref`, Acquire of the `swap` in `open_next_block` | `waking_the_same_child_again_against_polling` | the write before the wake is not seen |
//! | Acquire of the `fetch_or` in `wake_by_ref` | `waking_a_block_that_is_being_opened` | a block comes that nobody has woken |
//! | `next` read before the bits in `open_next_block` | `waking_a_block_that_is_being_opened` | a block is lost |
//! | `!= 0` in `wake_by_ref` (its own bit alone) | `waking_children_of_one_block_against_polling` | the list becomes a ring |
//! | Release in `put_on_list`, Acquire in `collect`, the wake of the parent by who finds the list empty | `waking_children_of_two_blocks_against_polling` | deadlock |
//! | `leave` gives back nothing, or one too few; `take_counted` for any block | `wakers_from_a_pollers_stock` | the memory stays behind |
//! | `leave` gives back one too many | `wakers_from_a_pollers_stock` | a use after the end |
//! | `rest` leaves twice | `a_pollers_stock_around_another_poll` | a use after the end |
//! | Release in `release` | `the_last_waker_after_the_end` | a use after the end |
//! | Release in `let_go`, and the fence at its end | `waking_against_dropping` | a use after the end |
//! | `register`: Acquire of the first exchange, Release of the hand-over | `waking_against_a_change_of_the_parent` | two accesses of the cell at once |
//! | `register`: Release of the swap of a mark | `waking_children_of_one_block_against_polling` | two accesses of the cell at once |
//! | `register`: a store in place of that swap | `waking_against_a_change_of_the_parent` | the last parent is not woken |
//! | `take`: Acquire of the `fetch_or`, Release of the hand-on | `waking_against_a_change_of_the_parent` | two accesses of the cell at once |
//! | `take`: Release of the `fetch_or` | `waking_children_of_two_blocks_against_polling` | deadlock |
//!
//! Not to be shown here: the first fence of `let_go`, the Release in the set's `drop`, and the Release of `open_next_block`'s swap. loom's fences acquire more than the language promises, and its loads
//! never see a store that is still to come. That the parent's waker is not kept is a test of `core/tests/gather.rs`.
//!
//! Nor does a model fail without the Acquire of a failed first exchange in `register`, of the swap of a mark, or of the look
//! at the list in `rest`. Whoever fails or finds a mark polls once more, and acquires with the next exchange what
//! these would have shown sooner; a look at the list that comes too early is made good by that exchange or by the mark.

use std::future::poll_fn;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdAtomicUsize, Ordering as StdOrdering};
use std::task::{Poll, Wake, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{PER_BLOCK, WakeSet};

/// One child in each of two blocks.
const APART: [usize; 2] = [0, PER_BLOCK];
/// Two children in one block.
const TOGETHER: [usize; 2] = [0, 1];

/// A set whose children have all been polled once.
fn polled_set() -> WakeSet {
    let mut set = WakeSet::new(PER_BLOCK + 1);
    set.collect();
    let mut polling = set.poll();
    while polling.next().is_some() {}
    drop(polling);
    set
}

/// Two threads wake a child each while the poller polls and sleeps: it does not sleep for ever, and sees what the
/// threads wrote before they woke.
fn waking_against_polling(children: [usize; 2]) {
    loom::model(move || {
        let mut set = polled_set();
        let written = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let threads = [0, 1].map(|one| {
            let (waker, written) = (Waker::clone(&set.waker(children[one])), written.clone());
            thread::spawn(move || {
                written[one].store(1, Ordering::Relaxed);
                waker.wake();
            })
        });
        let mut seen = 0;
        block_on(poll_fn(|cx| {
            // A poll that woke itself is polled again at once; loom wants to be told that others may go first.
            thread::yield_now();
            set.collect();
            let mut polling = set.poll();
            while let Some(child) = polling.next() {
                let one = usize::from(child == children[1]);
                assert_eq!(written[one].load(Ordering::Relaxed), 1, "what came before the wake is not seen");
                seen += 1;
            }
            if seen == 2 {
                return Poll::Ready(());
            }
            polling.rest(cx.waker());
            Poll::Pending
        }));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(set.poll().next(), None);
        set.collect();
        assert_eq!(set.poll().next(), None, "nobody is woken twice");
        assert!(set.chain.is_null(), "a block comes that nobody has woken");
    });
}

#[test]
fn waking_children_of_two_blocks_against_polling() {
    waking_against_polling(APART);
}

#[test]
fn waking_children_of_one_block_against_polling() {
    waking_against_polling(TOGETHER);
}

/// A child that is woken twice: the second wake is not lost either.
#[test]
fn waking_the_same_child_again_against_polling() {
    loom::model(|| {
        let mut set = polled_set();
        let written = Arc::new(AtomicUsize::new(0));
        let thread = {
            let (waker, written) = (Waker::clone(&set.waker(0)), written.clone());
            thread::spawn(move || {
                written.store(1, Ordering::Relaxed);
                waker.wake_by_ref();
                written.store(2, Ordering::Relaxed);
                waker.wake();
            })
        };
        let mut seen = 0;
        block_on(poll_fn(|cx| {
            // A poll that woke itself is polled again at once; loom wants to be told that others may go first.
            thread::yield_now();
            set.collect();
            let mut polling = set.poll();
            while let Some(child) = polling.next() {
                assert_eq!(child, 0);
                seen = written.load(Ordering::Relaxed);
            }
            if seen == 2 {
                return Poll::Ready(());
            }
            polling.rest(cx.waker());
            Poll::Pending
        }));
        thread.join().unwrap();
    });
}

/// A child wakes itself as it is polled, twice, while a thread wakes the other one of its block: none of the wakes is lost,
/// whoever else comes to the block first.
#[test]
fn noting_a_wake_against_waking_a_sibling() {
    loom::model(|| {
        let mut set = polled_set();
        for child in TOGETHER {
            set.waker(child).wake_by_ref();
        }
        let thread = {
            let waker = Waker::clone(&set.waker(TOGETHER[1]));
            thread::spawn(move || waker.wake())
        };
        let (mut own, mut seen_other) = (0, 0);
        block_on(poll_fn(|cx| {
            thread::yield_now();
            set.collect();
            let mut polling = set.poll();
            while let Some(child) = polling.next() {
                if child == TOGETHER[0] {
                    own += 1;
                    if own < 3 {
                        polling.waker(child).wake_by_ref();
                    }
                } else {
                    seen_other += 1;
                }
            }
            if own == 3 {
                return Poll::Ready(());
            }
            polling.rest(cx.waker());
            Poll::Pending
        }));
        thread.join().unwrap();
        set.collect();
        let mut polling = set.poll();
        while let Some(child) = polling.next() {
            assert_eq!(child, TOGETHER[1]);
            seen_other += 1;
        }
        assert!((1..=2).contains(&seen_other), "{seen_other} polls of the other one");
    });
}

/// A block that is woken again while it is being opened: it does not take the place of the one behind it.
#[test]
fn waking_a_block_that_is_being_opened() {
    loom::model(|| {
        let mut set = polled_set();
        for child in APART {
            set.waker(child).wake_by_ref();
        }
        let thread = {
            // The first block led the first poll, so the second one is opened first now.
            let waker = Waker::clone(&set.waker(APART[1]));
            thread::spawn(move || waker.wake())
        };
        set.collect();
        let mut polling = set.poll();
        assert_eq!(polling.next(), Some(APART[1]));
        assert_eq!(polling.next(), Some(APART[0]), "a block is lost");
        assert_eq!(polling.next(), None);
        drop(polling);
        thread.join().unwrap();
        set.collect();
        let mut polling = set.poll();
        if polling.next().is_some() {
            assert_eq!(polling.next(), None, "there was but one more wake");
        }
        drop(polling);
        assert!(set.chain.is_null(), "a block comes that nobody has woken");
    });
}

/// A parent whose wakes are counted.
struct Counted(StdAtomicUsize);

impl Wake for Counted {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, StdOrdering::Relaxed);
    }
}

/// The gather is dropped while children are woken: the memory is given back once, after all uses (loom looks for
/// leaks and for uses that do not come before the end), and the parent's waker is not kept.
#[test]
fn waking_against_dropping() {
    loom::model(|| {
        let mut set = polled_set();
        let parent = StdArc::new(Counted(StdAtomicUsize::new(0)));
        set.poll().rest(&Waker::from(parent.clone()));
        let threads = APART.map(|child| {
            let waker = Waker::clone(&set.waker(child));
            thread::spawn(move || waker.wake())
        });
        drop(set);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(parent.0.load(StdOrdering::Relaxed) <= 1);
        assert_eq!(StdArc::strong_count(&parent), 1, "the parent's waker was kept");
    });
}

/// Wakers of one block that outlive the gather, cloned and dropped by two threads: one of them is the last.
#[test]
fn the_last_waker_after_the_end() {
    loom::model(|| {
        let set = polled_set();
        let threads = TOGETHER.map(|child| {
            let waker = Waker::clone(&set.waker(child));
            thread::spawn(move || {
                let second = waker.clone();
                drop(waker);
                second.wake();
            })
        });
        drop(set);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// A gather that is awaited by one task and then by another: whoever came last is woken.
#[test]
fn waking_against_a_change_of_the_parent() {
    loom::model(|| {
        let mut set = polled_set();
        let parents = [(); 2].map(|()| StdArc::new(Counted(StdAtomicUsize::new(0))));
        let thread = {
            let waker = Waker::clone(&set.waker(0));
            thread::spawn(move || waker.wake())
        };
        for parent in &parents {
            set.poll().rest(&Waker::from(parent.clone()));
        }
        thread.join().unwrap();
        let [first, last] = parents.map(|parent| parent.0.load(StdOrdering::Relaxed));
        assert_eq!(last, 1, "the last one is woken, after {first} wakes of the first");
    });
}

/// A gather that is polled by one of another gather's children, and is pending: the outer one's stock is what it was.
#[test]
fn a_pollers_stock_around_another_poll() {
    loom::model(|| {
        let parent = Waker::from(StdArc::new(Counted(StdAtomicUsize::new(0))));
        let mut outer = WakeSet::new(PER_BLOCK);
        outer.collect();
        let mut polling = outer.poll();
        polling.next();
        let before = Waker::clone(&polling.waker(0));
        let mut inner = WakeSet::new(1);
        inner.collect();
        let mut inside = inner.poll();
        inside.next();
        let within = Waker::clone(&inside.waker(0));
        inside.rest(&parent);
        let after = Waker::clone(&polling.waker(1));
        polling.rest(&parent);
        let elsewhere = thread::spawn(move || {
            before.wake();
            within.wake();
            after.wake();
        });
        drop(inner);
        drop(outer);
        elsewhere.join().unwrap();
    });
}

/// A poller hands out wakers from its stock, and the first of them is used up while it does. Whoever is last gives the memory
/// back.
#[test]
fn wakers_from_a_pollers_stock() {
    loom::model(|| {
        let mut set = WakeSet::new(PER_BLOCK + 1);
        set.collect();
        let mut polling = set.poll();
        polling.next();
        let use_up = |waker: Waker| thread::spawn(move || waker.wake());
        let first = use_up(Waker::clone(&polling.waker(0)));
        let second = Waker::clone(&polling.waker(1));
        // Of another block, and so counted by itself.
        let third = Waker::clone(&polling.waker(PER_BLOCK));
        drop(polling);
        let last = use_up(second);
        drop(third);
        drop(set);
        first.join().unwrap();
        last.join().unwrap();
    });
}
