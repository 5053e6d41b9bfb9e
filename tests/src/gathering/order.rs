//! C20: results in input order.

use anyloop_core::{BlockOn, gather, try_gather};

use super::children::{Child, SIZES, mixed, told};
use crate::Subject;
use crate::tools::{Seeded, Signal, panic_of_future, poll_once, yield_now};

/// C20: results come in input order, whatever the children are: calls, tasks and futures, mixed.
pub fn c20_results_are_in_input_order<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let gathered = gather((0..size).map(|number| mixed(subject, number))).await;
            assert!(gathered.into_iter().eq(0..size), "of {size}");
            let tried = (0..size).map(|number| async move { Ok::<_, ()>(mixed(subject, number).await) });
            let gathered = try_gather(tried.collect::<Vec<_>>()).await;
            assert!(gathered.expect("no child fails").into_iter().eq(0..size), "of {size}");
        }
    });
}

/// C20: also when they end in reverse, or in any other order.
pub fn c20_the_order_of_completion_does_not_matter<R: BlockOn>(subject: &Subject<R>) {
    let mut seeded = Seeded::new(20);
    subject.block_on(async {
        for size in SIZES {
            for order in [(0..size).rev().collect(), seeded.shuffled(size)] {
                let order: Vec<usize> = order;
                let signals: Vec<Signal> = (0..size).map(|_| Signal::new()).collect();
                let children =
                    signals.iter().cloned().enumerate().map(|(number, signal)| told(signal, number));
                let telling = async {
                    for number in order {
                        signals[number].set();
                        if size < 100 || number % 10 == 0 {
                            yield_now().await;
                        }
                    }
                };
                let (gathered, ()) = gather((gather(children), telling)).await;
                assert!(gathered.into_iter().eq(0..size), "of {size}");
            }
        }
    });
}

/// C20: children that other threads wake, all at once, are all seen to.
pub fn c20_children_may_be_woken_by_other_threads<R: BlockOn>(subject: &Subject<R>) {
    let mut seeded = Seeded::new(21);
    subject.block_on(async {
        for size in [2, 30, 31, 300] {
            let signals: Vec<Signal> = (0..size).map(|_| Signal::new()).collect();
            let children = signals.iter().cloned().enumerate().map(|(number, signal)| told(signal, number));
            let gathering = gather(children.collect::<Vec<_>>());
            let threads: Vec<_> = (0..3)
                .map(|thread| {
                    let signals: Vec<_> = seeded
                        .shuffled(size)
                        .into_iter()
                        .filter(|number| number % 3 == thread)
                        .map(|number| signals[number].clone())
                        .collect();
                    std::thread::spawn(move || signals.iter().for_each(Signal::set))
                })
                .collect();
            assert!(gathering.await.into_iter().eq(0..size), "of {size}");
            for thread in threads {
                thread.join().expect("it only sets signals");
            }
        }
    });
}

/// C20: none in, none out, at once: without a wait for anything.
pub fn c20_none_in_none_out_at_once<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let none: [Child<'_, u8>; 0] = [];
        assert!(poll_once(&mut gather(none).into_future()).is_ready());
        let none: [Child<'_, Result<u8, ()>>; 0] = [];
        assert!(poll_once(&mut try_gather(none).into_future()).is_ready());
        assert!(poll_once(&mut gather(()).into_future()).is_ready());
        let ready = gather((0..1000).map(std::future::ready)).into_future();
        let mut ready = ready;
        assert!(poll_once(&mut ready).is_ready(), "nor is there one for children that are ready");
    });
}

/// C20: tuples of every size, of children of different types.
pub fn c20_tuples_keep_their_places<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (first, last) = (Signal::new(), Signal::new());
        assert_eq!(gather((subject.call(|| 1),)).await, (1,));
        let in_reverse = gather((
            async {
                first.seen().await;
                "first"
            },
            async {
                last.seen().await;
                first.set();
                2.0
            },
            async {
                last.set();
                'c'
            },
        ));
        assert_eq!(in_reverse.await, ("first", 2.0, 'c'));
        let twelve = gather((
            subject.call(|| 0),
            async { "1" },
            subject.runtime().spawn(async { 2 }),
            subject.submit(|| 3),
            subject.call(|| "4").settle(),
            std::future::ready(5_u8),
            async { yield_now().await },
            subject.call(|| 7),
            subject.call(|| 8),
            subject.call(|| 9),
            async { 10 },
            gather([async { 11 }]),
        ));
        let (a, b, c, d, e, f, (), h, i, j, k, l) = twelve.await;
        assert_eq!((a, b, f, h, i, j, k, l), (0, "1", 5, 7, 8, 9, 10, vec![11]));
        assert_eq!((c.ok(), d.ok(), e.ok()), (Some(2), Some(3), Some("4")));
        let tried = try_gather((async { Ok::<_, ()>(1) }, async { Ok("two") }, subject.call(|| Ok(3_u8))));
        assert_eq!(tried.await, Ok((1, "two", 3)));
    });
}

/// C20: the runtime's own `gather`, whose children are tasks, keeps the order too.
pub fn c20_the_runtimes_gather_keeps_the_order<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [0, 1, 31, 200] {
            let gathered = subject.runtime().gather((0..size).map(|number| async move {
                for _ in 0..number % 4 {
                    yield_now().await;
                }
                number
            }));
            assert!(gathered.await.into_iter().eq(0..size), "of {size}");
        }
    });
}

/// C20: a gather that is polled again after its end panics, cleanly.
pub fn c20_polled_again_after_the_end_it_panics<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let mut many = gather((0..size).map(|number| mixed(subject, number))).into_future();
            assert_eq!((&mut many).await.len(), size);
            assert!(panic_of_future(&mut many).await.contains("polled again"));
            assert!(panic_of_future(&mut many).await.contains("polled again"), "every time");
            let mut tried =
                try_gather((0..size).map(|number| std::future::ready(Ok::<_, ()>(number)))).into_future();
            assert!((&mut tried).await.is_ok());
            assert!(panic_of_future(&mut tried).await.contains("polled again"));
        }
        let mut two = Box::pin(gather((async { 1 }, async { 2 })).into_future());
        assert_eq!((&mut two).await, (1, 2));
        assert!(panic_of_future(&mut two).await.contains("polled again"));
        let mut failed = Box::pin(try_gather((async { Err::<u8, _>(1) }, async { Ok(2) })).into_future());
        assert_eq!((&mut failed).await, Err(1));
        assert!(panic_of_future(&mut failed).await.contains("polled again"));
    });
}
