//! An actor without a thread of its own: its calls take turns on the threads of a pool.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use anyloop_core::{
    Actor, AnyPool, InlinePool, Job, PanicPolicy, Pool, PoolExt, Refused, TaskError, ThreadPool, from_thread,
};
use support::{assert_one_at_a_time_in_order, block, eventually};

#[test]
fn calls_run_one_at_a_time_in_order_on_any_threads() {
    let pool = ThreadPool::new(4).unwrap();
    assert_one_at_a_time_in_order(&Actor::on(&pool, Vec::new()), 5_000, |number| {
        if number % 1_000 == 0 {
            thread::sleep(Duration::from_millis(2));
        }
    });
}

#[test]
fn many_actors_share_few_threads_and_need_none_while_idle() {
    let pool = ThreadPool::builder().max_threads(2).keep_alive(Duration::ZERO).build().unwrap();
    let actors: Vec<_> = (0..1_000).map(|number| Actor::on(&pool, number)).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for actor in &actors {
                    pollster::block_on(actor.call(|value| *value += 1));
                }
            });
        }
    });
    eventually("the threads have ended", || pool.metrics().threads == 0);
    for (number, actor) in actors.iter().enumerate() {
        assert_eq!(actor.close().wait().unwrap(), number + 4);
    }
}

#[test]
fn when_the_time_of_its_pools_shutdown_is_up_no_other_call_is_begun() {
    let pool = ThreadPool::new(1).unwrap();
    let actor = Actor::on(&pool, 0);
    let ((go_on, going_on), (starting, started)) = (mpsc::channel::<()>(), mpsc::channel());
    let first = actor.with(move |value| {
        starting.send(()).unwrap();
        let _ = going_on.recv();
        *value += 1;
        *value
    });
    started.recv().unwrap();
    let queued: Vec<_> = (0..3).map(|_| actor.with(|value| *value += 1)).collect();
    let report = pollster::block_on(pool.shutdown_timeout(Duration::ZERO)).unwrap();
    assert_eq!(report.still_running, 1);
    drop(go_on);
    assert_eq!(first.wait().unwrap(), 1);
    for call in queued {
        assert!(matches!(call.wait(), Err(TaskError::Shutdown)));
    }
    assert!(matches!(actor.with(|value| *value).wait(), Err(TaskError::Shutdown)));
}

/// No thread of the pool waits for the actor: its calls are queued elsewhere.
#[test]
fn calls_that_wait_for_the_actor_hold_no_thread() {
    let pool = ThreadPool::new(2).unwrap();
    let actor = Actor::on(&pool, 0);
    let (go_on, going_on) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let first = actor.with(move |_| {
        starting.send(()).unwrap();
        let _ = going_on.recv();
    });
    started.recv().unwrap();
    let waiting: Vec<_> = (0..100).map(|_| actor.with(|value| *value += 1)).collect();
    // One thread is the actor's for this call; the other is free.
    assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
    eventually("the actor has one thread, and none waits", || {
        let metrics = pool.metrics();
        (metrics.running, metrics.queued) == (1, 0)
    });
    drop(go_on);
    first.wait().unwrap();
    for task in waiting {
        task.wait().unwrap();
    }
    assert_eq!(actor.close().wait().unwrap(), 100);
}

/// A backlog gives its thread back, so that others have their turn (C18).
#[test]
fn a_backlog_lets_others_have_their_turn() {
    let pool = ThreadPool::new(1).unwrap();
    let release = block(&pool);
    let actor = Actor::on(&pool, 0);
    let stop = Arc::new(AtomicBool::new(false));
    // Each call queues another one: a backlog without an end.
    fn again(actor: &Actor<u64>, stop: &Arc<AtomicBool>) {
        let (own, stop) = (actor.clone(), stop.clone());
        let call = actor.with(move |value| {
            *value += 1;
            if !stop.load(Ordering::SeqCst) {
                again(&own, &stop);
            }
        });
        call.detach();
    }
    again(&actor, &stop);
    let other = pool.submit(|| ());
    drop(release);
    other.wait().unwrap();
    stop.store(true, Ordering::SeqCst);
    assert!(actor.with(|value| *value).wait().unwrap() > 0);
}

