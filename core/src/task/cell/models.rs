//! loom tries every interleaving of two or three threads on a cell. `bash .ci/loom`
//!
//! Each model was seen to fail when what it guards is weakened; what was tried is written beside it.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{Beginning, Cell, Claim};

/// Counts its drops, and is written to by who owns it, so that loom sees two owners at a time.
struct Token {
    owner: loom::cell::UnsafeCell<usize>,
    drops: Arc<AtomicUsize>,
}

// SAFETY: in a model, loom itself tells if two threads have access to it at the same time.
unsafe impl Send for Token {}

impl Token {
    fn new(drops: &Arc<AtomicUsize>) -> Self {
        Self { owner: loom::cell::UnsafeCell::new(0), drops: drops.clone() }
    }

    fn touch(&self) {
        // SAFETY: as above.
        self.owner.with_mut(|owner| unsafe { *owner += 1 });
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.touch();
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

type Shared = Arc<Cell<Token, Token>>;

fn shared(beginning: Beginning) -> (Shared, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    (Arc::new(Cell::new(Token::new(&drops), beginning)), drops)
}

/// Runs it, if it can be claimed: what was queued goes, the result comes.
fn run(cell: &Shared, drops: &Arc<AtomicUsize>) -> bool {
    let Claim::Won(queued) = cell.claim() else { return false };
    queued.touch();
    drop(queued);
    let result = Token::new(drops);
    result.touch();
    let ending = cell.finish(result);
    if let Some(waker) = ending.waker {
        waker.wake();
    }
    true
}

fn take(claim: Claim<Token>) -> bool {
    match claim {
        Claim::Won(token) => {
            token.touch();
            true
        }
        Claim::Lost => false,
    }
}

/// The result comes to who awaits it, and the wake is not lost.
///
/// Fails with: `Relaxed` in place of the AcqRel in `finish` (the result is not the task's to touch); a `poll` that does
/// not look at `FINISHED` when it sets `WAKER` (the wake is lost).
#[test]
fn models_a_result_reaches_who_awaits_it() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Plain);
        let worker = {
            let (cell, drops) = (cell.clone(), drops.clone());
            thread::spawn(move || assert!(run(&cell, &drops)))
        };
        // SAFETY: this is the task.
        let result = block_on(poll_fn(|cx| unsafe { cell.poll(cx.waker()) }));
        result.touch();
        drop(result);
        worker.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

/// A closure that is awaited before anybody has it wakes its awaiter, which does not look at it until then.
///
/// Fails with: a `new` that leaves `WAKER` out of the state (the wake is lost).
#[test]
fn models_who_awaited_it_from_the_beginning_is_woken() {
    loom::model(|| {
        let mut begun: Option<(Shared, thread::JoinHandle<()>)> = None;
        let result = block_on(poll_fn(|cx| {
            if let Some((cell, _)) = &begun {
                // SAFETY: this is the task.
                return unsafe { cell.poll(cx.waker()) };
            }
            let (cell, drops) = shared(Beginning::Awaited(cx.waker().clone()));
            let worker = {
                let cell = cell.clone();
                thread::spawn(move || assert!(run(&cell, &drops)))
            };
            begun = Some((cell, worker));
            Poll::Pending
        }));
        result.touch();
        begun.unwrap().1.join().unwrap();
    });
}

/// Nor does it keep anything back from a task that is dropped before.
///
/// Fails with: an `abandon` that takes the waker without clearing `WAKER` first (two owners of it).
#[test]
fn models_who_awaited_it_from_the_beginning_gives_it_up() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Awaited(Waker::noop().clone()));
        let worker = {
            let (cell, drops) = (cell.clone(), drops.clone());
            thread::spawn(move || run(&cell, &drops))
        };
        // SAFETY: this is the task, and its last act.
        let (claim, result) = unsafe { cell.abandon() };
        take(claim);
        drop(result);
        let ran = worker.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1 + usize::from(ran));
    });
}

