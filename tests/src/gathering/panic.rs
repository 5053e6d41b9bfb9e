//! C22: a child that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyloop_core::{BlockOn, Call, PoolExt, gather};

use super::children::{Child, SIZES, among, assert_dropped, endless, explosive};
use crate::Subject;
use crate::tools::{Probe, panic_of_future, yield_now};

/// C22: a child that panics has its siblings dropped, then its panic goes on; the gather has ended.
pub fn c22_a_panic_drops_the_siblings_first<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            for place in [0, size / 2, size - 1] {
                for yields in [0, 1, 3] {
                    let (children, books) = among(size, place, async {
                        for _ in 0..yields {
                            yield_now().await;
                        }
                        panic!("a child's")
                    });
                    let mut gathering = gather::<_, Vec<Child<'_, u8>>>(children).into_future();
                    assert_eq!(panic_of_future(&mut gathering).await, "a child's");
                    assert_dropped(&books, size);
                    assert!(panic_of_future(&mut gathering).await.contains("polled again"));
                }
            }
        }
    });
}

/// C22: so it is for tuples, and for calls and tasks as children: a queued call never runs.
pub fn c22_a_panic_drops_the_siblings_of_a_tuple<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let busy = subject.busy();
        let ran = Arc::new(AtomicUsize::new(0));
        let running = ran.clone();
        let [(first, of_first), (task, of_task), (queued, of_queued)] = [(); 3].map(|()| Probe::new());
        let gathering = gather((
            endless::<u8>(first),
            subject.runtime().spawn(endless::<u8>(task)),
            Call::new(move || {
                running.fetch_add(1, Ordering::SeqCst);
                drop(queued);
            })
            .on(&busy.pool),
            subject.call(|| -> u8 { panic!("a call's") }),
        ));
        assert_eq!(panic_of_future(gathering.into_future()).await, "a call's");
        assert_eq!((of_first.count(), of_queued.count()), (1, 1));
        of_task.seen().await;
        busy.open();
        busy.pool.submit(|| ()).await.expect("the pool goes on");
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

/// C22: the first panic counts: those of the siblings' destructors are nobody's.
pub fn c22_siblings_may_panic_as_they_drop<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 30, 31, 100] {
            for place in [0, size - 1] {
                let (probe, drops) = Probe::new();
                let mut probe = Some(probe);
                let children = (0..size).map(|number| -> Child<'_, u8> {
                    if number == place {
                        Box::pin(async {
                            yield_now().await;
                            panic!("a child's")
                        })
                    } else if let Some(probe) = probe.take() {
                        Box::pin(endless(probe))
                    } else {
                        Box::pin(explosive())
                    }
                });
                let gathering = gather(children.collect::<Vec<_>>()).into_future();
                assert_eq!(panic_of_future(gathering).await, "a child's");
                assert_eq!(drops.count(), 1, "a destructor that panics spares nobody the drop");
            }
        }
        let gathering = gather((explosive::<u8>(), async { panic!("a child's") as u8 }, explosive::<u8>()));
        assert_eq!(panic_of_future(gathering.into_future()).await, "a child's");
    });
}

/// C22: `settle()` makes the panic of a call its own `Result`, and leaves the siblings alone.
pub fn c22_settled_children_end_each_in_its_own_result<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES {
            let calls = (0..size).map(|number| {
                subject
                    .call(move || {
                        assert!(number % 3 != 0, "every third panics");
                        number
                    })
                    .settle()
            });
            for (number, ended) in gather(calls).await.into_iter().enumerate() {
                assert_eq!(ended.ok(), (number % 3 != 0).then_some(number), "of {size}");
            }
        }
    });
}

/// C22: in the runtime's own `gather` a panic cancels the other tasks and goes on.
pub fn c22_a_panic_cancels_the_tasks_of_the_runtimes_gather<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let (probe, drops) = Probe::new();
        let mut probe = Some(probe);
        let children = (0..2).map(|_| {
            let probe = probe.take();
            async move {
                match probe {
                    Some(probe) => endless::<u8>(probe).await,
                    None => panic!("a task's"),
                }
            }
        });
        assert_eq!(panic_of_future(subject.runtime().gather(children).into_future()).await, "a task's");
        drops.seen().await;
    });
}
