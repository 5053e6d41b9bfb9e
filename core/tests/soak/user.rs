//! One of several who use a pool at the same time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use anyloop_core::{AnyPool, Pool, PoolExt, Task, ThreadPool};

use super::super::support::Counted;
use super::super::support::choices::Choices;
use super::world::{Value, World, bad_waker, finish, quietly};

/// Handles on one pool.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) pool: ThreadPool,
    pub(crate) views: Vec<AnyPool>,
}

impl Handles {
    fn any(&self, choices: &mut Choices) -> AnyPool {
        let which = choices.below(self.views.len() as u64 * 2 + 2) as usize;
        self.views.get(which).cloned().unwrap_or_else(|| self.pool.to_any())
    }
}

/// Does so many things, then waits for what is left.
pub(crate) fn user(world: &Arc<World>, number: usize, handles: Handles, steps: u64, maps: bool) {
    let mut choices = Choices::scattered(world.seed.wrapping_mul(31).wrapping_add(number as u64));
    let mut held: Vec<Task<Value>> = Vec::new();
    for _ in 0..steps {
        let pool = handles.any(&mut choices);
        if maps && choices.one_in(20) {
            world.does(number, "a map");
            map(world, &pool, &mut choices);
            continue;
        }
        // Calls of views do not wait for others: with two queues of calls that wait, a pool of one thread may have them all
        // wait, which it reports after some seconds.
        let own = pool.max_threads() == handles.pool.max_threads() && handles.views.is_empty();
        let work = world.work(&mut choices, own.then_some(&handles.pool));
        world.does(number, "a submit");
        let task = if choices.one_in(4) {
            match pool.try_submit(work) {
                Ok(task) => task,
                Err((work, _)) => {
                    quietly(|| drop(work));
                    continue;
                }
            }
        } else {
            pool.submit(work)
        };
        one(world, number, task, &mut held, &mut choices);
        if choices.one_in(40) {
            world.does(number, "waiting for what it held");
            held.drain(..).for_each(finish);
        }
    }
    // Perhaps the last handle.
    drop(handles);
    world.does(number, "waiting for the rest");
    held.into_iter().for_each(finish);
    world.does(number, "done");
}

/// What becomes of a task.
fn one(
    world: &Arc<World>,
    number: usize,
    mut task: Task<Value>,
    held: &mut Vec<Task<Value>>,
    choices: &mut Choices,
) {
    match choices.below(10) {
        0 => drop(task),
        1 => task.detach(),
        2 => {
            world.does(number, "waiting for a cancelled call");
            let ended = pollster::block_on(task.cancel());
            quietly(|| drop(ended));
        }
        3 => {
            task.abort();
            held.push(task);
        }
        4 => {
            world.does(number, "waiting for a call");
            finish(task);
        }
        5 | 6 => {
            let waker = bad_waker(choices);
            let ended = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            let is_pending = ended.is_pending();
            quietly(|| drop(ended));
            quietly(|| drop(waker));
            if is_pending && choices.one_in(2) {
                held.push(task);
            }
        }
        _ => held.push(task),
    }
}

/// A batch, awaited or dropped half-way.
fn map(world: &Arc<World>, pool: &AnyPool, choices: &mut Choices) {
    world.maps.fetch_add(1, Ordering::SeqCst);
    let items: Vec<_> = (0..choices.below(200)).map(|_| Counted::new(&world.items)).collect();
    let (inside, panics) = (world.clone(), if choices.one_in(3) { 50 } else { 0 });
    let map = pool.map(items, move |item| inside.item(&item, panics)).start();
    match choices.below(3) {
        0 => drop(map),
        1 => {
            let mut settling = map.settle();
            let _ = Pin::new(&mut settling).poll(&mut Context::from_waker(Waker::noop()));
            drop(settling);
        }
        _ => drop(pollster::block_on(map.settle())),
    }
}