/// C17: the place in the pool is lent, the actor's turn is not.
#[test]
fn a_call_that_waits_lends_its_place_but_not_its_turn() {
    let pool = ThreadPool::new(1).unwrap();
    let actor = Actor::on(&pool, Vec::new());
    let inner = pool.clone();
    let first = actor.with(move |seen| {
        seen.push("begins");
        inner.submit(|| ()).wait().unwrap();
        from_thread::block_on(inner.submit(|| ())).unwrap();
        seen.push("ends");
    });
    let second = actor.with(|seen| seen.push("another"));
    first.wait().unwrap();
    second.wait().unwrap();
    assert_eq!(actor.close().wait().unwrap(), ["begins", "ends", "another"]);
    // And a call of the pool may wait for an actor that has no thread but this one.
    let actor = Actor::on(&pool, 20);
    let sum = pool.submit(move || actor.with(|value| *value).wait().unwrap() + 22);
    assert_eq!(sum.wait().unwrap(), 42);
}

#[test]
fn waiting_for_its_own_call_panics_with_advice() {
    let pool = ThreadPool::new(4).unwrap();
    let actor = Actor::on(&pool, ());
    let own = actor.clone();
    let ended = actor.with(move |()| from_thread::block_on(own.call(|()| ()))).wait();
    assert!(matches!(ended, Err(TaskError::Panicked(panic)) if panic.message().contains("detach()")));
}

#[test]
fn on_a_pool_that_runs_jobs_in_place() {
    let actor = Actor::on(&InlinePool, Vec::new());
    let own = actor.clone();
    let here = thread::current().id();
    let outer = actor.with(move |seen: &mut Vec<(u32, ThreadId)>| {
        for number in 1..100 {
            own.with(move |seen| {
                seen.push((number, thread::current().id()));
                // Long enough for several turns.
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_micros(100) {}
            })
            .detach();
        }
        seen.push((0, thread::current().id()));
    });
    assert!(outer.is_finished());
    let seen = actor.close().wait().unwrap();
    assert_eq!(seen, (0..100).map(|number| (number, here)).collect::<Vec<_>>());
}

/// A value that tells where it is dropped.
struct Telling(mpsc::Sender<Option<String>>);

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().name().map(str::to_owned));
    }
}

#[test]
fn the_value_is_dropped_on_the_pool() {
    let pool = ThreadPool::builder().max_threads(2).name("actors").build().unwrap();
    let (telling, told) = mpsc::channel();
    let actor = Actor::on(&pool, Telling(telling.clone()));
    actor.with(|_| ()).wait().unwrap();
    drop(actor);
    assert_eq!(told.recv().unwrap().as_deref(), Some("actors"));
    let actor = Actor::on(&pool, Telling(telling.clone()));
    actor.shutdown().wait().unwrap();
    assert_eq!(told.try_recv().unwrap().as_deref(), Some("actors"));
    // Nobody waits for the close, whose task is cancelled.
    let release = [block(&pool), block(&pool)];
    let actor = Actor::on(&pool, Telling(telling.clone()));
    drop(actor.close());
    drop(release);
    assert_eq!(told.recv().unwrap().as_deref(), Some("actors"));
    // The actor keeps the pool.
    let actor = Actor::on(&pool, Telling(telling));
    drop(pool);
    actor.with(|_| panic!("a bug")).wait().unwrap_err();
    assert_eq!(told.recv().unwrap().as_deref(), Some("actors"));
}

