//! Four threads wake the children of gathers that are being polled, that rest, that have ended or were dropped, millions
//! of times, while children, destructors and the parent's wakers panic. No wake is lost, nothing is polled after its
//! end, and every child and every output is dropped once. `ANYLOOP_TEST_WAKES` says how many wakes there are.

#[path = "support/rung.rs"]
mod rung;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use anyloop_core::{gather, try_gather};
use rung::{Bell, Books, Child, Counted, Habit, Parent, Round, THREADS, Trying, quietly};

const WAKES: usize = 2_000_000;
/// Around what decides how a gather keeps its children: 30, and 64 in a block. 256 are polled in one poll.
const SIZES: [usize; 10] = [1, 2, 12, 30, 31, 64, 65, 130, 257, 600];
/// Nothing here takes nearly as long, unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// How a round ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Whole,
    /// Dropped while it is woken.
    Dropped,
    /// One child panics when it has been rung for the last time.
    Panic,
    /// One child's destructor panics.
    Bomb,
    /// Dropped, with destructors that panic.
    DroppedBombs,
}

const ENDS: [End; 7] =
    [End::Whole, End::Dropped, End::Whole, End::Panic, End::Whole, End::Bomb, End::DroppedBombs];

/// Rings every bell of each round, in an order of its own, and keeps wakers for later.
fn ring(thread: usize, rounds: &Receiver<Arc<Round>>) {
    let mut kept: Vec<Waker> = Vec::new();
    for round in rounds {
        let size = round.bells.len();
        for time in 0..round.times {
            let first = round.number * 31 + thread * 17 + time as usize;
            for step in 0..size {
                // Two go up, two go down.
                let place =
                    if thread.is_multiple_of(2) { first + step } else { first + size * 2 - step } % size;
                let bell = &round.bells[place];
                bell.rung.fetch_add(1, Ordering::SeqCst);
                let waker = bell.waker().clone();
                let Some(waker) = waker else { continue };
                round.books.wakes.fetch_add(1, Ordering::SeqCst);
                if (place + round.number).is_multiple_of(97) {
                    kept.push(waker.clone());
                }
                match (place + thread) % 3 {
                    0 => quietly(|| waker.wake()),
                    1 => {
                        quietly(|| waker.wake_by_ref());
                        quietly(|| drop(waker));
                    }
                    _ => {
                        let clone = waker.clone();
                        quietly(|| clone.wake());
                        quietly(|| drop(waker));
                    }
                }
            }
        }
        // Of this round and of others, whose gathers are long gone.
        if round.number % 8 == thread {
            round.books.wakes.fetch_add(kept.len(), Ordering::SeqCst);
            kept.drain(..).for_each(|waker| quietly(|| waker.wake()));
        }
    }
    kept.into_iter().for_each(|waker| quietly(|| waker.wake()));
}

type Gathering = Pin<Box<dyn Future<Output = usize>>>;

/// Of every kind; each checks its values and says how many there are.
fn gathering(round: &Arc<Round>, end: End) -> Gathering {
    let (size, special, books) = (round.bells.len(), round.number % round.bells.len(), &round.books);
    let (for_child, books) = (round.clone(), books.clone());
    let children = (0..size).map(move |number| Child {
        round: for_child.clone(),
        number,
        ended: false,
        panics: end == End::Panic && number == special,
        explodes: end == End::DroppedBombs || (end == End::Bomb && number == special),
        counted: Counted::new(&books),
    });
    let in_order = |values: Vec<(usize, Counted)>| {
        assert!(values.iter().map(|value| value.0).eq(0..values.len()));
        values.len()
    };
    match round.number % 7 {
        0 | 1 => Box::pin(async move { in_order(gather(children).await) }),
        2 => {
            let limit = size / 2 + 1;
            Box::pin(async move { in_order(gather(children).limit(limit).await) })
        }
        3 => Box::pin(async move {
            let children = children.map(Trying);
            in_order(try_gather(children).await.expect("none of them fails"))
        }),
        4 => Box::pin(async move {
            let mut values = 0;
            let walk = gather(children).as_completed().for_each(async |index, value: (usize, Counted)| {
                assert_eq!(index, value.0);
                values += 1;
            });
            walk.await;
            values
        }),
        5 => Box::pin(async move {
            let (mut values, mut stream) = (0, gather(children).limit(40).as_completed());
            while let Some((index, value)) = stream.next().await {
                assert_eq!(index, value.0);
                values += 1;
            }
            values
        }),
        _ => Box::pin(async move {
            let mut children: Vec<Child> = children.collect();
            let rest = children.split_off(size / 2);
            let (first, rest) = gather((gather(children), gather(rest))).await;
            in_order(first.into_iter().chain(rest).collect())
        }),
    }
}

