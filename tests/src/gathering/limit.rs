//! C25: a gather with a limit.

use std::cell::Cell;

use anyloop_core::{BlockOn, gather, try_gather};

use super::children::{Child, endless, mixed};
use crate::Subject;
use crate::tools::{Probe, Seeded, panic_of, panic_of_future, poll_once, yield_now};

/// Counts how many are there at once.
#[derive(Default)]
struct Crowd {
    now: Cell<usize>,
    most: Cell<usize>,
    drawn: Cell<usize>,
}

impl Crowd {
    async fn member(&self, yields: usize) -> usize {
        self.drawn.set(self.drawn.get() + 1);
        for _ in 0..yields {
            yield_now().await;
        }
        self.now.set(self.now.get() - 1);
        yields
    }

    /// From when it is drawn.
    fn draw(&self, yields: usize) -> impl Future<Output = usize> {
        self.now.set(self.now.get() + 1);
        self.most.set(self.most.get().max(self.now.get()));
        self.member(yields)
    }
}

/// C25: at most n children are there unfinished; the values are in input order all the same.
pub fn c25_at_most_n_children_are_unfinished<R: BlockOn>(subject: &Subject<R>) {
    let mut seeded = Seeded::new(25);
    subject.block_on(async {
        for (size, limit) in [(0, 1), (1, 1), (5, 1), (100, 3), (100, 30), (100, 31), (500, 64), (10, 1000)] {
            let crowd = Crowd::default();
            let yields: Vec<usize> = (0..size).map(|_| seeded.below(6)).collect();
            let values = gather(yields.iter().map(|yields| crowd.draw(*yields))).limit(limit).await;
            assert_eq!(values, yields, "of {size}");
            assert_eq!(crowd.most.get(), limit.min(size), "of {size}");
            let calls = (0..size).map(|number| mixed(subject, number));
            assert!(gather(calls).limit(limit).await.into_iter().eq(0..size));
        }
    });
}

/// C25: the iterator is drawn from as children end, and no further; it may be endless.
pub fn c25_the_iterator_is_drawn_from_lazily<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for limit in [1, 7, 100] {
            let (drawn, ended) = (Cell::new(0), Cell::new(0));
            let endless = (0..).inspect(|_| {
                drawn.set(drawn.get() + 1);
                assert!(drawn.get() <= ended.get() + limit, "drawn sooner than a child has ended");
            });
            let ending = &ended;
            let failing = endless.map(|number| async move {
                yield_now().await;
                ending.set(ending.get() + 1);
                if number == 200 { Err(number) } else { Ok(number) }
            });
            assert_eq!(try_gather(failing).limit(limit).await, Err(200));
            // Those that were woken together with it may have been polled before it, and made room for others.
            assert!((201..=201 + 2 * limit).contains(&drawn.get()), "{} drawn of {limit}", drawn.get());
        }
        // Children that are ready at once leave the runtime its turn now and then.
        let turns = Cell::new(0);
        let polling = async {
            loop {
                turns.set(turns.get() + 1);
                yield_now().await;
            }
        };
        let ready = (0..).map(|number| std::future::ready(if number == 5000 { Err(()) } else { Ok(()) }));
        let ended = try_gather(ready).limit(2).until(polling).await;
        assert_eq!(ended.expect("the polling never ends"), Err(()));
        assert!(turns.get() > 5, "{} turns", turns.get());
    });
}

/// C25: a panic drops the others, and nothing more is drawn.
pub fn c25_a_panic_ends_the_drawing<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for limit in [2, 40] {
            let mut books = Vec::new();
            let children = (0..).map(|number| -> Child<'_, u8> {
                if number == 50 {
                    return Box::pin(async { panic!("a child's") });
                }
                let (probe, drops) = Probe::new();
                books.push(drops);
                if number % limit == 1 { Box::pin(endless_once(probe)) } else { Box::pin(async { 0 }) }
            });
            let mut gathering = gather(children).limit(limit).into_future();
            assert_eq!(panic_of_future(&mut gathering).await, "a child's");
            assert!(panic_of_future(&mut gathering).await.contains("polled again"));
            drop(gathering);
            assert_eq!(books.len(), 50);
            for drops in books {
                assert!(drops.count() <= 1);
            }
        }
        assert!(panic_of(|| gather([async {}]).limit(0)).contains("limit of 0"));
    });
}

/// Ends after a while, with its probe.
async fn endless_once(probe: Probe) -> u8 {
    for _ in 0..3 {
        yield_now().await;
    }
    drop(probe);
    1
}

/// C24, C25: dropped early, it drops the children that are there.
pub fn c25_dropping_it_drops_what_is_there<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for limit in [1, 30, 31] {
            let mut books = Vec::new();
            let children = (0..).map(|_| {
                let (probe, drops) = Probe::new();
                books.push(drops);
                endless::<u8>(probe)
            });
            let mut gathering = gather(children).limit(limit).into_future();
            assert!(poll_once(&mut gathering).is_pending());
            drop(gathering);
            assert_eq!(books.len(), limit);
            assert!(books.iter().all(|drops| drops.count() == 1));
        }
    });
}

/// C25: so it is for the runtime's own gather, whose children are tasks.
pub fn c25_the_runtimes_gather_has_a_limit<R: BlockOn>(subject: &Subject<R>) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    subject.block_on(async {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let children = (0..100).map(|number| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                assert!(number != 60, "the sixtieth panics");
                number
            }
        });
        let ended = subject.runtime().gather(children).limit(4).settle().await;
        for (number, ended) in ended.into_iter().enumerate() {
            assert_eq!(ended.ok(), (number != 60).then_some(number));
        }
        assert!(most.load(Ordering::SeqCst) <= 4);
    });
}
