//! An actor with a thread of its own: order, threads, limits, cancelling, and its end.

mod support;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread::{self, ThreadId};

use anyloop_core::{
    Actor, BuildError, PanicPolicy, PoolExt, Refused, Task, TaskError, ThreadPool, from_thread,
};
use support::{Counted, Counts, assert_one_at_a_time_in_order, eventually, until_cancelled};

/// What happened to a value, and where.
type Log = Arc<Mutex<Vec<(&'static str, ThreadId)>>>;

/// A value that may not leave its thread.
struct Bound {
    log: Log,
    number: Rc<Cell<usize>>,
}

impl Bound {
    fn new(log: &Log) -> Self {
        let bound = Self { log: log.clone(), number: Rc::default() };
        bound.note("made");
        bound
    }

    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push((what, thread::current().id()));
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

fn events(log: &Log) -> Vec<&'static str> {
    log.lock().unwrap().iter().map(|(what, _)| *what).collect()
}

/// Everything happened on one thread, which is not this one.
#[track_caller]
fn assert_one_thread(log: &Log) {
    let log = log.lock().unwrap();
    assert!(log.iter().all(|(_, thread)| *thread == log[0].1), "{log:?}");
    assert_ne!(log[0].1, thread::current().id());
}

/// Keeps an actor busy until the sender is dropped.
fn hold<T>(actor: &Actor<T>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    actor
        .with(move |_| {
            starting.send(()).unwrap();
            let _ = released.recv();
        })
        .detach();
    started.recv().unwrap();
    release
}

fn panic_text<R>(ended: Result<R, TaskError>) -> String {
    match ended {
        Err(TaskError::Panicked(panic)) => panic.message().to_owned(),
        Err(other) => panic!("ended in {other:?}"),
        Ok(_) => panic!("ended in a value"),
    }
}

#[test]
fn calls_run_one_at_a_time_in_the_order_submitted() {
    assert_one_at_a_time_in_order(&Actor::new(Vec::new), 2_000, |_| {});
}

#[test]
fn many_threads_share_an_actor() {
    let actor = Actor::new(|| Rc::new(Cell::new(0)));
    thread::scope(|scope| {
        for _ in 0..8 {
            let actor = actor.clone();
            scope.spawn(move || {
                for _ in 0..500 {
                    pollster::block_on(actor.call(|count| count.set(count.get() + 1)));
                }
            });
        }
    });
    assert_eq!(actor.with(|count| count.get()).wait().unwrap(), 4_000);
}

#[test]
fn the_value_is_made_used_and_dropped_on_one_thread() {
    let log = Log::default();
    let theirs = log.clone();
    let actor = Actor::new(move || Bound::new(&theirs));
    for _ in 0..3 {
        let number = actor.with(|bound| {
            bound.note("used");
            bound.number.set(bound.number.get() + 1);
            bound.number.get()
        });
        number.wait().unwrap();
    }
    actor.shutdown().wait().unwrap();
    assert_eq!(events(&log), ["made", "used", "used", "used", "dropped"]);
    assert_one_thread(&log);
}

#[test]
fn it_is_made_at_once_and_dropped_after_the_last_handle() {
    let log = Log::default();
    let theirs = log.clone();
    let actor = Actor::new(move || Bound::new(&theirs));
    eventually("it is made without a call", || events(&log) == ["made"]);
    let release = hold(&actor);
    let other = actor.clone();
    let waiting = other.call(|bound| bound.note("waiting"));
    other.with(|bound| bound.note("queued")).detach();
    drop((actor, other));
    drop(release);
    eventually("the queue is run", || events(&log) == ["made", "queued"]);
    // A call that has not begun is a handle, too.
    pollster::block_on(waiting);
    eventually("it is dropped", || events(&log) == ["made", "queued", "waiting", "dropped"]);
    assert_one_thread(&log);
}

#[test]
fn the_last_handle_may_be_dropped_by_the_actors_own_call() {
    let log = Log::default();
    let theirs = log.clone();
    let actor = Actor::new(move || Bound::new(&theirs));
    let own = actor.clone();
    let (give, given) = mpsc::channel::<()>();
    let task = actor.with(move |bound| {
        given.recv().unwrap();
        drop(own);
        bound.note("used");
    });
    drop(actor);
    give.send(()).unwrap();
    task.wait().unwrap();
    eventually("it is dropped", || events(&log) == ["made", "used", "dropped"]);
    assert_one_thread(&log);
}

#[test]
fn a_factory_that_fails_gives_its_error_and_the_thread_ends() {
    struct Ended(mpsc::Sender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (ending, ended) = mpsc::channel();
    let ending = Mutex::new(Some(Ended(ending)));
    let log = Log::default();
    let theirs = log.clone();
    let start = Actor::<Bound>::builder()
        .spawn_handler(move |builder, body| {
            let ended = ending.lock().unwrap().take();
            builder.spawn(move || {
                body();
                drop(ended);
            })
        })
        .try_start(move || {
            Bound::new(&theirs);
            Err("no such file")
        });
    assert_eq!(start.unwrap().wait().unwrap().unwrap_err(), "no such file");
    ended.recv().unwrap();
    assert_eq!(events(&log), ["made", "dropped"]);
    assert_one_thread(&log);

    let panicked = Actor::try_new(|| -> Result<(), ()> { panic!("no luck") }).wait();
    assert_eq!(panic_text(panicked), "no luck");
}

#[test]
fn a_factory_may_succeed_and_nobody_want_the_actor() {
    let log = Log::default();
    let theirs = log.clone();
    let (starting, started) = mpsc::channel();
    let (go_on, going_on) = mpsc::channel::<()>();
    let start = Actor::try_new(move || {
        starting.send(()).unwrap();
        going_on.recv().unwrap();
        Ok::<_, ()>(Bound::new(&theirs))
    });
    started.recv().unwrap();
    drop(start);
    go_on.send(()).unwrap();
    eventually("it is dropped", || events(&log) == ["made", "dropped"]);
    assert_one_thread(&log);
}

#[test]
fn a_closed_actor_takes_no_more_and_runs_what_is_queued() {
    let actor = Actor::new(|| 0);
    let release = hold(&actor);
    let queued = actor.with(|value| *value += 1);
    let closed = actor.close();
    assert!(actor.is_closed());
    let late = actor.with(|value| *value += 10);
    assert!(matches!(late.wait(), Err(TaskError::Shutdown)));
    assert!(matches!(actor.close().wait(), Err(TaskError::Shutdown)));
    assert!(matches!(actor.shutdown().wait(), Err(TaskError::Shutdown)));
    let settled = pollster::block_on(actor.call(|value| *value += 10).settle());
    assert!(matches!(settled, Err(TaskError::Shutdown)));
    drop(release);
    queued.wait().unwrap();
    assert_eq!(closed.wait().unwrap(), 1);
}

#[test]
fn a_close_that_nobody_waits_for_drops_the_value_on_its_thread() {
    let log = Log::default();
    let theirs = log.clone();
    let actor = Actor::new(move || Bound::new(&theirs));
    let release = hold(&actor);
    drop(actor.shutdown());
    actor.with(|bound| bound.note("late")).detach();
    drop(release);
    eventually("it is dropped", || events(&log) == ["made", "dropped"]);
    assert_one_thread(&log);
}

#[test]
fn a_full_queue_refuses_what_does_not_wait() {
    let actor = Actor::builder().queue_limit(2).start(Vec::new).unwrap();
    let release = hold(&actor);
    let push = |number: usize| move |seen: &mut Vec<usize>| seen.push(number);
    let first = actor.with(push(1));
    let second = actor.try_with(push(2)).map_err(|(_, refused)| refused).unwrap();
    assert!(matches!(actor.with(push(9)).wait(), Err(TaskError::Full)));
    let Err((back, Refused::Full)) = actor.try_with(push(9)) else { panic!("it is full") };
    back(&mut Vec::new());
    // Who awaits stands in line, in order, and who gives up makes way.
    let mut third = pin!(actor.call(push(3)));
    let mut given_up = Box::pin(actor.call(push(9)));
    let mut fourth = pin!(actor.call(push(4)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert!(given_up.as_mut().poll(&mut context).is_pending());
    assert!(fourth.as_mut().poll(&mut context).is_pending());
    drop(given_up);
    // Room that a cancelled call has left is there for others, behind those in line.
    drop((first, second));
    assert!(matches!(actor.try_with(push(9)), Err((_, Refused::Full))), "two are in line");
    drop(release);
    pollster::block_on(third);
    pollster::block_on(fourth);
    pollster::block_on(actor.call(push(5)));
    assert_eq!(actor.close().wait().unwrap(), [3, 4, 5]);
}

#[test]
fn a_cancelled_call_leaves_its_room_and_is_dropped_at_once() {
    let actor = Actor::builder().queue_limit(1).start(|| ()).unwrap();
    let counts = Counts::new();
    let release = hold(&actor);
    for _ in 0..100 {
        let counted = Counted::new(&counts);
        let task = actor.with(move |()| counted.run(()));
        assert_eq!(counts.dropped(), counts.made() - 1);
        drop(task);
        assert_eq!(counts.dropped(), counts.made());
    }
    let counted = Counted::new(&counts);
    let task = actor.with(move |()| counted.run(()));
    task.abort();
    assert_eq!(counts.dropped(), counts.made());
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    drop(release);
    actor.with(|()| ()).wait().unwrap();
    assert_eq!(counts.ran(), 0);
}

/// Its thread takes calls out of the queue many at a time: until they begin they wait all the same.
#[test]
fn what_was_taken_together_still_waits() {
    let actor = Actor::builder().queue_limit(3).start(Vec::new).unwrap();
    let release = hold(&actor);
    let (inner, held) = mpsc::channel::<()>();
    let (starting, started) = mpsc::channel();
    let blocks = actor.with(move |_| {
        starting.send(()).unwrap();
        held.recv().is_err()
    });
    let cancelled = actor.with(|seen: &mut Vec<u8>| seen.push(0));
    let first = actor.with(|seen| seen.push(1));
    assert!(matches!(actor.try_with(|_| ()), Err((_, Refused::Full))));

    // The three are taken, two of them wait.
    drop(release);
    started.recv().unwrap();
    let second = actor.with(|seen| seen.push(2));
    assert!(matches!(actor.with(|_| ()).wait(), Err(TaskError::Full)));
    drop(cancelled);
    let third = actor.try_with(|seen| seen.push(3)).map_err(|(_, refused)| refused).unwrap();
    assert!(matches!(actor.with(|_| ()).wait(), Err(TaskError::Full)));

    drop(inner);
    for task in [first, second, third] {
        task.wait().unwrap();
    }
    assert!(blocks.wait().unwrap());
    assert_eq!(actor.close().wait().unwrap(), [1, 2, 3]);
}

#[test]
fn a_panic_poisons_what_was_taken_with_it() {
    let actor = Actor::new(|| ());
    let release = hold(&actor);
    let panics = actor.with(|()| panic!("expected"));
    let others = [actor.with(|()| ()), actor.with(|()| ())];
    drop(release);
    assert!(matches!(panics.wait(), Err(TaskError::Panicked(_))));
    for other in others {
        // Before the panic could be seen.
        assert!(other.is_finished());
        assert!(matches!(other.wait(), Err(TaskError::Poisoned(_))));
    }
}

#[test]
fn a_call_that_runs_sees_that_it_was_cancelled() {
    let actor = Actor::new(|| 0);
    let task = until_cancelled(&actor, |value| {
        *value += 1;
        *value
    });
    assert_eq!(pollster::block_on(task.cancel()).unwrap(), 1);
    assert!(!actor.with(|_| from_thread::is_cancelled()).wait().unwrap());
}

#[test]
fn a_call_begins_when_it_is_awaited() {
    let actor = Actor::new(|| 0);
    let call = actor.call(|value| *value += 10);
    actor.with(|value| *value += 1).wait().unwrap();
    assert_eq!(actor.with(|value| *value).wait().unwrap(), 1);
    pollster::block_on(call);
    actor.call(|value| *value += 100).start().wait().unwrap();
    drop(actor.call(|value| *value += 1000));
    assert_eq!(actor.close().wait().unwrap(), 111);
}

#[test]
fn waiting_for_its_own_call_panics_with_advice() {
    let actor = Actor::builder().on_panic(PanicPolicy::Keep).start(|| ()).unwrap();
    let own = actor.clone();
    let waited = actor.with(move |()| own.with(|()| ()).wait());
    let text = panic_text(waited.wait());
    assert!(text.contains("detach()"), "{text}");
    let own = actor.clone();
    let waited = actor.with(move |()| from_thread::block_on(own.call(|()| ())));
    assert!(panic_text(waited.wait()).contains("detach()"));
    let own = actor.clone();
    let waited = actor.with(move |()| own.shutdown().wait());
    assert!(panic_text(waited.wait()).contains("detach()"));
    assert!(actor.is_closed());
}

#[test]
fn a_call_may_queue_others_of_its_actor() {
    let actor = Actor::new(Vec::new);
    let own = actor.clone();
    let outer = actor.with(move |seen: &mut Vec<u32>| {
        own.with(|seen| seen.push(2)).detach();
        seen.push(1);
    });
    outer.wait().unwrap();
    actor.with(|seen| seen.push(3)).wait().unwrap();
    assert_eq!(actor.close().wait().unwrap(), [1, 2, 3]);
}

#[test]
fn a_call_that_waits_lets_no_other_in() {
    let actor = Actor::new(Vec::new);
    let pool = ThreadPool::new(1).unwrap();
    let (go_on, going_on) = mpsc::channel::<()>();
    let (waiting, waits) = mpsc::channel();
    let first = actor.with(move |seen| {
        seen.push(("begins", thread::current().id()));
        waiting.send(()).unwrap();
        pool.submit(move || going_on.recv().unwrap()).wait().unwrap();
        from_thread::block_on(pool.submit(|| ())).unwrap();
        seen.push(("ends", thread::current().id()));
    });
    let second = actor.with(|seen| seen.push(("another", thread::current().id())));
    waits.recv().unwrap();
    assert!(!second.is_finished());
    go_on.send(()).unwrap();
    first.wait().unwrap();
    second.wait().unwrap();
    let seen: Vec<(&str, ThreadId)> = actor.close().wait().unwrap();
    assert_eq!(seen.iter().map(|(what, _)| *what).collect::<Vec<_>>(), ["begins", "ends", "another"]);
    assert!(seen.iter().all(|(_, thread)| *thread == seen[0].1));
}

#[test]
fn its_thread_has_the_name_and_the_stack_that_were_said() {
    let actor = Actor::builder().name("ledger").stack_size(64 << 20).start(|| ()).unwrap();
    let name = actor.with(|()| {
        // More than the stack that a thread has by default.
        let large = std::hint::black_box([1_u8; 4 << 20]);
        assert_eq!(large.iter().filter(|&&byte| byte == 1).count(), 4 << 20);
        thread::current().name().map(str::to_owned)
    });
    assert_eq!(name.wait().unwrap().as_deref(), Some("ledger"));
    assert!(format!("{actor:?}").contains("ledger"), "{actor:?}");
}

#[test]
fn settings_that_cannot_be_are_errors() {
    let builder = Actor::<u8>::builder;
    let of = |started: Result<Actor<u8>, BuildError>| started.map(drop).unwrap_err();
    assert_eq!(of(builder().queue_limit(0).start(|| 1)), BuildError::NoRoom);
    assert_eq!(of(builder().stack_size(usize::MAX).start(|| 1)), BuildError::StackTooLarge);
    assert!(matches!(of(builder().name("a\0b").start(|| 1)), BuildError::NameWithNul { .. }));
    let rebuild = of(builder().on_panic(PanicPolicy::Rebuild).start(|| 1));
    assert!(rebuild.to_string().contains("start_with"), "{rebuild}");
    let rebuild = builder().on_panic(PanicPolicy::Rebuild).try_start(|| Ok::<_, ()>(1));
    assert_eq!(rebuild.map(drop).unwrap_err(), BuildError::CannotRebuild);
    let pool = ThreadPool::new(1).unwrap();
    let error = of(builder().on(&pool).stack_size(1 << 20).start(|| 1));
    assert!(error.to_string().contains("stack_size"), "{error}");
}

#[test]
fn a_task_of_an_actor_is_like_any_other() {
    let actor = Actor::new(|| 1);
    let sum: Vec<Task<i32>> = (0..3).map(|add| actor.with(move |value| *value + add)).collect();
    let all = pollster::block_on(anyloop_core::try_gather(sum).into_future());
    assert_eq!(all.unwrap(), [1, 2, 3]);
}