/// The values there were, or the panic that it ended in; `None` if it was dropped.
fn play(
    round: &Arc<Round>,
    end: End,
    habit: Habit,
    threads: &[SyncSender<Arc<Round>>],
) -> Result<Option<usize>, &'static str> {
    let mut gathering = gathering(round, end);
    let woken = Arc::new(AtomicBool::new(true));
    let dropped_after = matches!(end, End::Dropped | End::DroppedBombs).then_some(round.number % 5);
    for polls in 0.. {
        // The threads begin before the first poll, or when all children rest.
        if polls == round.number % 2 {
            threads.iter().for_each(|thread| thread.send(round.clone()).expect("it rings until the end"));
        }
        if dropped_after == Some(polls) {
            return caught(|| drop(gathering)).map(|()| None);
        }
        let asleep = Instant::now();
        while !woken.swap(false, Ordering::SeqCst) {
            assert!(
                asleep.elapsed() < HANGS,
                "a wake was lost: {end:?}, {} children, round {}",
                round.bells.len(),
                round.number
            );
            thread::park_timeout(HANGS);
        }
        let parent = Parent::waker(&woken, habit, &round.books);
        let polled = caught(|| gathering.as_mut().poll(&mut Context::from_waker(&parent)));
        quietly(|| drop(parent));
        if let Poll::Ready(values) = polled? {
            return Ok(Some(values));
        }
    }
    unreachable!("it polls until the end")
}

fn caught<T>(f: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| match payload.downcast::<&'static str>() {
        Ok(text) => *text,
        Err(payload) => resume_unwind(payload),
    })
}

#[test]
fn wakes_from_four_threads_are_neither_lost_nor_do_harm() {
    let wanted = std::env::var("ANYLOOP_TEST_WAKES").ok();
    let wanted = wanted.map_or(WAKES, |wakes| wakes.parse().expect("a number of wakes"));
    let books = Arc::new(Books::default());
    let (senders, threads): (Vec<_>, Vec<_>) = (0..THREADS as usize)
        .map(|number| {
            let (sender, rounds) = sync_channel(2);
            (sender, thread::spawn(move || ring(number, &rounds)))
        })
        .unzip();
    for number in 0.. {
        if books.wakes.load(Ordering::SeqCst) >= wanted {
            break;
        }
        let size = SIZES[number / 3 % SIZES.len()];
        let bells = (0..size).map(|_| Bell::default()).collect();
        let round = Arc::new(Round { bells, times: 1 + number as u32 / 5 % 3, number, books: books.clone() });
        let end = ENDS[number / 2 % ENDS.len()];
        let habit = [Habit::Good, Habit::PanicsAsItWakes, Habit::PanicsAsItDrops][number / 7 % 3];
        let ended = play(&round, end, habit, &senders);
        let about = format!("{end:?}, {size} children, round {number}: {ended:?}");
        match end {
            End::Whole => assert_eq!(ended, Ok(Some(size)), "{about}"),
            End::Dropped => assert!(ended == Ok(None) || ended == Ok(Some(size)), "{about}"),
            End::Panic => assert_eq!(ended, Err("a child's"), "{about}"),
            End::Bomb => assert_eq!(ended, Err("a destructor's"), "{about}"),
            // None of them was there yet, or all of them explode.
            End::DroppedBombs => assert!(ended == Ok(None) || ended == Err("a destructor's"), "{about}"),
        }
        let dropped = || round.bells.iter().map(|bell| bell.dropped.load(Ordering::SeqCst));
        assert!(dropped().all(|times| times <= 1), "a child was dropped twice: {about}");
        assert!(end != End::Whole || dropped().all(|times| times == 1), "a child was not dropped: {about}");
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        assert_eq!(
            count(&books.made),
            count(&books.dropped),
            "each child and output is dropped once: {about}"
        );
        assert_eq!(count(&books.polled_after_the_end), 0, "{about}");
        assert_eq!(count(&books.dropped_in_a_panic), 0, "{about}");
    }
    drop(senders);
    threads.into_iter().for_each(|thread| thread.join().expect("it only rings"));
    assert_eq!(books.parents.load(Ordering::SeqCst), 0, "nobody keeps a parent's waker");
}
