//! What calls wait for is run also where nothing of the queue says so, and all threads wait already (C17): it was submitted from outside,
//! or stands behind something else.

mod support;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use anyloop_core::{Actor, Call, Limiter, PoolExt, Task, TaskError, ThreadPool, from_thread};
use support::bell::Bell;
use support::eventually;

/// A pool of one thread in which `body` runs twice, the second time in the place that the first lends. `outside` runs before the first
/// goes on: what it submits stands behind the second.
fn two_that_wait<T: Send + 'static>(
    pool: &ThreadPool,
    body: impl Fn() -> T + Clone + Send + 'static,
    outside: impl FnOnce(),
) -> [T; 2] {
    let ((begun, begins), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
    let first = body.clone();
    let first = pool.submit(move || {
        begun.send(()).unwrap();
        let _ = gone.recv();
        first()
    });
    begins.recv().unwrap();
    let second = pool.submit(body);
    outside();
    drop(go);
    [first, second].map(|call| call.wait().unwrap())
}

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
    let ended = pool.submit(move || nest(inner, wakers, 8)).wait().and_then(|ended| ended);
    over.store(true, Ordering::Relaxed);
    ticker.join().unwrap();
    assert!(matches!(ended, Err(TaskError::Panicked(_))), "{ended:?}");
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

/// Neither an actor nor a permit that nobody waits for makes a pool look stuck, nor do more of them than there are threads.
#[test]
fn what_nobody_waits_for_is_let_wait_for_a_timer() {
    static MANY: Limiter = Limiter::new(100);
    let slow = || Bell::rings_after(Duration::from_secs(4)).wait();
    let pools: Vec<_> = (0..2).map(|_| ThreadPool::new(1).unwrap()).collect();
    let mut calls: Vec<_> = (0..5).map(|_| Call::new(slow).on(&pools[0]).limit(&MANY).start()).collect();
    let actors: Vec<_> = (0..5).map(|_| Actor::on(&pools[1], ())).collect();
    calls.extend(actors.iter().map(|actor| actor.with(move |()| slow())));
    for call in calls {
        call.wait().unwrap();
    }
}

/// The one who serves runs a call that holds a permit, and that comes to wait as well: there is one more, for what has the other one.
#[test]
fn who_serves_those_that_wait_may_come_to_wait_itself() {
    static ONE: Limiter = Limiter::new(1);
    static MANY: Limiter = Limiter::new(100);
    let pool = ThreadPool::new(1).unwrap();
    let (inner, outer) = (pool.clone(), pool.clone());
    let under_one = move || Call::new(|| 1).on(&inner).limit(&ONE).start().wait().unwrap();
    let comes_to_wait = under_one.clone();
    let mut outside = Vec::new();
    let ended = two_that_wait(&pool, under_one, || {
        outside.push(Call::new(comes_to_wait).on(&outer).limit(&MANY).start());
        outside.push(Call::new(|| 1).on(&outer).limit(&ONE).start());
    });
    assert_eq!(ended, [1, 1]);
    for call in outside {
        assert_eq!(call.wait().unwrap(), 1);
    }
}

/// An actor that is busy all the time queues up again and again: it does not go before the one that all calls wait for.
#[test]
fn who_is_always_there_does_not_keep_others_from_what_they_wait_for() {
    let pool = ThreadPool::new(1).unwrap();
    let (busy, quiet) = (Actor::on(&pool, 0), Actor::on(&pool, 0));
    let over = Arc::new(AtomicBool::new(false));
    let user = thread::spawn({
        let (busy, over) = (busy.clone(), over.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let work = |_: &mut i32| thread::sleep(Duration::from_micros(500));
                let calls: Vec<_> = (0..10).map(|_| busy.with(work)).collect();
                calls.into_iter().for_each(|call| call.wait().unwrap());
            }
        }
    });
    let inner = quiet.clone();
    let mut outsider = None;
    let ended = two_that_wait(
        &pool,
        move || inner.with(|_| 1).wait().unwrap(),
        || outsider = Some(quiet.with(|_| 1)),
    );
    assert_eq!(ended, [1, 1]);
    assert_eq!(outsider.unwrap().wait().unwrap(), 1);
    over.store(true, Ordering::Relaxed);
    user.join().unwrap();
}

/// The threads that wait will come back; it is one more that is not to be had.
#[test]
fn a_thread_that_is_refused_while_all_wait_ends_nothing() {
    static MANY: Limiter = Limiter::new(100);
    let asked = AtomicUsize::new(0);
    let handler = move |builder: thread::Builder, body: Box<dyn FnOnce() + Send>| {
        if asked.fetch_add(1, Ordering::Relaxed) < 2 {
            builder.spawn(body)
        } else {
            Err(io::Error::other("no more threads in this test"))
        }
    };
    let pool = ThreadPool::builder().max_threads(1).spawn_handler(handler).build().unwrap();
    let bell = Bell::default();
    let mut calls: Vec<_> = (1..=2)
        .map(|number| {
            let bell = bell.clone();
            let call = pool.submit(move || bell.wait());
            eventually("it waits", || pool.metrics().running == number);
            call
        })
        .collect();
    thread::sleep(Duration::from_millis(20));
    calls.push(pool.submit(|| ()));
    calls.push(Call::new(|| ()).on(&pool).limit(&MANY).start());
    bell.ring();
    for call in calls {
        call.wait().unwrap();
    }
}

/// What nobody can know of is found behind others, of other tenants, and cancelled ones, at the first attempt or the second.
#[test]
fn what_is_known_to_nobody_is_found_behind_others() {
    let pool = ThreadPool::new(1).unwrap();
    let (view, inner) = (pool.limit(2), pool.clone());
    let (go, gone) = mpsc::channel::<()>();
    let bell = Bell::default();
    let ringer = bell.clone();
    let waits: Vec<_> = (0..2)
        .map(|_| {
            let bell = bell.clone();
            pool.submit(move || bell.wait())
        })
        .collect();
    eventually("both wait", || pool.metrics().running == 2);
    for _ in 0..20 {
        drop(inner.submit(|| ()));
    }
    let user = thread::spawn(move || {
        gone.recv().unwrap();
        view.submit(move || ringer.ring()).wait().unwrap();
    });
    go.send(()).unwrap();
    for call in waits {
        call.wait().unwrap();
    }
    user.join().unwrap();
}