/// A task that is polled again with another waker is woken through that one.
///
/// Fails with: a `poll` that replaces the waker without clearing `WAKER` first (two owners of it).
#[test]
fn models_the_last_waker_is_woken() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Plain);
        let worker = {
            let (cell, drops) = (cell.clone(), drops.clone());
            thread::spawn(move || assert!(run(&cell, &drops)))
        };
        let mut first = Context::from_waker(Waker::noop());
        // SAFETY: this is the task.
        let early = match unsafe { cell.poll(first.waker()) } {
            Poll::Ready(result) => Some(result),
            // SAFETY: as above.
            Poll::Pending => Some(block_on(poll_fn(|cx| unsafe { cell.poll(cx.waker()) }))),
        };
        let _ = &mut first;
        early.unwrap().touch();
        worker.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

/// Of a worker and a canceller one gets the closure, and the task ends either way.
///
/// Fails with: a `claim` that loads and stores in place of `fetch_or`.
#[test]
fn models_one_of_worker_and_canceller_wins() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Plain);
        let worker = {
            let (cell, drops) = (cell.clone(), drops.clone());
            thread::spawn(move || run(&cell, &drops))
        };
        let cancelled = take(cell.cancel());
        if cancelled {
            let _ = cell.finish(Token::new(&drops));
        }
        let ran = worker.join().unwrap();
        assert!(ran != cancelled);
        assert!(cell.is_cancelled() && cell.is_finished());
        // SAFETY: this is the task, and its last act.
        let (claim, result) = unsafe { cell.abandon() };
        assert!(!take(claim) && result.is_some());
        drop(result);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

/// Whatever a task has come to when it is dropped, closure and result each go once.
///
/// Fails with: a `finish` that does not look at `ABANDONED` (the result stays behind), or that is `Relaxed`. What becomes of the
/// waker is not looked at here.
#[test]
fn models_an_abandoned_task_leaves_nothing_behind() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Plain);
        let worker = {
            let (cell, drops) = (cell.clone(), drops.clone());
            thread::spawn(move || run(&cell, &drops))
        };
        // SAFETY: this is the task.
        let result = unsafe { cell.poll(Waker::noop()) };
        if let Poll::Ready(result) = result {
            result.touch();
            drop(result);
        } else {
            // SAFETY: as above, and its last act.
            let (claim, result) = unsafe { cell.abandon() };
            take(claim);
            if let Some(result) = result {
                result.touch();
            }
        }
        let ran = worker.join().unwrap();
        // The closure, and the result if there was one.
        assert_eq!(drops.load(Ordering::Relaxed), 1 + usize::from(ran));
    });
}

/// A job that is given up while its submitter is inside `execute` is dealt with by one of the two.
///
/// Fails with: `Relaxed` in `give_up`; an `end_submission` that loads `GIVEN_UP` and then clears
/// `UNDERWAY`.
#[test]
fn models_what_is_given_up_is_dealt_with_once() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Underway);
        let pool = {
            let cell = cell.clone();
            thread::spawn(move || take(cell.give_up(|queued| queued.touch())))
        };
        let submitter = take(cell.end_submission());
        let pool = pool.join().unwrap();
        assert!(pool != submitter);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// Nor is it dealt with twice where one submitter hands on what another submits.
///
/// Fails with: an `end_submission` that does not look at `UNDERWAY`.
#[test]
fn models_what_is_given_up_is_dealt_with_once_by_two_submitters() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Underway);
        let limiter = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.begin_submission();
                let pool = take(cell.give_up(|queued| queued.touch()));
                usize::from(pool) + usize::from(take(cell.end_submission()))
            })
        };
        let submitter = usize::from(take(cell.end_submission()));
        assert_eq!(submitter + limiter.join().unwrap(), 1);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// A job that is cancelled while it is changed is ended by one of the two.
///
/// Fails with: an `edit` that clears `CLAIMED` without looking at `CANCELLED`.
#[test]
fn models_an_edit_hears_of_a_cancel() {
    loom::model(|| {
        let (cell, drops) = shared(Beginning::Plain);
        let limiter = {
            let cell = cell.clone();
            thread::spawn(move || match cell.edit(|queued| queued.touch()) {
                Err(queued) => {
                    queued.touch();
                    true
                }
                Ok(_) => false,
            })
        };
        let canceller = take(cell.cancel());
        let limiter = limiter.join().unwrap();
        assert!(canceller != limiter);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}
