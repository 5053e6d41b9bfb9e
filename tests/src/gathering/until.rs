//! C26: a gather that something else ends.

use anyloop_core::{BlockOn, gather, try_gather};

use super::children::{Child, SIZES, assert_dropped, endless, explosive, told};
use crate::Subject;
use crate::tools::{BOMB, Probe, Signal, panic_of_future, yield_now};

/// C26: when the end comes first, what is done comes back by index, and the rest has been dropped.
pub fn c26_what_is_done_comes_back_by_index<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            let mut books = Vec::new();
            let children = (0..size).map(|number| -> Child<'_, usize> {
                if number % 3 != 1 && number != 0 {
                    return Box::pin(async move {
                        yield_now().await;
                        number
                    });
                }
                let (probe, drops) = Probe::new();
                books.push(drops);
                Box::pin(endless(probe))
            });
            let children: Vec<_> = children.collect();
            let end = async {
                for _ in 0..20 {
                    yield_now().await;
                }
            };
            let partial = gather(children).until(end).await.expect_err("some never end");
            assert_dropped(&books, size);
            assert_eq!(partial.done.len(), size);
            for (number, value) in partial.done.into_iter().enumerate() {
                assert_eq!(value, (number % 3 != 1 && number != 0).then_some(number), "of {size}");
            }
        }
    });
}

/// C26: what ends first decides, also in the same poll; tuples and errors too.
pub fn c26_a_gather_that_ends_first_is_whole<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let calls = (0..40).map(|number| subject.call(move || number));
        let all = gather(calls).until(std::future::pending::<()>()).await.expect("it ends first");
        assert!(all.into_iter().eq(0..40));
        let both = gather([async { 1 }]).until(async {}).await;
        assert_eq!(both.expect("both at once: the gather was first"), [1]);

        let tuple = gather((async { 1 }, std::future::pending::<u8>(), async { "three" })).until(async {});
        assert_eq!(tuple.await.expect_err("one never ends").done, (Some(1), None, Some("three")));
        let failed =
            try_gather((async { Err::<u8, _>("no") }, async { Ok(2) })).until(std::future::pending::<()>());
        assert_eq!(failed.await.expect("the error ends it"), Err("no"));
        let children = (0..50).map(|number| async move {
            if number % 2 == 1 {
                std::future::pending::<()>().await;
            }
            Ok::<_, ()>(number)
        });
        let partial =
            try_gather(children).limit(60).until(async {}).await.expect_err("half of them never end");
        let values: Vec<_> = partial.into_values().collect();
        assert!(values.into_iter().eq((0..50).step_by(2).map(|number| (number, number))));
    });
}

/// C26: a child's destructor that panics at the end spares no other child the drop.
pub fn c26_children_may_panic_as_they_drop<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 31] {
            let (probe, drops) = Probe::new();
            let mut probe = Some(probe);
            let children = (0..size).map(|number| -> Child<'_, u8> {
                match probe.take_if(|_| number == size - 1) {
                    Some(probe) => Box::pin(endless(probe)),
                    None => Box::pin(explosive()),
                }
            });
            let mut gathering =
                Box::pin(gather(children.collect::<Vec<_>>()).until(yield_now()).into_future());
            assert_eq!(panic_of_future(&mut gathering).await, BOMB);
            assert_eq!(drops.count(), 1);
            assert!(panic_of_future(&mut gathering).await.contains("polled again"));
        }
    });
}

/// C26: a signal from another thread ends it too.
pub fn c26_the_end_may_come_from_another_thread<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (end, first) = (Signal::new(), Signal::new());
        let children = (0..100).map(|number| {
            let signal = if number == 0 { first.clone() } else { Signal::new() };
            told(signal, number)
        });
        let gathering = gather(children.collect::<Vec<_>>()).until(end.seen());
        let thread = std::thread::spawn({
            let (end, first) = (end.clone(), first.clone());
            move || {
                first.set();
                end.set();
            }
        });
        let partial = gathering.await.expect_err("ninety-nine never end");
        thread.join().expect("it only sets signals");
        assert!(partial.done[1..].iter().all(Option::is_none));
    });
}
