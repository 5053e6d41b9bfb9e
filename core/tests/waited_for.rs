//! What calls wait for is run also where nothing of the queue says so, and all threads wait already (C17): it was submitted from outside,
//! or stands behind something else.

mod support;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use anyloop_core::{Actor, Call, Limiter, PoolExt, Task, TaskError, ThreadPool, from_thread};
use support::bell::Bell;
use support::{all_at_once, ended_within, eventually, two_that_wait};

#[test]
fn a_permit_may_be_held_by_what_is_behind() {
    static ONE: Limiter = Limiter::new(1);
    let pool = ThreadPool::new(1).unwrap();
    let (inner, outer) = (pool.clone(), pool.clone());
    let mut outsider = None;
    let ended = two_that_wait(
        &pool,
        move || Call::new(|| 1).on(&inner).limit(&ONE).start().wait().unwrap(),
        || outsider = Some(Call::new(|| 2).on(&outer).limit(&ONE).start()),
    );
    assert_eq!(ended, [1, 1]);
    assert_eq!(outsider.unwrap().wait().unwrap(), 2);
}

#[test]
fn calls_under_a_limiter_may_come_from_inside_and_outside() {
    static DATABASE: Limiter = Limiter::new(1);
    let pool = ThreadPool::new(4).unwrap();
    let inner = pool.clone();
    let query =
        move || Call::new(|| thread::sleep(Duration::from_micros(300))).on(&inner).limit(&DATABASE).start();
    let calls: Vec<Task<()>> = (0..40)
        .flat_map(|_| {
            let inside = query.clone();
            [pool.submit(move || inside().wait().unwrap()), query()]
        })
        .collect();
    for call in calls {
        call.wait().unwrap();
    }
}

#[test]
fn an_actors_turn_may_be_behind() {
    let pool = ThreadPool::new(1).unwrap();
    let actor = Actor::on(&pool, 0);
    actor.with(|_| ()).wait().unwrap();
    let inner = actor.clone();
    let mut outsider = None;
    let count = |n: &mut i32| {
        *n += 1;
        *n
    };
    let mut ended = two_that_wait(
        &pool,
        move || inner.with(count).wait().unwrap(),
        || outsider = Some(actor.with(count)),
    )
    .to_vec();
    ended.push(outsider.unwrap().wait().unwrap());
    ended.sort_unstable();
    assert_eq!(ended, [1, 2, 3]);
}

/// The actor queues up again after each turn.
#[test]
fn calls_may_all_wait_for_an_actor_of_their_pool() {
    for (max_threads, outsiders) in [(2, false), (4, true)] {
        let pool = ThreadPool::new(max_threads).unwrap();
        let actor = Actor::on(&pool, 0);
        let work = |n: &mut i32| {
            thread::sleep(Duration::from_micros(700));
            *n += 1;
        };
        let calls: Vec<_> = (0..60)
            .map(|_| {
                let inner = actor.clone();
                let call = pool.submit(move || inner.with(work).wait().unwrap());
                (call, outsiders.then(|| actor.with(work)))
            })
            .collect();
        for (call, outsider) in calls {
            call.wait().unwrap();
            outsider.map_or(Ok(()), Task::wait).unwrap();
        }
    }
}

#[test]
fn calls_may_all_wait_for_maps_that_were_started_outside() {
    let pool = ThreadPool::new(2).unwrap();
    let short = |item| {
        thread::sleep(Duration::from_micros(300));
        item
    };
    let maps: Vec<_> = (0..30).map(|_| pool.map(0..20, short).start()).collect();
    let calls: Vec<_> =
        maps.into_iter().map(|map| pool.submit(move || from_thread::block_on(map).len())).collect();
    for call in calls {
        assert_eq!(call.wait().unwrap(), 20);
    }
}

#[test]
fn calls_may_all_wait_for_tasks_that_were_started_outside() {
    let pool = ThreadPool::new(1).unwrap();
    let (give, given) = mpsc::channel::<Task<i32>>();
    let given = Arc::new(Mutex::new(given));
    let outer = pool.clone();
    let ended = two_that_wait(
        &pool,
        move || {
            let task = given.lock().unwrap().recv().unwrap();
            task.wait().unwrap()
        },
        || (0..2).for_each(|number| give.send(outer.submit(move || number)).unwrap()),
    );
    assert_eq!(ended.iter().sum::<i32>(), 1);
}

/// A thread that is no call's waits for it, and the call for that thread: after a while it is run all the same.
#[test]
fn what_is_waited_for_may_be_known_to_nobody() {
    let pool = ThreadPool::new(1).unwrap();
    let inner = pool.clone();
    let body = move || {
        let (bell, inner) = (Bell::default(), inner.clone());
        let ringer = bell.clone();
        thread::spawn(move || {
            inner.submit(|| ()).wait().unwrap();
            ringer.ring();
        });
        bell.wait();
    };
    two_that_wait(&pool, body, || ());
}

