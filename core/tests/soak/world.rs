//! What is foreign to a pool, all of which may panic: closures, values, wakers, hooks, and who starts threads.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyloop_core::{PoolExt, Task, ThreadPool, from_thread};

use super::super::support::choices::Choices;
use super::super::support::{Counted, Counts};

/// The books of one round.
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Calls', of which the closures are counted.
    pub(crate) calls: Arc<Counts>,
    /// Items of maps.
    pub(crate) items: Arc<Counts>,
    /// Results, of calls and of maps.
    pub(crate) values: Arc<Counts>,
    pub(crate) maps: AtomicUsize,
    /// Threads of the pool.
    pub(crate) alive: AtomicUsize,
    dice: AtomicU64,
    /// What everybody is at, for the watchdog.
    doing: Mutex<Vec<&'static str>>,
}

impl World {
    pub(crate) fn new(seed: u64, users: usize) -> Arc<Self> {
        Arc::new(Self {
            seed,
            calls: Counts::new(),
            items: Counts::new(),
            values: Counts::new(),
            maps: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
            dice: AtomicU64::new(seed),
            // The last place is that of who ends the pool.
            doing: Mutex::new(vec!["nothing yet"; users + 1]),
        })
    }

    pub(crate) fn does(&self, user: usize, what: &'static str) {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)[user] = what;
    }

    pub(crate) fn outstanding(&self) -> String {
        let of = |counts: &Counts| format!("{} of {}", counts.made() - counts.dropped(), counts.made());
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
        format!(
            "closures left {}, items left {}, values left {}, threads {}; users: {doing}",
            of(&self.calls),
            of(&self.items),
            of(&self.values),
            self.alive.load(Ordering::SeqCst)
        )
    }

    /// For code that no user calls.
    fn one_in(&self, bound: u64) -> bool {
        let roll = self.dice.fetch_add(1, Ordering::Relaxed);
        bound > 0 && Choices::scattered(roll).one_in(bound)
    }

    /// A hook that panics at times.
    pub(crate) fn hook(self: &Arc<Self>, panics: u64) -> impl Fn() + Send + Sync + 'static {
        let world = self.clone();
        move || {
            if world.one_in(panics) {
                resume_unwind(Box::new("a hook's bug"));
            }
        }
    }

    /// Starts a thread, or fails at it in one of the ways that there are.
    pub(crate) fn start(
        self: &Arc<Self>,
        refuses: u64,
        builder: thread::Builder,
        body: Box<dyn FnOnce() + Send>,
    ) -> io::Result<JoinHandle<()>> {
        let fails = self.one_in(refuses);
        let way =
            if fails { Choices::scattered(self.dice.fetch_add(1, Ordering::Relaxed)).below(4) } else { 0 };
        match way {
            1 => resume_unwind(Box::new("a spawn handler's bug")),
            // It ends before it comes to the pool's code.
            2 => return self.started(thread::Builder::new(), Box::new(move || drop(body))),
            3 => {
                // It comes, and is said not to.
                self.started(builder, body)?;
            }
            _ if !fails => return self.started(builder, body),
            _ => {}
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test"))
    }

    fn started(
        self: &Arc<Self>,
        builder: thread::Builder,
        body: Box<dyn FnOnce() + Send>,
    ) -> io::Result<JoinHandle<()>> {
        self.alive.fetch_add(1, Ordering::SeqCst);
        let world = self.clone();
        let thread = builder.spawn(move || {
            body();
            world.alive.fetch_sub(1, Ordering::SeqCst);
        });
        if thread.is_err() {
            self.alive.fetch_sub(1, Ordering::SeqCst);
        }
        thread
    }

    /// A call's closure, with what goes wrong in it. One that calls others is given the pool.
    pub(crate) fn work(
        self: &Arc<Self>,
        choices: &mut Choices,
        pool: Option<&ThreadPool>,
    ) -> impl FnOnce() -> Value + Send + 'static + use<> {
        let kind = choices.below(40);
        let pool = pool.filter(|_| (1..=3).contains(&kind)).cloned();
        let explosive = Explosive { counted: Counted::new(&self.calls), armed: kind == 4 };
        let (world, bound) = (self.clone(), choices.below(300));
        move || {
            explosive.counted.run(());
            if let Some(pool) = pool {
                world.nested(kind, &pool);
            }
            match kind {
                5..=7 => thread::sleep(Duration::from_micros(bound)),
                8..=10 => resume_unwind(Box::new("a call's bug")),
                11 => {
                    // At most a moment: nobody may have cancelled it.
                    let _ = (0..10_000).find(|_| from_thread::is_cancelled());
                }
                _ => {}
            }
            // Where what the closure captured panics as it drops, the compiler leaks what the closure returns.
            Value((kind != 4).then(|| Explosive { counted: Counted::new(&world.values), armed: kind == 12 }))
        }
    }

    /// Inside a call: others that it waits for, or what is refused there.
    fn nested(self: &Arc<Self>, kind: u64, pool: &ThreadPool) {
        let (counted, values) = (Counted::new(&self.calls), self.values.clone());
        let inner = move || {
            counted.run(());
            Counted::new(&values)
        };
        match kind {
            1 => drop(pool.submit(inner).wait()),
            2 => drop(from_thread::block_on(pool.submit(inner))),
            _ => {
                pool.submit(inner).detach();
                let refused = from_thread::block_on(pool.shutdown());
                assert!(refused.is_err(), "a call waits for its own end");
            }
        }
    }

    /// The same for an item of a map.
    pub(crate) fn item(self: &Arc<Self>, counted: &Counted, panics: u64) -> Value {
        counted.run(());
        if self.one_in(panics) {
            resume_unwind(Box::new("an item's bug"));
        }
        Value(Some(Explosive { counted: Counted::new(&self.values), armed: false }))
    }
}

/// Panics as it drops, if it is armed, and unless that would end the process.
struct Explosive {
    counted: Counted,
    armed: bool,
}

impl Drop for Explosive {
    fn drop(&mut self) {
        if self.armed && !thread::panicking() {
            resume_unwind(Box::new("a destructor's bug"));
        }
    }
}

/// What calls return.
pub(crate) struct Value(#[expect(dead_code, reason = "it counts, and panics")] Option<Explosive>);

/// For what a user drops: its panics are his own affair.
pub(crate) fn quietly(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// Waits for it, whatever it ends in.
pub(crate) fn finish(task: Task<Value>) {
    let ended = task.wait();
    quietly(|| drop(ended));
}

struct BadWake;

impl Wake for BadWake {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("a waker's bug"));
    }
}

/// Panics as its last clone is dropped. (Not zero-sized: each is one of its own.)
struct BadDrop;

impl Wake for BadDrop {
    fn wake(self: Arc<Self>) {
        // It is dropped with the pool's clone, or by the user.
        quietly(|| drop(self));
    }
}

impl Drop for BadDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            resume_unwind(Box::new("a waker's destructor's bug"));
        }
    }
}

pub(crate) fn bad_waker(choices: &mut Choices) -> Waker {
    if choices.one_in(2) { Waker::from(Arc::new(BadWake)) } else { Waker::from(Arc::new(BadDrop)) }
}
