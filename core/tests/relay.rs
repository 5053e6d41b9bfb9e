//! Pools of a runtime's threads: turns that run many jobs.

mod support;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyloop_core::{AnyPool, PoolExt, Refused, Task, TaskError, Turn};
use support::PATIENCE;

/// Turns that wait for the test to run or drop them.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<Vec<Turn>>>);

impl Turns {
    fn pool(&self) -> AnyPool {
        let turns = self.clone();
        AnyPool::from_threads(move |turn| {
            turns.0.lock().unwrap().push(turn);
            Ok(())
        })
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn take(&self) -> Turn {
        self.0.lock().unwrap().remove(0)
    }

    fn drop_all(&self) {
        let turns = std::mem::take(&mut *self.0.lock().unwrap());
        drop(turns);
    }
}

fn no_thread() -> Refused {
    Refused::NoThread(io::Error::from(io::ErrorKind::WouldBlock))
}

/// A pool that starts a thread for each turn until it is told to refuse.
fn refusing(reason: impl Fn() -> Refused + Send + Sync + 'static) -> (AnyPool, Arc<AtomicBool>) {
    let refuse = Arc::new(AtomicBool::new(false));
    let told = refuse.clone();
    let pool = AnyPool::from_threads(move |turn| {
        if told.load(Ordering::SeqCst) {
            return Err(reason());
        }
        thread::spawn(move || turn.run());
        Ok(())
    });
    (pool, refuse)
}

/// Starts a call that blocks until the sender is dropped, and waits until it runs.
fn block(pool: &AnyPool) -> (mpsc::Sender<()>, Task<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let task = pool.submit(move || {
        starting.send(()).unwrap();
        let _ = released.recv_timeout(PATIENCE);
    });
    started.recv_timeout(PATIENCE).unwrap();
    (release, task)
}

#[test]
fn one_turn_runs_many_jobs_in_order() {
    let turns = Turns::default();
    let pool = turns.pool();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..100)
        .map(|i| {
            let ran = ran.clone();
            pool.submit(move || ran.lock().unwrap().push(i))
        })
        .collect();
    let asked = turns.count();
    assert!((1..=8).contains(&asked), "{asked} turns for 100 jobs");
    while turns.count() > 0 {
        turns.take().run();
    }
    assert_eq!(*ran.lock().unwrap(), (0..100).collect::<Vec<_>>());
    for task in tasks {
        task.wait().unwrap();
    }
}

#[test]
fn jobs_that_block_have_a_thread_each() {
    let (pool, _) = refusing(no_thread);
    let all = Arc::new(Barrier::new(60));
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let all = all.clone();
            pool.submit(move || all.wait().is_leader())
        })
        .collect();
    let leaders = tasks.into_iter().filter_map(|task| task.wait().unwrap().then_some(())).count();
    assert_eq!(leaders, 1);
}

#[test]
fn a_turn_whose_time_is_up_leaves_the_rest_to_the_next() {
    let turns = Turns::default();
    let pool = turns.pool();
    let tasks: Vec<_> = (0..3).map(|_| pool.submit(|| thread::sleep(Duration::from_millis(5)))).collect();
    turns.take().run();
    assert_eq!(tasks.iter().filter(|task| task.is_finished()).count(), 1);
    assert!(turns.count() > 0, "a turn for the rest was asked for");
    while turns.count() > 0 {
        turns.take().run();
    }
    assert!(tasks.iter().all(Task::is_finished));
}

/// Without a successor, the time does not count.
#[test]
fn a_turn_that_is_the_last_stays_until_nothing_waits() {
    let (pool, refuse) = refusing(no_thread);
    let (release, first) = block(&pool);
    refuse.store(true, Ordering::SeqCst);
    let slow: Vec<_> = (0..3).map(|_| pool.submit(|| thread::sleep(Duration::from_millis(5)))).collect();
    drop(release);
    for task in slow {
        task.wait().unwrap();
    }
    first.wait().unwrap();
}

#[test]
fn turns_that_are_dropped_end_what_waits_in_shutdown() {
    let turns = Turns::default();
    let pool = turns.pool();
    let tasks: Vec<_> = (0..20).map(|i| pool.submit(move || i)).collect();
    turns.drop_all();
    for task in tasks {
        assert!(matches!(task.wait(), Err(TaskError::Shutdown)));
    }
    // What asks again may be luckier.
    let task = pool.submit(|| 7);
    turns.take().run();
    assert_eq!(task.wait().unwrap(), 7);
}

