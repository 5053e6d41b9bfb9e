//! C23: a child that fails.

use anyloop_core::{BlockOn, gather, try_gather};

use super::children::{Child, SIZES, among, assert_dropped, endless, explosive, told};
use crate::Subject;
use crate::tools::{BOMB, Probe, SetOnDrop, Signal, panic_of_future, yield_now};

/// C23: `try_gather` returns the first error in time, wherever it stands and however many children there
/// are; the others are dropped before it is seen.
pub fn c23_the_first_error_in_time_is_returned<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            for place in [0, size / 2, size - 1] {
                for yields in [0, 1, 3] {
                    let (children, books) = among(size, place, async {
                        for _ in 0..yields {
                            yield_now().await;
                        }
                        Err(place)
                    });
                    let mut gathering =
                        try_gather::<_, Vec<Child<'_, Result<u8, _>>>>(children).into_future();
                    assert_eq!((&mut gathering).await, Err(place), "of {size}");
                    assert_dropped(&books, size);
                }
            }
        }
    });
}

/// C23: in the runtime's own `try_gather` the first error in time cancels the other tasks.
pub fn c23_an_error_cancels_the_tasks_of_the_runtimes_gather<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for place in [0, 1] {
            let (probe, drops) = Probe::new();
            let mut probe = Some(probe);
            let children = (0..2).map(|number| {
                let probe = if number == place { None } else { probe.take() };
                async move {
                    match probe {
                        Some(probe) => Ok(endless::<u8>(probe).await),
                        None => Err(number),
                    }
                }
            });
            assert_eq!(subject.runtime().try_gather(children).await, Err(place));
            drops.seen().await;
        }
        let values =
            subject.runtime().try_gather((0..40).map(|number| async move { Ok::<_, ()>(number) })).await;
        assert_eq!(values, Ok((0..40).collect()));
    });
}

/// C23: the first in time is not the first in place.
pub fn c23_the_first_in_time_is_not_the_first_in_place<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [2, 30, 31, 1000] {
            let signals: Vec<Signal> = (0..size).map(|_| Signal::new()).collect();
            let children = signals.iter().cloned().enumerate();
            let children =
                children.map(|(number, signal)| async move { Err::<u8, _>(told(signal, number).await) });
            let last = size - 1;
            let telling = async {
                for _ in 0..3 {
                    yield_now().await;
                }
                signals[last].set();
                yield_now().await;
                yield_now().await;
                signals[0].set();
            };
            let (failed, ()) = gather((try_gather(children), telling)).await;
            assert_eq!(failed, Err(last));
        }
        let (gate, (probe, drops)) = (Signal::new(), Probe::new());
        let failed = try_gather((
            async {
                gate.seen().await;
                Err::<u8, _>("late")
            },
            endless::<Result<u8, _>>(probe),
            async {
                yield_now().await;
                Err::<u8, _>("early")
            },
        ));
        assert_eq!(failed.await, Err("early"));
        assert_eq!(drops.count(), 1);
    });
}

/// C23: a call that fails ends the gather while others still block, which go on without it.
pub fn c23_a_failing_call_is_not_kept_by_those_that_block<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        let gate = SetOnDrop(Signal::new());
        let calls = (0..10).map(|number| {
            let opened = gate.0.clone();
            subject.call(move || {
                if number == 5 {
                    return Err("no such row");
                }
                opened.wait();
                Ok(number)
            })
        });
        assert_eq!(try_gather(calls).await, Err("no such row"));
        gate.0.set();
    });
}

/// C23: siblings that panic as they drop spare no other sibling the drop.
pub fn c23_siblings_may_panic_as_they_drop<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [3, 31] {
            let (probe, drops) = Probe::new();
            let mut probe = Some(probe);
            let children = (0..size).map(|number| -> Child<'_, Result<u8, &str>> {
                match number {
                    0 => Box::pin(async {
                        // The siblings begin meanwhile.
                        yield_now().await;
                        Err("no such row")
                    }),
                    1 => Box::pin(explosive()),
                    _ => match probe.take() {
                        Some(probe) => Box::pin(endless(probe)),
                        None => Box::pin(std::future::pending()),
                    },
                }
            });
            let mut gathering = try_gather(children.collect::<Vec<_>>()).into_future();
            // The destructor's panic is not swallowed: the error went with it.
            assert_eq!(panic_of_future(&mut gathering).await, BOMB);
            assert_eq!(drops.count(), 1);
            assert!(panic_of_future(&mut gathering).await.contains("polled again"));
        }
    });
}
