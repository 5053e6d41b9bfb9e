//! Every interleaving of runners that deliver and of who awaits them (`--cfg loom`).

use std::sync::Arc as Untracked;

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::{model, thread};

use super::outlet::Outlet;
use super::slots::Bundle;

/// What a runner does with the results of the items from `first` on.
fn run<T>(outlet: &Outlet<T>, first: usize, results: impl IntoIterator<Item = T>) {
    let mut bundle = outlet.bundle();
    #[expect(unsafe_code, reason = "as the runner does")]
    // SAFETY: the models' runners have no index in common.
    let mut filling = unsafe { bundle.fill(first) };
    results.into_iter().for_each(|result| filling.push(result));
    drop(filling);
    outlet.deliver(bundle);
}

/// The last of them to leave tells the awaiter, who finds everybody's results in one vector.
///
/// Fails with: an `Outlet::poll` that puts its waker in place and does not look again (deadlock).
#[test]
fn two_runners_fill_one_vector() {
    model(|| {
        let outlet = Untracked::new(Outlet::new(4));
        let left = Arc::new(AtomicUsize::new(2));
        let runners: Vec<_> = [(0, ["a", "b"]), (2, ["c", "d"])]
            .into_iter()
            .map(|(first, results)| {
                let (outlet, left) = (outlet.clone(), left.clone());
                thread::spawn(move || {
                    run(&outlet, first, results.map(String::from));
                    // As under the hub's lock.
                    if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                        outlet.finish();
                    }
                })
            })
            .collect();
        let delivery = block_on(std::future::poll_fn(|cx| outlet.poll(cx.waker())));
        let slots = delivery.slots.expect("there were results");
        assert_eq!(Bundle::merge(slots, delivery.bundles), ["a", "b", "c", "d"]);
        for runner in runners {
            runner.join().expect("no panic");
        }
    });
}

/// A map is dropped, and one of its runners has not come to know it: nobody keeps results that are not wanted.
///
/// Fails with: an `Outlet::abandon` that does not close it; an `Outlet::leave` that puts a result in place without looking at that.
#[test]
fn results_that_nobody_wants() {
    model(|| {
        let outlet = Untracked::new(Outlet::new(2));
        let result = Arc::new(());
        let runner = {
            let (outlet, result) = (outlet.clone(), result.clone());
            thread::spawn(move || run(&outlet, 1, [result]))
        };
        run(&outlet, 0, [result.clone()]);
        outlet.abandon();
        runner.join().expect("no panic");
        assert_eq!(Arc::strong_count(&result), 1);
    });
}
