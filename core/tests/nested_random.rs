//! Calls that wait for calls, maps, actors and timers of all kinds at random, on small pools, while outsiders submit the same: each
//! ends in its value (C17), and the books are right. `ANYLOOP_TEST_SEED` repeats a run.

mod support;

use std::thread;
use std::time::Duration;

use anyloop_core::{Actor, AnyPool, Call, Limiter, Pool, PoolExt, Task, ThreadPool, from_thread, gather};
use support::bell::Bell;
use support::choices::{Choices, seed};
use support::eventually;

const ROUNDS: u64 = 40;
const CALLS: u64 = 60;

/// What outer calls hold, if anything, and what inner ones do: never the other way around, as with locks.
static OUTER: Limiter = Limiter::new(3);
static INNER: Limiter = Limiter::new(1);

/// What is there to be waited for.
#[derive(Clone)]
struct World {
    pool: ThreadPool,
    view: AnyPool,
    actor: Actor<u64>,
}

fn work() {
    thread::sleep(Duration::from_micros(50));
}

/// Something that needs no thread while it waits; its number comes back.
async fn inner(world: World, choice: u64, number: u64) -> u64 {
    let call = move || {
        work();
        number
    };
    match choice {
        0 => world.pool.submit(call).await.unwrap(),
        1 => world.view.submit(call).await.unwrap(),
        2 => Call::new(call).on(&world.pool).limit(&INNER).await,
        3 => Call::new(call).on(&world.view).limit(&INNER).await,
        4 => {
            let call = move |calls: &mut u64| {
                work();
                *calls += 1;
                number
            };
            world.actor.with(call).await.unwrap()
        }
        5 => world.pool.map(0..4, |_| work()).await.len() as u64 + number - 4,
        6 => {
            let children = gather((0..3).map(|_| Call::new(work).on(&world.pool))).await;
            children.len() as u64 + number - 3
        }
        _ => {
            Bell::rings_after(Duration::from_micros(300)).rung().await;
            number
        }
    }
}

const CHOICES: u64 = 8;

fn round(choices: &mut Choices) {
    let max_threads = 1 + choices.below(4);
    let pool = ThreadPool::new(usize::try_from(max_threads).unwrap()).unwrap();
    let view = pool.limit(2).to_any();
    let world = World { actor: Actor::on(&pool, 0), view, pool };
    let tasks: Vec<(u64, Task<u64>)> = (0..CALLS)
        .map(|number| {
            let (first, second) = (choices.below(CHOICES), choices.below(CHOICES));
            let inside = world.clone();
            let outer = move || {
                let number = from_thread::block_on(inner(inside.clone(), first, number));
                from_thread::block_on(inner(inside, second, number))
            };
            let task = match choices.below(6) {
                0 => world.view.submit(outer),
                1 => Call::new(outer).on(&world.pool).limit(&OUTER).start(),
                2..=3 => world.pool.submit(outer),
                // From outside.
                4 => world.pool.submit(move || number),
                _ => world.actor.with(move |calls| {
                    *calls += 1;
                    number
                }),
            };
            (number, task)
        })
        .collect();
    for (number, task) in tasks {
        assert_eq!(task.wait().unwrap(), number);
    }
    eventually("it is quiet", || {
        let metrics = world.pool.metrics();
        metrics.queued + metrics.waiting + metrics.running == 0
    });
    let metrics = world.pool.metrics();
    assert_eq!((metrics.panicked, metrics.cancelled, metrics.cancelled_by_drop), (0, 0, 0), "{metrics:?}");
    // Those that serve may come to wait as well: with an outer call that has a permit, for instance.
    assert!(metrics.threads_started <= 2 * max_threads + 64, "{metrics:?}");
}

#[test]
fn everything_that_waits_for_anything_ends() {
    let seed = seed();
    println!("ANYLOOP_TEST_SEED={seed}");
    for number in 0..ROUNDS {
        println!("round {number}");
        round(&mut Choices::scattered(seed.wrapping_add(number)));
    }
}
