//! Gathers inside gathers, of every kind and size, whose wakers go astray: to other threads, and beyond the end of what they wake.
//! `ANYLOOP_TEST_CASES` says how many trees there are, `ANYLOOP_TEST_SEED` with which they begin.

mod support;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use anyloop_core::{gather, race, try_gather, yield_now};
use support::choices::{Choices, seed};

type Child = Pin<Box<dyn Future<Output = Value>>>;

/// On both sides of what decides how a gather keeps its children: 30, and 64 in a block.
const SIZES: [u64; 8] = [1, 2, 5, 30, 31, 40, 64, 65];
const DEPTH: u32 = 3;

/// Wakers that somebody keeps.
type Kept = Arc<Mutex<Vec<Waker>>>;

fn keep(kept: &Kept, waker: &Waker) {
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(waker.clone());
}

fn taken(kept: &Kept) -> Vec<Waker> {
    std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Pending for so many polls, each of which keeps its waker.
fn waiting(kept: &Kept, mut polls: u32) -> impl Future<Output = ()> + use<> {
    let kept = kept.clone();
    poll_fn(move |cx| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        keep(&kept, cx.waker());
        Poll::Pending
    })
}

/// A gather of many beside siblings that keep their wakers: what the outer one counts is not touched by the inner one's rest.
#[test]
fn a_gather_that_is_pending_leaves_its_siblings_wakers_alone() {
    for place in [0, 1, 39, 63] {
        let kept = Kept::default();
        let outer = (0..64).map(|number| {
            let kept = kept.clone();
            Box::pin(async move {
                if number == place {
                    gather((0..40).map(|_| waiting(&kept, 3))).await;
                } else {
                    waiting(&kept, 3).await;
                }
            })
        });
        let mut gathering = pin!(gather(outer).into_future());
        let mut polls = 0;
        while gathering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            polls += 1;
            // Some are used up, some dropped, in both orders.
            let mut wakers = taken(&kept);
            if polls == 2 {
                wakers.reverse();
            }
            wakers.into_iter().for_each(Waker::wake);
        }
        assert_eq!(polls, 3, "one for each time that a child waits");
    }
}

/// The same where the wakers are dropped, and the gather is polled once more for nothing.
#[test]
fn what_waits_for_nothing_is_polled_again() {
    let kept = Kept::default();
    let outer = (0..64).map(|number| {
        let kept = kept.clone();
        Box::pin(async move {
            if number == 63 {
                gather((0..40).map(|_| std::future::pending::<()>())).await;
            } else {
                waiting(&kept, 3).await;
            }
        })
    });
    let mut gathering = pin!(gather(outer).into_future());
    for _ in 0..3 {
        assert!(gathering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(taken(&kept));
    }
}

/// What a child gives; counted.
struct Value(u64, Arc<AtomicUsize>);

impl Value {
    fn new(number: u64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(number, alive.clone())
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes trees of gathers.
struct Grower {
    choices: Choices,
    /// Threads that wake whatever they are sent.
    elsewhere: [Sender<Waker>; 2],
    alive: Arc<AtomicUsize>,
}

impl Grower {
    /// One that gathers nothing: wakes itself, is woken by others, or both, a few times.
    fn leaf(&mut self, number: u64) -> Child {
        let (kind, mut polls) = (self.choices.below(4), self.choices.below(5));
        let elsewhere = self.elsewhere[self.choices.below(2) as usize].clone();
        let (hoards, alive) = (self.choices.one_in(3), self.alive.clone());
        let mut hoard = Vec::new();
        Box::pin(poll_fn(move |cx| {
            if polls == 0 {
                return Poll::Ready(Value::new(number, &alive));
            }
            polls -= 1;
            if hoards {
                hoard.push(cx.waker().clone());
            }
            match kind {
                0 => cx.waker().wake_by_ref(),
                1 => {
                    let waker = cx.waker().clone();
                    waker.wake();
                }
                _ => elsewhere.send(cx.waker().clone()).unwrap(),
            }
            if kind == 3 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }))
    }

    fn node(&mut self, number: u64, depth: u32) -> Child {
        if depth == 0 || self.choices.one_in(4) {
            return self.leaf(number);
        }
        let size = SIZES[self.choices.below(SIZES.len() as u64) as usize];
        let children: Vec<Child> = (0..size)
            .map(|child| if self.choices.one_in(6) { self.node(child, depth - 1) } else { self.leaf(child) })
            .collect();
        let (limit, stop) = (1 + self.choices.below(70) as usize, self.choices.below(4));
        let (kind, alive) = (self.choices.below(8), self.alive.clone());
        Box::pin(async move {
            match kind {
                0 | 1 => in_order(gather(children).await, size),
                2 => {
                    let ended = gather(children).limit(limit).settle().await;
                    in_order(ended.into_iter().map(|value| value.expect("no child panics")), size);
                }
                3 => {
                    let each = children.into_iter().map(|child| async { Ok::<_, ()>(child.await) });
                    in_order(try_gather(each).await.expect("no child fails"), size);
                }
                4 => {
                    let mut seen = 0;
                    let body = async |index, value: Value| {
                        assert_eq!(index as u64, value.0);
                        if index % 3 == 0 {
                            yield_now().await;
                        }
                        seen += 1;
                    };
                    gather(children).as_completed().for_each(body).await;
                    assert_eq!(seen, size);
                }
                5 => {
                    let (index, value) = race(children).await;
                    assert_eq!(index as u64, value.0);
                }
                6 => {
                    let end = async {
                        for _ in 0..stop {
                            yield_now().await;
                        }
                    };
                    match gather(children).on_progress(|_, _| ()).until(end).await {
                        Ok(values) => in_order(values, size),
                        Err(partial) => assert_eq!(partial.done.len() as u64, size),
                    }
                }
                _ => {
                    let mut completed = gather(children).limit(limit).as_completed();
                    // Half of it, or all.
                    for _ in 0..if stop == 0 { size / 2 } else { size } {
                        let (index, value) = completed.next().await.expect("there are more");
                        assert_eq!(index as u64, value.0);
                    }
                }
            }
            Value::new(number, &alive)
        })
    }
}

fn in_order(values: impl IntoIterator<Item = Value>, size: u64) {
    assert!(values.into_iter().map(|value| value.0).eq(0..size), "every value, in its place");
}

fn waking_elsewhere() -> (Sender<Waker>, thread::JoinHandle<()>) {
    let (sender, wakers): (_, Receiver<Waker>) = channel();
    (sender, thread::spawn(move || wakers.into_iter().for_each(Waker::wake)))
}

#[test]
fn trees_of_gathers() {
    let cases = std::env::var("ANYLOOP_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let first = seed();
    println!("ANYLOOP_TEST_SEED={first}");
    let (threads, alive) = ([waking_elsewhere(), waking_elsewhere()], Arc::new(AtomicUsize::new(0)));
    for case in 0..cases {
        let seed = first.wrapping_add(case);
        println!("ANYLOOP_TEST_SEED={seed} begins with this tree");
        let mut grower = Grower {
            choices: Choices::scattered(seed),
            elsewhere: threads.each_ref().map(|(sender, _)| sender.clone()),
            alive: alive.clone(),
        };
        let tree = grower.node(0, DEPTH);
        assert_eq!(pollster::block_on(tree).0, 0);
        assert_eq!(alive.load(Ordering::SeqCst), 0, "each value is dropped once");
    }
    for (sender, thread) in threads {
        drop(sender);
        thread.join().unwrap();
    }
}