#[test]
fn what_the_pool_refuses_ends_in_its_reason() {
    let pool = ThreadPool::new(1).unwrap();
    let actor = Actor::on(&pool, 1);
    actor.with(|_| ()).wait().unwrap();
    pollster::block_on(pool.shutdown()).unwrap();
    assert!(matches!(actor.with(|value| *value).wait(), Err(TaskError::Shutdown)));
    drop(actor);

    let none = AnyPool::from_fn(|_| Err(Refused::NoPool("no pool in this test".into())));
    let error = Actor::on(&none, 1).with(|value| *value).wait().unwrap_err();
    assert!(error.to_string().contains("no pool in this test"), "{error}");
    let panics = AnyPool::from_fn(|_| panic!("a pool's bug"));
    assert!(matches!(Actor::on(&panics, 1).with(|value| *value).wait(), Err(TaskError::Shutdown)));
    // It takes the job, and drops it: at once, or later.
    let drops = AnyPool::from_fn(|job| {
        drop(job);
        Ok(())
    });
    assert!(matches!(Actor::on(&drops, 1).with(|value| *value).wait(), Err(TaskError::Shutdown)));
    let kept = Arc::new(Mutex::new(Vec::<Job>::new()));
    let keeping = kept.clone();
    let keeps = AnyPool::from_fn(move |job| {
        keeping.lock().unwrap().push(job);
        Ok(())
    });
    let actor = Actor::on(&keeps, 1);
    let tasks: Vec<_> = (0..10).map(|_| actor.with(|value| *value)).collect();
    let jobs = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!(jobs.len(), 1, "one job for all");
    drop(jobs);
    for task in tasks {
        assert!(matches!(task.wait(), Err(TaskError::Shutdown)));
    }
    // And goes on, if the pool does.
    let task = actor.with(|value| *value);
    let job = kept.lock().unwrap().pop().unwrap();
    assert!(!job.is_cancelled());
    job.run();
    assert_eq!(task.wait().unwrap(), 1);
}

/// What was accepted runs, although the pool takes no more when the actor queues up again.
#[test]
fn a_pool_that_closes_meanwhile_loses_none_of_the_backlog() {
    let pool = ThreadPool::new(1).unwrap();
    let actor = Actor::on(&pool, 0);
    let (go_on, going_on) = mpsc::channel::<()>();
    actor
        .with(move |_| {
            let _ = going_on.recv();
            // The turn is over.
            thread::sleep(Duration::from_millis(5));
        })
        .detach();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            actor.with(|value| {
                *value += 1;
                *value
            })
        })
        .collect();
    let others = pool.submit(|| ());
    let shutdown = pool.shutdown();
    drop(go_on);
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.wait().unwrap(), number + 1);
    }
    others.wait().unwrap();
    pollster::block_on(shutdown).unwrap();
}

#[test]
fn a_view_of_a_pool_will_do() {
    let pool = ThreadPool::new(2).unwrap();
    let view = pool.limit(1);
    let actors: Vec<_> = (0..20).map(|number| Actor::on(&view, number)).collect();
    for round in 0..50 {
        let tasks: Vec<_> = actors.iter().map(|actor| actor.with(|value| *value)).collect();
        let values: Vec<usize> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
        assert_eq!(values, (0..20).collect::<Vec<_>>(), "{round}");
    }
    // Limits in front of a pool that knows of none, too.
    let limited = AnyPool::from_fn(|job| {
        thread::spawn(|| job.run());
        Ok(())
    })
    .limit(1);
    let actors: Vec<_> = (0..20).map(|number| Actor::on(&limited, number)).collect();
    let tasks: Vec<_> = actors.iter().map(|actor| actor.with(|value| *value)).collect();
    let values: Vec<usize> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
    assert_eq!(values, (0..20).collect::<Vec<_>>());
}

#[test]
fn it_has_a_queue_limit_and_a_panic_policy_of_its_own() {
    let pool = ThreadPool::new(1).unwrap();
    let release = block(&pool);
    let actor = Actor::builder().on(&pool).queue_limit(1).start(|| 0).unwrap();
    let first = actor.with(|value| *value += 1);
    assert!(matches!(actor.with(|value| *value += 1).wait(), Err(TaskError::Full)));
    drop(release);
    first.wait().unwrap();
    assert_eq!(actor.close().wait().unwrap(), 1);

    let made = AtomicUsize::new(0);
    let actor = Actor::builder()
        .on(&pool)
        .on_panic(PanicPolicy::Rebuild)
        .start_with(move || made.fetch_add(1, Ordering::SeqCst))
        .unwrap();
    assert!(matches!(actor.with(|_| panic!("a bug")).wait(), Err(TaskError::Panicked(_))));
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 1);
    let start = Actor::builder().on(&pool).try_start(|| Err::<u8, _>("no luck")).unwrap();
    assert_eq!(start.wait().unwrap().unwrap_err(), "no luck");
    assert_eq!(pool.to_any().submit(|| 1).wait().unwrap(), 1);
}