/// All threads wait for something else at first, and only then for calls that they have submitted.
#[test]
fn calls_may_wait_for_a_timer_and_then_for_a_call() {
    let pool = ThreadPool::new(4).unwrap();
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let inner = pool.clone();
            pool.submit(move || {
                Bell::rings_after(Duration::from_millis(20)).wait();
                inner.submit(|| 1).wait().unwrap()
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.wait().unwrap(), 1);
    }
    let metrics = pool.metrics();
    assert!(metrics.threads_started <= 2 * 4 + 2, "{metrics:?}");
}

/// Who waits for room is no call that others wait for.
#[test]
fn outsiders_that_wait_for_room_hold_up_nobody() {
    let pool = ThreadPool::builder().max_threads(1).queue_limit(1).build().unwrap();
    let slow: Vec<_> = (1..=2)
        .map(|number| {
            let call = pool.submit(|| Bell::rings_after(Duration::from_secs(4)).wait());
            eventually("it waits", || pool.metrics().running == number);
            call
        })
        .collect();
    let outsiders: Vec<_> = (0..3)
        .map(|_| {
            let pool = pool.clone();
            thread::spawn(move || pollster::block_on(Call::new(|| ()).on(&pool).settle()))
        })
        .collect();
    for call in slow {
        call.wait().unwrap();
    }
    for outsider in outsiders {
        outsider.join().unwrap().unwrap();
    }
}

/// Wakes that come in vain do not put off the look whether all is in vain.
#[test]
fn who_is_woken_often_still_sees_that_the_pool_is_stuck() {
    fn nest(pool: ThreadPool, wakers: Arc<Mutex<Vec<Waker>>>, depth: usize) -> Result<(), TaskError> {
        if depth == 0 {
            return Ok(());
        }
        let (inner, theirs) = (pool.clone(), wakers.clone());
        let mut task = pool.submit(move || nest(inner, theirs, depth - 1));
        from_thread::block_on(std::future::poll_fn(move |cx| {
            wakers.lock().unwrap().push(cx.waker().clone());
            Pin::new(&mut task).poll(cx)
        }))?
    }

    let wakers = Arc::<Mutex<Vec<Waker>>>::default();
    let over = Arc::new(AtomicBool::new(false));
    let ticker = thread::spawn({
        let (wakers, over) = (wakers.clone(), over.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let woken = std::mem::take(&mut *wakers.lock().unwrap());
                woken.into_iter().for_each(Waker::wake);
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    let pool = ThreadPool::new(1).unwrap();
    let inner = pool.clone();
    let ended = pool.submit(move || nest(inner, wakers, 80)).wait().and_then(|ended| ended);
    over.store(true, Ordering::Relaxed);
    ticker.join().unwrap();
    assert!(matches!(ended, Err(TaskError::Panicked(_))), "{ended:?}");
}

/// Through a pool that has threads, calls wait for more of their own pool than that has.
#[test]
fn calls_may_wait_for_calls_of_their_pool_through_another_one() {
    let (pool, through) = (ThreadPool::new(1).unwrap(), ThreadPool::new(8).unwrap());
    let (inner, other) = (pool.clone(), through.clone());
    let body = move || {
        let inner = inner.clone();
        from_thread::block_on(Call::new(move || from_thread::block_on(Call::new(|| 1).on(&inner))).on(&other))
    };
    for call in all_at_once(&pool, 8, body) {
        assert_eq!(ended_within(Duration::from_secs(30), call).unwrap().unwrap(), 1);
    }
}

/// And through an actor that has a thread.
#[test]
fn calls_may_wait_for_calls_of_their_pool_through_an_actor() {
    let pool = ThreadPool::new(1).unwrap();
    let (inner, actor) = (pool.clone(), Actor::new(|| ()));
    let body = move || {
        let inner = inner.clone();
        actor.with(move |()| inner.submit(|| 1).wait().unwrap()).wait().unwrap()
    };
    for call in all_at_once(&pool, 6, body) {
        assert_eq!(ended_within(Duration::from_secs(30), call).unwrap().unwrap(), 1);
    }
}

/// The counts of places do not overflow.
#[test]
fn a_pool_without_a_bound_starts_threads_while_calls_wait() {
    let pool = ThreadPool::new(usize::MAX).unwrap();
    let bell = Bell::default();
    let inside = bell.clone();
    let waits = pool.submit(move || inside.wait());
    eventually("it waits", || pool.metrics().running == 1);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(pool.submit(|| 1).wait().unwrap(), 1);
    bell.ring();
    waits.wait().unwrap();
}
