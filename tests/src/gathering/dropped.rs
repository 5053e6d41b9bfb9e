//! C24: a gather that is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyloop_core::{BlockOn, Call, PoolExt, gather};

use super::children::{Child, SIZES, among, assert_dropped, endless, explosive};
use crate::Subject;
use crate::tools::{BOMB, Bomb, Probe, panic_of, poll_once};

/// C24: dropping a gather drops every child, those that have not been polled too, and the results of those
/// that have ended.
pub fn c24_dropping_it_drops_every_child<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            for polls in [0, 1, 2, 5] {
                let (value, of_value) = Probe::new();
                let (children, books) = among(size, size / 2, async { value });
                let mut gathering = gather(children).into_future();
                if size > 1 {
                    for _ in 0..polls {
                        assert!(poll_once(&mut gathering).is_pending());
                    }
                }
                drop(gathering);
                assert_dropped(&books, size);
                assert_eq!(of_value.count(), 1);
            }
        }
        let (probe, drops) = Probe::new();
        let (task, of_task) = Probe::new();
        let tuple = gather((endless::<u8>(probe), subject.runtime().spawn(endless::<u8>(task))));
        let mut tuple = Box::pin(tuple.into_future());
        assert!(poll_once(&mut tuple).is_pending());
        drop(tuple);
        assert_eq!(drops.count(), 1);
        of_task.seen().await;
    });
}

/// C24: a queued call is cancelled with its gather.
pub fn c24_dropping_it_cancels_queued_calls<R: BlockOn>(subject: &Subject<R>) {
    let busy = subject.busy();
    let ran = Arc::new(AtomicUsize::new(0));
    let calls = (0..40).map(|_| {
        let running = ran.clone();
        Call::new(move || running.fetch_add(1, Ordering::SeqCst)).on(&busy.pool)
    });
    let mut gathering = gather(calls).into_future();
    assert!(poll_once(&mut gathering).is_pending());
    drop(gathering);
    busy.open();
    subject.block_on(busy.pool.submit(|| ())).expect("the pool goes on");
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// C24: a child's destructor that panics keeps no other child from being dropped; the panic goes on.
pub fn c24_children_may_panic_as_they_drop<R: BlockOn>(subject: &Subject<R>) {
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
            let mut gathering = gather(children.collect::<Vec<_>>()).into_future();
            assert!(poll_once(&mut gathering).is_pending());
            assert_eq!(panic_of(|| drop(gathering)), BOMB);
            assert_eq!(drops.count(), 1);
        }
        let (probe, drops) = Probe::new();
        let mut tuple =
            Box::pin(gather((explosive::<u8>(), explosive::<u8>(), endless::<u8>(probe))).into_future());
        assert!(poll_once(&mut tuple).is_pending());
        assert_eq!(panic_of(|| drop(tuple)), BOMB);
        assert_eq!(drops.count(), 1);
    });
}

/// C24: outputs that panic as they drop spare no other child the drop.
pub fn c24_outputs_may_panic_as_they_drop<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async {
        for size in [3, 31] {
            let (probe, drops) = Probe::new();
            let mut probe = Some(probe);
            let children = (0..size).map(|number| -> Child<'_, Bomb> {
                match probe.take_if(|_| number == size - 1) {
                    Some(probe) => Box::pin(endless(probe)),
                    None => Box::pin(async { Bomb }),
                }
            });
            let mut gathering = gather(children.collect::<Vec<_>>()).into_future();
            assert!(poll_once(&mut gathering).is_pending());
            assert_eq!(panic_of(|| drop(gathering)), BOMB);
            assert_eq!(drops.count(), 1);
        }
    });
}
