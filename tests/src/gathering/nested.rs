//! C20 to C27 for gathers inside gathers and tasks, and for children that somebody else owns.

use anyloop_core::{BlockOn, TaskError, gather, race, try_gather};

use super::children::{Child, among, assert_dropped, endless, told};
use crate::Subject;
use crate::tools::{Probe, Signal, panic_of_future, poll_once, yield_now};

/// On both sides of the threshold.
const SIZES: [usize; 3] = [2, 30, 31];

/// C20: a task that was cancelled by somebody else is an error in its own place, and its siblings go on.
pub fn c20_a_cancelled_task_is_an_error_in_its_own_place<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let tasks = (0..size).map(|number| {
                let task = subject.runtime().spawn(async move {
                    if number == 1 {
                        std::future::pending::<()>().await;
                    }
                    number
                });
                if number == 1 {
                    task.abort();
                }
                task
            });
            for (number, ended) in gather(tasks.collect::<Vec<_>>()).await.into_iter().enumerate() {
                match ended {
                    Ok(value) => assert_eq!(value, number, "of {size}"),
                    Err(error) => {
                        assert!(number == 1 && matches!(error, TaskError::Cancelled), "{number}: {error}");
                    }
                }
            }
        }
    });
}

/// C22: a panic goes up through every gather, and the children of each of them have been dropped by then.
pub fn c22_a_panic_goes_up_through_nested_gathers<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let (inner, of_inner) = among::<u8>(size, 1, async {
                yield_now().await;
                panic!("the innermost child's")
            });
            let inner = async move { gather::<_, Vec<Child<'_, u8>>>(inner).await.len() };
            let (outer, of_outer) = among::<usize>(size, 0, inner);
            let both = gather((gather::<_, Vec<Child<'_, usize>>>(outer), std::future::pending::<()>()));
            assert_eq!(panic_of_future(both.into_future()).await, "the innermost child's");
            assert_dropped(&of_inner, size);
            assert_dropped(&of_outer, size);
        }
    });
}

/// C23: so does an error, through every `try_gather`; a gather in between keeps it.
pub fn c23_an_error_goes_up_through_nested_gathers<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let failing = || async {
                yield_now().await;
                Err::<u8, _>("no such row")
            };
            let (inner, of_inner) = among(size, 1, failing());
            let inner =
                async move { try_gather::<_, Vec<Child<'_, _>>>(inner).await.map(|values| values.len()) };
            let (outer, of_outer) = among(size, size - 1, inner);
            assert_eq!(try_gather::<_, Vec<Child<'_, _>>>(outer).await, Err("no such row"));
            assert_dropped(&of_inner, size);
            assert_dropped(&of_outer, size);

            let (inner, _) = among(size, 1, failing());
            let kept = gather((try_gather::<_, Vec<Child<'_, _>>>(inner), async { 2 }));
            assert_eq!(kept.await, (Err("no such row"), 2));
        }
    });
}

/// C24: dropping a gather drops the children of the gathers in it, and cancels their tasks.
pub fn c24_dropping_it_reaches_nested_gathers<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let mut books = Vec::new();
            let mut probe = || {
                let (probe, drops) = Probe::new();
                books.push(drops);
                probe
            };
            let inner: Vec<_> = (0..size * size).map(|_| probe()).collect();
            let mut inner = inner.into_iter();
            let middle: Vec<_> = (0..size)
                .map(|_| gather(inner.by_ref().take(size).map(endless::<u8>).collect::<Vec<_>>()))
                .collect();
            let (task, of_task) = Probe::new();
            let tasks = subject.runtime().gather([endless::<u8>(task)]);
            let mut outer = Box::pin(gather((gather(middle), tasks, endless::<u8>(probe()))).into_future());
            for _ in 0..4 {
                assert!(poll_once(&mut outer).is_pending());
            }
            drop(outer);
            assert_dropped(&books, size);
            of_task.seen().await;
        }
    });
}