#[test]
fn a_turn_that_is_dropped_at_once_ends_its_job_in_shutdown() {
    let pool = AnyPool::from_threads(|turn| {
        drop(turn);
        Ok(())
    });
    for _ in 0..3 {
        assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::Shutdown)));
    }
}

/// C16: with no thread alive.
#[test]
fn without_any_thread_the_reason_and_the_closure_come_back() {
    let pool = AnyPool::from_threads(|_| Err(no_thread()));
    assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::NoThread(_))));
    let Err((closure, Refused::NoThread(_))) = pool.try_submit(|| "still here") else {
        panic!("a pool without threads took a job");
    };
    assert_eq!(closure(), "still here");
}

/// C16: with one that is alive.
#[test]
fn without_another_thread_a_job_waits_for_one_that_lives() {
    let (pool, refuse) = refusing(no_thread);
    let (release, blocking) = block(&pool);
    refuse.store(true, Ordering::SeqCst);
    let waiting: Vec<_> = (0..20).map(|i| pool.submit(move || i)).collect();
    assert!(waiting.iter().all(|task| !task.is_finished()));
    drop(release);
    let values: Vec<_> = waiting.into_iter().map(|task| task.wait().unwrap()).collect();
    assert_eq!(values, (0..20).collect::<Vec<_>>());
    blocking.wait().unwrap();
}

/// As tokio does: no thread, but the closure stays in its queue.
#[test]
fn a_turn_that_is_refused_and_kept_changes_nothing() {
    let (kept, given) = mpsc::channel();
    let pool = AnyPool::from_threads(move |turn| {
        kept.send(turn).unwrap();
        Err(no_thread())
    });
    for _ in 0..10 {
        assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::NoThread(_))));
        assert!(pool.try_submit(|| ()).is_err());
    }
    let kept: Vec<Turn> = given.try_iter().collect();
    assert_eq!(kept.len(), 20);
    for (i, turn) in kept.into_iter().enumerate() {
        if i % 2 == 0 { turn.run() } else { drop(turn) }
    }
    assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::NoThread(_))));
}

#[test]
fn another_refusal_is_the_jobs_own() {
    let (pool, refuse) = refusing(|| Refused::Full);
    let (release, blocking) = block(&pool);
    refuse.store(true, Ordering::SeqCst);
    assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::Full)));
    drop(release);
    blocking.wait().unwrap();
    refuse.store(false, Ordering::SeqCst);
    assert_eq!(pool.submit(|| 3).wait().unwrap(), 3);
}

#[test]
fn a_start_that_panics_leaves_nobody_waiting() {
    let pool = AnyPool::from_threads(|_| panic!("it may not, and this one does"));
    for _ in 0..3 {
        assert!(catch_unwind(AssertUnwindSafe(|| pool.submit(|| ()))).is_err());
    }
}

/// C02: a panic at a turn that begins is caught there: its job runs, and nothing is counted twice.
#[test]
fn a_start_that_panics_as_a_turn_begins_leaves_nobody_waiting() {
    let (kept, given) = mpsc::channel();
    let kept = Mutex::new(kept);
    let asked = AtomicUsize::new(0);
    let pool = AnyPool::from_threads(move |turn| match asked.fetch_add(1, Ordering::SeqCst) {
        0..4 => {
            kept.lock().unwrap().send(turn).unwrap();
            Ok(())
        }
        4 => panic!("it may not, and this one does"),
        _ => Err(no_thread()),
    });
    let tasks: Vec<_> = (0..5).map(|i| pool.submit(move || i)).collect();
    let mut turns: Vec<Turn> = given.try_iter().collect();
    turns.remove(0).run();
    drop(turns);
    let ended: Vec<_> = tasks.into_iter().map(Task::wait).collect();
    assert!(matches!(ended[0], Ok(0)), "{ended:?}");
    assert!(matches!(pool.submit(|| ()).wait(), Err(TaskError::NoThread(_))));
}

/// A turn that was refused and kept, and is dropped while others have work.
#[test]
fn a_kept_turn_that_is_dropped_later_ends_nobodys_work() {
    let (kept, given) = mpsc::channel();
    let kept = Mutex::new(kept);
    let refuse = Arc::new(AtomicBool::new(false));
    let told = refuse.clone();
    let pool = AnyPool::from_threads(move |turn| {
        if told.load(Ordering::SeqCst) {
            kept.lock().unwrap().send(turn).unwrap();
            return Err(no_thread());
        }
        thread::spawn(move || turn.run());
        Ok(())
    });
    let (release, blocking) = block(&pool);
    refuse.store(true, Ordering::SeqCst);
    let waiting = pool.submit(|| 7);
    drop(given.try_iter().collect::<Vec<_>>());
    drop(release);
    assert_eq!(waiting.wait().unwrap(), 7);
    blocking.wait().unwrap();
}

