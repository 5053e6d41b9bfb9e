//! C31: all adapters in one process, side by side.

mod facade_support;

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyloop::{AnyRuntime, BlockOn, Runtime, from_thread, gather, to_thread};
use facade_support::{bounded, runtimes};

fn current_name() -> String {
    anyloop::current().unwrap().name().to_owned()
}

/// A user's work: calls, tasks, timers; gives all the runtimes that it saw.
async fn work(rounds: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..rounds {
        seen.extend(gather((0..17).map(|_| to_thread(current_name))).await);
        anyloop::sleep(Duration::from_millis(1)).await;
        let task = anyloop::spawn(async { (current_name(), to_thread(current_name).await) });
        let (in_task, in_call) = task.await.unwrap();
        seen.extend([in_task, in_call, current_name()]);
        let back =
            || from_thread::block_on(async { anyloop::spawn(async { current_name() }).await.unwrap() });
        seen.push(to_thread(back).await);
    }
    seen
}

#[test]
fn each_task_sees_its_own_runtime_while_all_are_at_work() {
    let start = Arc::new(Barrier::new(runtimes().len()));
    let threads: Vec<_> = runtimes()
        .into_iter()
        .map(|runtime: AnyRuntime| {
            let start = start.clone();
            thread::spawn(move || {
                start.wait();
                let name = runtime.name();
                (name, bounded(move || runtime.block_on(work(10))))
            })
        })
        .collect();
    for thread in threads {
        let (name, seen) = thread.join().unwrap();
        assert_eq!(seen.len(), 10 * 21);
        assert!(seen.iter().all(|seen| seen == name), "{name}: {seen:?}");
    }
}

#[test]
fn tasks_of_all_are_gathered_by_each() {
    for outer in runtimes() {
        let name = outer.name();
        let (seen, after) = bounded(move || {
            outer.block_on(async {
                // One that is not driven by this very `block_on` would not run.
                // Held until the end: a runtime of an adapter's own goes with its last handle.
                let inner = runtimes();
                let driven = inner.iter().filter(|one| !format!("{one:?}").contains("CurrentThread"));
                let tasks = driven.map(|inner| (inner.name(), inner.spawn(work(2))));
                let (names, tasks): (Vec<_>, Vec<_>) = tasks.unzip();
                let seen = gather(tasks).await;
                (names.into_iter().zip(seen).collect::<Vec<_>>(), current_name())
            })
        });
        assert_eq!(after, name);
        assert_eq!(seen.len(), 4);
        for (inner, seen) in seen {
            assert!(seen.unwrap().iter().all(|seen| seen == inner), "{inner} in {name}");
        }
    }
}

#[test]
fn one_task_may_wait_on_the_clocks_of_all() {
    for outer in runtimes() {
        bounded(move || {
            outer.block_on(async {
                for runtime in runtimes() {
                    if !format!("{runtime:?}").contains("CurrentThread") {
                        runtime.sleep(Duration::from_millis(1)).await;
                        runtime.interval(Duration::from_millis(1)).tick().await;
                        let late =
                            runtime.timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
                        assert!(late.is_err());
                    }
                }
            });
        });
    }
}

#[test]
fn runs_at_the_same_time_do_not_mix() {
    let all = runtimes();
    let meet = Arc::new(Barrier::new(all.len()));
    let threads: Vec<_> = all
        .into_iter()
        .map(|runtime| {
            let meet = meet.clone();
            thread::spawn(move || {
                let name = runtime.name();
                let (seen, left) = anyloop::Run::new(&runtime).block_on(async move {
                    let meet = move || {
                        meet.wait();
                        current_name()
                    };
                    to_thread(meet).await
                });
                assert_eq!(seen, name);
                assert_eq!(left, anyloop::Drain::default());
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| bounded(move || thread.join().unwrap()));
}
