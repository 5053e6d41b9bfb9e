//! One pool from its beginning to its end, at whatever moment that comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyloop_core::{Metrics, Pool, PoolExt, ThreadPool};

use super::super::support::choices::Choices;
use super::user::{Handles, user};
use super::watchdog::Watchdog;
use super::world::World;

#[derive(Clone, Copy, Debug)]
enum Ends {
    Shutdown,
    ShutdownTimeout(Duration),
    HandlesDropped,
    /// After the users have got everything that they wanted, and the threads have nothing to do any more.
    Idle,
}

/// Returns how many calls were made.
pub(crate) fn round(seed: u64, watchdog: &Watchdog) -> u64 {
    let mut choices = Choices::scattered(seed);
    let users = 1 + choices.below(4) as usize;
    let world = World::new(seed, users);
    watchdog.round(&world);
    let pool = pool(&world, &mut choices);
    let views = (0..choices.below(3)).map(|_| pool.limit(1 + choices.below(4) as usize).to_any()).collect();
    let maps = choices.one_in(2);
    let ends = match choices.below(4) {
        0 => Ends::Shutdown,
        1 => Ends::ShutdownTimeout(Duration::from_micros(choices.below(3_000))),
        2 => Ends::HandlesDropped,
        _ => Ends::Idle,
    };
    let pause = Duration::from_micros(choices.below(4_000));
    let handles = Handles { pool, views };
    let left = thread::scope(|scope| {
        for number in 0..users {
            let (world, handles, steps) = (&world, handles.clone(), 20 + choices.below(200));
            scope.spawn(move || user(world, number, handles, steps, maps));
        }
        let pool = handles.pool;
        drop(handles.views);
        if matches!(ends, Ends::Idle) {
            return Some(pool);
        }
        thread::sleep(pause);
        world.does(users, "ending the pool");
        match ends {
            Ends::Shutdown => pollster::block_on(pool.shutdown()).unwrap(),
            Ends::ShutdownTimeout(limit) => {
                let report = pollster::block_on(pool.shutdown_timeout(limit)).unwrap();
                assert!(report.still_running <= 2 * pool.max_threads().unwrap().get(), "{report:?}");
            }
            // The users have handles still.
            Ends::HandlesDropped | Ends::Idle => return None,
        }
        Some(pool)
    });
    if let Some(pool) = left {
        world.does(users, "waiting for the pool's end");
        if matches!(ends, Ends::Idle) {
            // Detached calls may go on still, and each thread until its keep-alive is over.
            until(|| pool.metrics().threads == 0);
            assert_eq!(pool.metrics().queued, 0, "left behind: {:?}", pool.metrics());
        }
        pollster::block_on(pool.shutdown()).unwrap();
        // Each closure is gone with the pool's threads.
        assert_gone(&world, &format!("{ends:?}, at the pool's end"));
        assert_books(&world, &pool.metrics());
    }
    world.does(users, "waiting for the threads' end");
    until(|| world.alive.load(Ordering::SeqCst) == 0);
    assert_gone(&world, &format!("{ends:?}, at the threads' end"));
    world.calls.made() as u64
}

fn pool(world: &Arc<World>, choices: &mut Choices) -> ThreadPool {
    let keep_alive = [0, 200, 2_000][choices.below(3) as usize];
    let refuses = [0, 0, 2, 10][choices.below(4) as usize];
    let panics = [0, 3][choices.below(2) as usize];
    let starting = world.clone();
    let mut builder = ThreadPool::builder()
        .max_threads(1 + choices.below(5) as usize)
        .keep_alive(Duration::from_micros(keep_alive))
        .on_thread_start(world.hook(panics))
        .on_thread_stop(world.hook(panics))
        .spawn_handler(move |builder, body| starting.start(refuses, builder, body));
    if choices.one_in(3) {
        builder = builder.queue_limit(1 + choices.below(20) as usize);
    }
    builder.build().unwrap()
}

/// The watchdog says when this is too long.
fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        thread::sleep(Duration::from_micros(100));
    }
}

fn assert_gone(world: &World, when: &str) {
    for (what, counts) in [("closures", &world.calls), ("items", &world.items), ("values", &world.values)] {
        assert_eq!(counts.dropped(), counts.made(), "{when}: {what} are dropped exactly once");
    }
}

/// Every call ended in one of the ways that there are.
fn assert_books(world: &World, metrics: &Metrics) {
    let (made, ran) = (world.calls.made() as u64, world.calls.ran() as u64);
    let ended = metrics.completed + metrics.panicked;
    let others = metrics.cancelled + metrics.cancelled_by_drop + metrics.refused;
    if world.maps.load(Ordering::SeqCst) == 0 {
        assert_eq!((ended, ended + others), (ran, made), "{metrics:?}");
    } else {
        // A map's jobs are among them.
        assert!(ended >= ran && ended + others >= made, "{ran} ran of {made}: {metrics:?}");
    }
    let left = (metrics.threads, metrics.idle, metrics.running, metrics.queued, metrics.waiting);
    assert_eq!((left, metrics.abandoned), ((0, 0, 0, 0, 0), 0), "{metrics:?}");
    assert_eq!(metrics.threads_started, metrics.threads_ended, "{metrics:?}");
}
