//! Children to gather: futures that end when they are told to, of every kind.

use std::pin::Pin;

use anyloop_core::BlockOn;

use crate::Subject;
use crate::tools::{Drops, Probe, Signal, yield_now};

/// Sizes on both sides of every threshold: none, one, all that a tuple takes, 30, beyond, many.
pub(super) const SIZES: [usize; 7] = [0, 1, 2, 12, 30, 31, 1000];

pub(super) type Child<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A wrapped call, a task of the runtime, or a plain future that yields now and then.
pub(super) fn mixed<R: BlockOn>(subject: &Subject<R>, number: usize) -> Child<'_, usize> {
    match number % 4 {
        0 => Box::pin(subject.call(move || number)),
        1 => {
            let task = subject.runtime().spawn(async move {
                yield_now().await;
                number
            });
            Box::pin(async move { task.await.expect("a value") })
        }
        2 => Box::pin(async move {
            for _ in 0..number % 5 {
                yield_now().await;
            }
            number
        }),
        _ => Box::pin(std::future::ready(number)),
    }
}

/// Ends when its signal is set.
pub(super) async fn told(signal: Signal, number: usize) -> usize {
    signal.seen().await;
    number
}

/// Never ends.
pub(super) async fn endless<T>(probe: Probe) -> T {
    let _probe = probe;
    std::future::pending().await
}

/// Panics as it drops, and never ends.
pub(super) async fn explosive<T>() -> T {
    let _bomb = crate::tools::Bomb;
    std::future::pending().await
}

/// Endless children around the one at `place`.
pub(super) fn among<'a, T: 'a>(
    size: usize,
    place: usize,
    one: impl Future<Output = T> + 'a,
) -> (Vec<Child<'a, T>>, Vec<Drops>) {
    let mut one = Some(one);
    let mut books = Vec::new();
    let children = (0..size).map(|number| -> Child<'a, T> {
        if number == place
            && let Some(one) = one.take()
        {
            return Box::pin(one);
        }
        let (probe, drops) = Probe::new();
        books.push(drops);
        Box::pin(endless(probe))
    });
    (children.collect(), books)
}

pub(super) fn assert_dropped(books: &[Drops], size: usize) {
    assert!(books.iter().all(|drops| drops.count() == 1), "every sibling is dropped once, of {size}");
}
