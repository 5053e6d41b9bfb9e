//! `#[async_wrap]` on whole `impl` blocks.

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use anyloop::{Call, Pool, ThreadPool, Work, async_wrap, gather};
use pollster::block_on;

#[derive(Clone, Debug, PartialEq)]
struct Db {
    rows: Vec<String>,
}

/// The block is documented.
#[async_wrap]
#[allow(clippy::mixed_attributes_style, reason = "attributes of the block stay, both kinds")]
impl Db {
    #![allow(clippy::wrong_self_convention, reason = "inner attributes stay too")]

    const SUFFIX: &'static str = "!";

    pub fn open(path: &Path) -> std::io::Result<Self> {
        let _ = std::fs::metadata(path)?;
        Ok(Self::new())
    }

    #[async_wrap(skip)]
    fn new() -> Self {
        Self { rows: vec!["a".into()] }
    }

    /// Borrows, as a method that stays may.
    #[anyloop::async_wrap(skip)]
    const fn rows(&self) -> &Vec<String> {
        &self.rows
    }

    #[async_wrap(skip)]
    async fn already(&mut self) -> usize {
        self.rows.len()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn with(mut self, row: &str, (times, _): (usize, u8)) -> Self {
        self.rows.push(row.repeat(times) + Self::SUFFIX);
        self
    }

    fn twice(&self) -> usize {
        // Another method of the block is a call by now.
        2 * self.len().run()
    }

    fn shared(self: &Arc<Self>, one: &impl_free::Row) -> usize {
        Arc::strong_count(self) + one.0
    }

    #[async_wrap(name = first_async)]
    pub(crate) fn first(&self) -> Option<String> {
        self.rows.first().cloned()
    }

    #[async_wrap(name = named_async)]
    fn named(n: usize) -> usize {
        n
    }

    #[cfg(any())]
    fn absent(&mut self) -> Absent {
        not_there()
    }

    fn main() -> &'static str {
        "not the program's"
    }
}

mod impl_free {
    #[derive(Clone)]
    pub(crate) struct Row(pub(crate) usize);
}

#[test]
fn each_method_is_wrapped() {
    assert!(block_on(Db::open(Path::new("/no/such/file"))).is_err());
    assert_eq!(block_on(Db::open(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap(), Db::new());
    let call = Db::new().with("b", (2, 0));
    let mut db = block_on(call);
    assert_eq!(db.rows(), &["a", "bb!"]);
    assert_eq!(block_on(gather((db.len(), db.twice()))), (2, 4));
    assert_eq!(block_on(db.already()), 2);
    assert_eq!(block_on(Arc::new(db.clone()).shared(&impl_free::Row(1))), 3);
    assert_eq!(block_on(db.first_async()), db.first());
    assert_eq!(block_on(Db::named_async(1)), Db::named(1));
    assert_eq!(Db::main().run(), "not the program's");
}

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPool::builder().max_threads(4).name("block").build().unwrap());

#[derive(Clone, Default)]
struct Counting<T, const N: usize> {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    _value: T,
}

#[async_wrap(pool = POOL, limit = 1, crate = anyloop)]
impl<T, const N: usize> Counting<T, N>
where
    T: Clone + Send + Sync + 'static,
{
    fn one(&self) -> usize {
        self.work()
    }

    fn other(&self, _: &T) -> usize {
        self.work() + N
    }

    #[async_wrap(limit = 2)]
    fn unlimited(&self, both: Arc<std::sync::Barrier>) -> Option<String> {
        both.wait();
        std::thread::current().name().map(str::to_owned)
    }

    #[async_wrap(pool = native)]
    fn elsewhere(&self) -> usize {
        N
    }

    #[async_wrap(skip)]
    fn work(&self) -> usize {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
        1
    }
}

#[test]
fn the_block_s_options_are_its_methods_defaults() {
    let counting = Counting::<u8, 2>::default();
    let calls = (0..32).map(|n| {
        let counting = counting.clone();
        async move { if n % 2 == 0 { counting.one().await } else { counting.other(&1).await } }
    });
    assert_eq!(block_on(gather(calls)).into_iter().sum::<usize>(), 16 + 16 * 3);
    assert_eq!(counting.most.load(Ordering::SeqCst), 1);
    let both = Arc::new(std::sync::Barrier::new(2));
    let names = block_on(gather((counting.unlimited(both.clone()), counting.unlimited(both))));
    assert!(names.0.is_some_and(|name| name.starts_with("block")));
    assert!(block_on(counting.elsewhere().settle()).is_err(), "no runtime, no native pool");
}

trait Store {
    type Row: Send + 'static;
    const KEY: &'static str;

    fn load(&self, key: &str) -> Call<impl Work<Output = Self::Row>>;
    fn describe(&self) -> String;
}

#[async_wrap(limit = 3)]
impl<T: Clone + Debug + Send + 'static> Store for Mutexed<T> {
    type Row = String;
    const KEY: &'static str = "k";

    fn load(&self, key: &str) -> Self::Row {
        format!("{key}{:?}", self.0.lock().unwrap())
    }

    #[async_wrap(skip)]
    fn describe(&self) -> String {
        Self::KEY.into()
    }
}

