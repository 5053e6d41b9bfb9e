//! C27: values as they come.

use std::cell::{Cell, RefCell};

use anyloop_core::{BlockOn, gather, try_gather};

use super::children::{Child, SIZES, among, assert_dropped, told};
use crate::Subject;
use crate::tools::{Seeded, Signal, panic_of_future, yield_now};

/// C27: indexes and values come in the order in which the children end.
pub fn c27_values_come_in_the_order_of_completion<R: BlockOn>(subject: &Subject<R>) {
    let mut seeded = Seeded::new(27);
    subject.block_on(async {
        for size in [0, 1, 2, 30, 31, 200] {
            let order = seeded.shuffled(size);
            let signals: Vec<Signal> = (0..size).map(|_| Signal::new()).collect();
            let children = signals.iter().cloned().enumerate().map(|(number, signal)| told(signal, number));
            let mut values = gather(children).as_completed();
            for next in order {
                signals[next].set();
                assert_eq!(values.next().await, Some((next, next)), "of {size}");
            }
            assert_eq!(values.next().await, None);
            assert_eq!(values.next().await, None, "and none after the end");
        }
    });
}

/// C27: each child's value comes once, with a limit too, from calls and tasks alike.
pub fn c27_each_value_comes_once<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            for limit in [1, 3, 40] {
                let mut seen = vec![0; size];
                let children = (0..size).map(|number| super::children::mixed(subject, number));
                let mut values = gather(children).limit(limit).as_completed();
                while let Some((index, value)) = values.next().await {
                    assert_eq!(index, value);
                    seen[index] += 1;
                }
                assert_eq!(seen, vec![1; size]);
            }
        }
    });
}

/// C23, C27: the first error is the last item; the other children are dropped before it is seen.
pub fn c27_an_error_is_the_last_item<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 31, 100] {
            let (children, books) = among::<Result<u8, _>>(size, 1, async {
                yield_now().await;
                Err("no such row")
            });
            let mut values = try_gather::<_, Vec<Child<'_, _>>>(children).as_completed();
            assert_eq!(values.try_next().await, Err("no such row"));
            assert_dropped(&books, size);
            assert_eq!(values.try_next().await, Ok(None));
        }
    });
}

/// C27: in `for_each` the children go on while the body runs: a body that waits for a child does not wait for ever.
pub fn c27_children_go_on_while_the_body_runs<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 31] {
            let (begun, seen) = (Signal::new(), RefCell::new(Vec::new()));
            let children = (0..size).map(|number| -> Child<'_, usize> {
                let begun = begun.clone();
                Box::pin(async move {
                    if number == 0 {
                        return 0;
                    }
                    // Only once the first value is being looked at.
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    begun.set();
                    number
                })
            });
            let walk = gather(children).as_completed().for_each(async |index, value| {
                assert_eq!(index, value);
                begun.seen().await;
                seen.borrow_mut().push(index);
            });
            walk.await;
            let mut seen = seen.into_inner();
            assert_eq!(seen[0], 0);
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..size));
        }
    });
}

/// C25, C27: a body that is slow holds the drawing back.
pub fn c27_a_slow_body_holds_the_drawing_back<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (drawn, taken) = (Cell::new(0), Cell::new(0));
        let children = (0..100).map(|number| {
            drawn.set(drawn.get() + 1);
            std::future::ready(number)
        });
        let walk = gather(children).limit(4).as_completed().for_each(async |_, _| {
            taken.set(taken.get() + 1);
            for _ in 0..3 {
                yield_now().await;
            }
            // At work, waiting for the body, and the one that the body has.
            assert!(drawn.get() <= taken.get() + 9, "{} drawn, {} taken", drawn.get(), taken.get());
        });
        walk.await;
        assert_eq!((drawn.get(), taken.get()), (100, 100));

        let failing = (0..10).map(|number| async move { if number == 5 { Err(number) } else { Ok(number) } });
        assert_eq!(try_gather(failing).limit(2).as_completed().for_each(async |_, _| ()).await, Err(5));
        let panicking = gather((0..3).map(std::future::ready)).as_completed().for_each(async |_, _| {
            panic!("the body's");
        });
        assert_eq!(panic_of_future(panicking).await, "the body's");
    });
}