/// C24: aborting the task that gathers drops the children.
pub fn c24_aborting_the_task_that_gathers_drops_the_children<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let (books, begun) = (Probe::new(), Signal::new());
            let (probe, drops) = books;
            let beginning = begun.clone();
            let mut probe = Some(probe);
            let children: Vec<_> = (0..size)
                .map(|number| {
                    let (begun, probe) = (beginning.clone(), probe.take_if(|_| number == size - 1));
                    async move {
                        if probe.is_some() {
                            begun.set();
                        }
                        std::future::pending::<u8>().await
                    }
                })
                .collect();
            let task = subject.runtime().spawn(async move { gather(children).await });
            begun.seen().await;
            task.abort();
            assert!(matches!(task.await, Err(TaskError::Cancelled)));
            drops.seen().await;
        }
    });
}

/// C24: what is lent to a gather outlives it.
pub fn c24_what_is_lent_outlives_the_gather<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let go = Signal::new();
            let mut tasks: Vec<_> =
                (0..size).map(|number| subject.runtime().spawn(told(go.clone(), number))).collect();
            let mut gathering = gather(tasks.iter_mut()).into_future();
            assert!(poll_once(&mut gathering).is_pending());
            drop(gathering);
            let ended = try_gather(tasks.iter_mut()).until(yield_now()).await;
            assert!(ended.expect_err("none of them can end").done.iter().all(Option::is_none));
            go.set();
            let values = try_gather(tasks).await.expect("nobody cancelled them");
            assert!(values.into_iter().eq(0..size));

            // So does a gather that is lent to another one.
            let go = Signal::new();
            let mut inner = gather((0..size).map(|number| told(go.clone(), number))).into_future();
            assert!(gather([&mut inner]).until(yield_now()).await.is_err());
            go.set();
            assert!(inner.await.into_iter().eq(0..size));
        }
    });
}

/// C23: the losers of a race that only borrowed them can still be awaited.
pub fn c23_a_race_that_borrows_leaves_the_losers<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let signals: Vec<Signal> = (0..size).map(|_| Signal::new()).collect();
            let mut left: Vec<Child<'_, usize>> = Vec::new();
            for (number, signal) in signals.iter().enumerate() {
                left.push(Box::pin(told(signal.clone(), number)));
            }
            // Each in its turn, the last one first.
            for next in (0..size).rev() {
                signals[next].set();
                let (place, value) = race(left.iter_mut()).await;
                assert_eq!((place, value), (next, next));
                drop(left.remove(place));
            }
        }
    });
}

/// C26: a child may end the gather that it is in, and is dropped with the others.
pub fn c26_a_child_may_end_its_own_gather<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let (end, (probe, drops)) = (Signal::new(), Probe::new());
            let ending = end.clone();
            let (children, books) = among::<u8>(size, size / 2, async move {
                ending.set();
                endless(probe).await
            });
            let partial = gather::<_, Vec<Child<'_, u8>>>(children).until(end.seen()).await;
            assert_eq!(partial.expect_err("none of them ends").done, vec![None; size]);
            assert_dropped(&books, size);
            assert_eq!(drops.count(), 1);
        }
    });
}

/// C24, C27: dropping the stream drops what has not come.
pub fn c27_dropping_the_stream_drops_the_rest<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            for limit in [2, size] {
                let (children, books) = among(size, 0, async { 7_u8 });
                let mut values = gather::<_, Vec<Child<'_, _>>>(children).limit(limit).as_completed();
                assert_eq!(values.next().await, Some((0, 7)));
                assert!(gather([values.next()]).until(yield_now()).await.is_err(), "none of the rest ends");
                drop(values);
                // Those that were not drawn yet were in the iterator.
                assert_eq!(books.len(), size - 1);
                assert_dropped(&books, size);
            }
        }
    });
}

/// C22, C27: a panic comes after the values before it, drops the rest, and is the last thing that comes.
pub fn c27_a_panic_is_the_last_that_comes<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [3, 30, 31] {
            let (mut children, books) = among::<u8>(size, 0, async { 7 });
            let dropped = children.remove(1);
            drop(dropped);
            children.push(Box::pin(async {
                yield_now().await;
                panic!("a child's")
            }));
            let mut values = gather(children).as_completed();
            assert_eq!(values.next().await, Some((0, 7)));
            assert_eq!(panic_of_future(values.next()).await, "a child's");
            assert_dropped(&books, size);
            assert_eq!(values.next().await, None);
        }
    });
}