#[derive(Clone)]
struct Mutexed<T>(Arc<Mutex<T>>);

#[test]
fn traits() {
    async fn through<S: Store>(store: S) -> (S::Row, String) {
        (store.load(S::KEY).await, store.describe())
    }
    assert_eq!(block_on(through(Mutexed(Arc::new(Mutex::new(0))))), ("k0".into(), "k".into()));
}

#[derive(Clone)]
struct Tenant(ThreadPool);

#[async_wrap(pool = self.0)]
impl Tenant {
    fn threads(&self) -> Option<std::num::NonZeroUsize> {
        self.0.max_threads()
    }

    #[async_wrap(pool = ThreadPool::global())]
    fn new() -> Self {
        Self(POOL.clone())
    }
}

#[test]
fn a_pool_of_the_object() {
    assert_eq!(block_on(block_on(Tenant::new()).threads()), POOL.max_threads());
}

macro_rules! object {
    ($name:ident, $value:ty, $method:ident => $body:expr) => {
        #[derive(Clone)]
        struct $name($value);

        #[async_wrap(limit = 2)]
        impl $name {
            fn $method(&self, by: $value) -> $value {
                self.0 + by + $body
            }

            #[async_wrap(skip)]
            fn plain(&self) -> $value {
                self.0
            }
        }
    };
}

object!(InAMacro, u32, plus => 1);

#[test]
fn in_macros_and_functions() {
    assert_eq!(block_on(InAMacro(1).plus(2)), 4);
    assert_eq!(InAMacro(1).plain(), 1);

    #[derive(Clone)]
    struct Local;
    #[async_wrap(limit = 1)]
    impl Local {
        fn get(&self) -> u8 {
            1
        }
    }
    assert_eq!(block_on(Local.get()), 1);
}

#[test]
fn calls_are_send() {
    fn send<F: Future + Send + 'static>(future: F) -> F::Output {
        block_on(future)
    }
    assert_eq!(send(async move { Db::new().len().await }), 1);
}

#[derive(Clone)]
struct Conditional(u8);

#[async_wrap(limit = 2)]
#[allow(clippy::duplicated_attributes, reason = "the conditions are the test")]
impl Conditional {
    #[cfg_attr(all(), async_wrap(skip))]
    fn skipped(&mut self) -> u8 {
        self.0 += 1;
        self.0
    }

    #[cfg_attr(any(), async_wrap(skip), inline)]
    #[cfg_attr(all(), inline)]
    fn wrapped(&self) -> u8 {
        self.0
    }

    #[cfg_attr(all(), async_wrap(limit = 1), doc = "Two of them.")]
    #[cfg_attr(any(), async_wrap(skip))]
    fn twice(&self) -> u8 {
        2 * self.0
    }

    #[cfg_attr(all(), cfg(any()))]
    fn absent(&mut self) -> Absent {}

    #[async_wrap(name = absent_async)]
    #[cfg_attr(all(), cfg(any()))]
    fn absent_beside(&self) -> Absent {}

    #[async_wrap(name = old_async)]
    #[cfg_attr(all(), deprecated = "for a test")]
    #[cfg_attr(all(), must_use)]
    fn old(#[cfg_attr(all(), cfg(any()))] absent: Absent, n: u8) -> u8 {
        n
    }
}

#[test]
fn attributes_may_be_conditional() {
    assert_eq!(Conditional(1).skipped(), 2);
    assert_eq!(block_on(Conditional(1).wrapped()) + block_on(Conditional(1).twice()), 3);
    #[expect(deprecated, reason = "the attribute is kept")]
    let call = Conditional::old_async(4);
    assert_eq!(block_on(call), 4);
}