#[test]
fn turns_may_run_where_they_are_asked_for() {
    let pool = AnyPool::from_threads(|turn| {
        turn.run();
        Ok(())
    });
    let nested = pool.clone();
    let task = pool.submit(move || nested.submit(|| 20).wait().unwrap() + 22);
    assert_eq!(task.wait().unwrap(), 42);
}

/// The turns behind the first one run in place: inside of it, and yet neither before it nor ever deeper.
#[test]
fn turns_that_run_where_a_turn_asks_for_them_keep_the_order() {
    let turns = Turns::default();
    let in_place = Arc::new(AtomicBool::new(false));
    let depth = Arc::new(AtomicUsize::new(0));
    let deepest = Arc::new(AtomicUsize::new(0));
    let (kept, told, deep) = (turns.clone(), in_place.clone(), deepest.clone());
    let pool = AnyPool::from_threads(move |turn| {
        if told.load(Ordering::SeqCst) {
            deep.fetch_max(depth.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            turn.run();
            depth.fetch_sub(1, Ordering::SeqCst);
        } else {
            kept.0.lock().unwrap().push(turn);
        }
        Ok(())
    });
    let ran = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..500)
        .map(|i| {
            let ran = ran.clone();
            pool.submit(move || {
                ran.lock().unwrap().push(i);
                if i % 100 == 0 {
                    // Longer than a turn, so that another one is asked for.
                    thread::sleep(Duration::from_millis(3));
                }
            })
        })
        .collect();
    in_place.store(true, Ordering::SeqCst);
    while turns.count() > 0 {
        turns.take().run();
    }
    assert_eq!(*ran.lock().unwrap(), (0..500).collect::<Vec<_>>());
    assert_eq!(deepest.load(Ordering::SeqCst), 1, "turns within turns");
    for task in tasks {
        task.wait().unwrap();
    }
}

/// C10, C16: a thread that was refused once is asked for again, though nobody submits anything any more.
#[test]
fn a_turn_that_was_refused_another_asks_again() {
    let (pool, refuse) = refusing(no_thread);
    let (release, first) = block(&pool);
    refuse.store(true, Ordering::SeqCst);
    let slow = pool.submit(|| thread::sleep(Duration::from_millis(5)));
    let (go_on, blocks) = mpsc::channel::<()>();
    let blocking = pool.submit(move || {
        let _ = blocks.recv_timeout(PATIENCE);
    });
    let behind = pool.submit(|| 7);
    refuse.store(false, Ordering::SeqCst);
    drop(release);
    assert_eq!(behind.wait().unwrap(), 7, "with a thread of its own, beside one that blocks");
    assert!(!blocking.is_finished());
    drop(go_on);
    for task in [first, slow, blocking] {
        task.wait().unwrap();
    }
}

/// Threads come, are refused, and are taken away, in no order at all: each call ends, and ran at most once.
#[test]
fn whatever_the_runtime_does_each_call_ends() {
    const SUBMITTERS: usize = 4;
    const CALLS: usize = 3_000;
    let asked = AtomicUsize::new(0);
    let pool = AnyPool::from_threads(move |turn| match asked.fetch_add(1, Ordering::Relaxed) % 11 {
        3 => Err(no_thread()),
        5 => Err(Refused::Full),
        7 => {
            drop(turn);
            Ok(())
        }
        9 => {
            thread::spawn(move || drop(turn));
            Ok(())
        }
        _ => {
            thread::spawn(move || turn.run());
            Ok(())
        }
    });
    let ran = Arc::new(AtomicUsize::new(0));
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|_| {
            let (pool, ran) = (pool.clone(), ran.clone());
            thread::spawn(move || {
                let mut finished = 0;
                let mut underway = Vec::new();
                for call in 0..CALLS {
                    let ran = ran.clone();
                    underway.push(pool.submit(move || {
                        ran.fetch_add(1, Ordering::Relaxed);
                    }));
                    if call % 50 == 0 {
                        finished += underway.drain(..).filter_map(|task| task.wait().ok()).count();
                    }
                }
                finished + underway.into_iter().filter_map(|task| task.wait().ok()).count()
            })
        })
        .collect();
    let finished: usize = submitters.into_iter().map(|submitter| submitter.join().unwrap()).sum();
    assert_eq!(finished, ran.load(Ordering::Relaxed));
    assert!(finished > 0);
}
