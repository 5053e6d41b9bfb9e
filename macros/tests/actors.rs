//! `#[async_wrap(actor = ..)]`: a handle to an object that lives on a thread of its own.

use std::cell::{Cell, RefCell};
use std::fmt::{Debug, Display};
use std::future::Future;
use std::num::ParseIntError;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use anyloop::{Actor, TaskError, async_wrap, gather};
use pollster::block_on;

/// What a connection is like: it may not leave its thread.
struct Db {
    rows: Rc<RefCell<Vec<String>>>,
    home: ThreadId,
    dropped: Option<Arc<Mutex<Option<ThreadId>>>>,
}

/// A handle to a database.
#[async_wrap(actor = pub(crate) AsyncDb)]
#[allow(
    clippy::mixed_attributes_style,
    clippy::multiple_bound_locations,
    clippy::needless_arbitrary_self_type,
    reason = "attributes of the block hold for both, and these forms are tested"
)]
impl Db {
    #![allow(clippy::len_without_is_empty, reason = "inner attributes stay")]

    /// How many rows fit.
    const MOST: usize = 3;

    /// Opens it.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let mut db = Self::new(1, None);
        db.rows = Rc::new(RefCell::new(vec![std::fs::metadata(path)?.is_dir().to_string()]));
        Ok(db)
    }

    pub(crate) fn new(rows: usize, dropped: Option<Arc<Mutex<Option<ThreadId>>>>) -> Db {
        let rows = Rc::new(RefCell::new(vec![String::new(); rows]));
        Self { rows, home: thread::current().id(), dropped }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ParseIntError> {
        Ok(Self::new(text.parse()?, None))
    }

    pub(crate) fn some(there: bool) -> Option<Self> {
        there.then(|| Self::new(0, None))
    }

    pub(crate) fn panics() -> Self {
        panic!("no database")
    }

    /// Adds a row.
    #[must_use = "it may be full"]
    pub(crate) fn insert(&mut self, row: &str, (times, _): (usize, u8)) -> Result<usize, String> {
        let mut rows = self.rows.borrow_mut();
        if rows.len() == Self::MOST {
            return Err("full".into());
        }
        rows.push(row.repeat(times));
        Ok(rows.len())
    }

    pub(crate) fn len(&self) -> usize {
        assert_eq!(thread::current().id(), self.home);
        self.rows.borrow().len()
    }

    pub(crate) fn get<'a>(&'a self, at: usize, default: &'a str) -> String {
        self.rows.borrow().get(at).cloned().unwrap_or_else(|| default.into())
    }

    pub(crate) fn show<T: Display + Send + 'static, const N: usize>(
        self: &mut Self,
        items: [T; N],
        last: impl Display + Send + 'static,
    ) -> String
    where
        T: Clone,
    {
        items.iter().map(T::to_string).collect::<String>() + &last.to_string() + &self.helper()
    }

    pub(crate) fn array(&self, _: [u8; Self::MOST]) -> [u8; Self::MOST] {
        [0; Self::MOST]
    }

    pub(crate) fn clear(&mut self) {
        self.rows.borrow_mut().clear()
    }

    pub(crate) fn fails(&self) -> u8 {
        panic!("on purpose")
    }

    /// Has nothing to do with any one database.
    pub(crate) fn version(prefix: &str) -> String {
        prefix.to_owned() + "1"
    }

    #[async_wrap(name = actor_name)]
    pub(crate) fn actor(&self) -> &'static str {
        "db"
    }

    #[async_wrap(skip)]
    pub(crate) fn rows(&self) -> &Rc<RefCell<Vec<String>>> {
        &self.rows
    }

    #[async_wrap(skip)]
    pub(crate) fn into_rows(self) -> usize {
        self.rows().borrow().len()
    }

    /// Private: not the handle's.
    fn helper(&self) -> String {
        String::from("!")
    }

    /// Private, and the handle's all the same.
    #[async_wrap]
    fn marked(&self) -> ThreadId {
        self.home
    }

    #[cfg(any())]
    pub(crate) fn absent(self) -> Absent {}
}

impl Drop for Db {
    fn drop(&mut self) {
        if let Some(dropped) = &self.dropped {
            *dropped.lock().unwrap() = Some(thread::current().id());
        }
    }
}

#[test]
fn constructors_run_on_the_actor_s_thread() {
    block_on(async {
        let db = AsyncDb::new(1, None).await;
        assert_ne!(db.marked().await, thread::current().id());
        assert_eq!(db.len().await, 1);

        let opening = {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
            AsyncDb::open(&path)
        };
        assert_eq!(opening.await.unwrap().get(0, "").await, "true");
        assert!(AsyncDb::open(Path::new("/no/such/file")).await.is_err());
        assert_eq!(AsyncDb::parse("2").await.unwrap().len().await, 2);
        let error: ParseIntError = AsyncDb::parse("x").await.unwrap_err();
        assert_eq!(error, "x".parse::<u8>().unwrap_err());
        assert!(AsyncDb::some(false).await.is_none());
        assert_eq!(AsyncDb::some(true).await.unwrap().len().await, 0);
    });
    let panicked = std::panic::catch_unwind(|| block_on(AsyncDb::panics()));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"no database"));
}

#[test]
fn methods_are_calls_of_the_actor() {
    block_on(async {
        let db = AsyncDb::new(1, None).await;
        let call = {
            let row = String::from("ab");
            db.insert(&row, (2, 0))
        };
        assert_eq!(call.await, Ok(2));
        assert_eq!(db.get(1, "").await, "abab");
        assert_eq!(db.get(7, "none").await, "none");
        assert_eq!(db.show([1, 2], "x").await, "12x!");
        assert_eq!(db.array([1; 3]).await, [0; 3]);
        assert_eq!(db.actor_name().await, "db");
        assert_eq!(AsyncDb::version("v").await, "v1");
        assert_eq!(Db::version("v"), "v1");

        // In the order in which they are started.
        let calls: Vec<_> = (0..3).map(|n| db.insert(&n.to_string(), (1, 0)).start()).collect();
        let results: Vec<_> = gather(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [Ok(3), Err("full".into()), Err("full".into())]);

        let other = db.clone();
        other.clear().await;
        assert_eq!(db.len().await, 0);
        assert!(format!("{db:?}").contains("Actor"));
        let failed = db.fails().settle().await;
        assert!(matches!(failed, Err(TaskError::Panicked(panic)) if panic.message() == "on purpose"));
    });
}

#[test]
fn the_value_is_dropped_where_it_lived() {
    let dropped = Arc::new(Mutex::new(None));
    block_on(async {
        let db = AsyncDb::new(0, Some(dropped.clone())).await;
        let home = db.marked().await;
        let rows = db.actor().with(|db| db.rows().clone().borrow().len() + db.helper().len());
        assert_eq!(rows.await.unwrap(), 1);
        db.actor().shutdown().await.unwrap();
        assert_eq!(*dropped.lock().unwrap(), Some(home));
        assert!(db.len().settle().await.is_err());
    });
}

#[test]
fn a_handle_is_made_of_any_actor() {
    let db = AsyncDb::from(Actor::new(|| Db::new(2, None)));
    assert_eq!(block_on(db.len()), 2);
}

#[test]
fn a_skipped_method_is_called_on_the_value() {
    let db = AsyncDb::from(Actor::new(|| Db::new(2, None)));
    assert_eq!(block_on(db.actor().call(|db| std::mem::replace(db, Db::new(0, None)).into_rows())), 2);
}

/// Every future and handle can change threads, whatever the value can.
#[test]
fn handles_and_calls_are_send() {
    fn send<F: Future + Send + 'static>(future: F) -> F::Output {
        block_on(future)
    }
    fn shared<T: Send + Sync + Clone + Debug + 'static>(value: T) -> T {
        value
    }
    let db = shared(send(AsyncDb::new(1, None)));
    assert_eq!(send(db.len()), 1);
    assert_eq!(send(async move { db.get(0, "x").await + &AsyncDb::version("").await }), "1");
}

struct Cache<T: ?Sized, const N: usize>(Rc<Cell<usize>>, Box<T>);

#[async_wrap(actor = AsyncCache)]
impl<T, const N: usize> Cache<T, N>
where
    T: Clone + Send + 'static,
{
    fn unused() {}

    pub(crate) fn new(value: T) -> Cache<T, N> {
        Self(Rc::new(Cell::new(0)), Box::new(value))
    }

    pub(crate) fn get(&self) -> (T, usize) {
        self.0.set(self.0.get() + N);
        ((*self.1).clone(), self.0.get())
    }

    pub(crate) fn pair<U: Send + Clone + 'static>(&mut self, other: &U, values: &[T]) -> (Vec<T>, U) {
        (values.to_vec(), other.clone())
    }

    pub(crate) fn twice(value: T) -> (T, T) {
        (value.clone(), value)
    }
}

#[test]
fn generic_values() {
    block_on(async {
        let cache = AsyncCache::<_, 3>::new("x").await;
        assert_eq!(cache.get().await, ("x", 3));
        assert_eq!(cache.get().await, ("x", 6));
        assert_eq!(cache.pair(&1, &["y"]).await, (vec!["y"], 1));
        assert_eq!(AsyncCache::<_, 3>::twice(1).run(), (1, 1));
        let _: fn() = Cache::<u8, 1>::unused;
    });
}

mod visibility {
    use anyloop::async_wrap;

    pub(super) struct Counter(u32);

    // As visible as its most visible method.
    #[async_wrap(actor = Counting, crate = anyloop)]
    impl Counter {
        #[async_wrap]
        fn new() -> Self {
            Self(0)
        }

        pub(super) fn made() -> Self {
            Self::new()
        }

        pub(super) fn next(&mut self) -> u32 {
            self.0 += 1;
            self.0
        }
    }

    pub(super) async fn through_a_private_one() -> u32 {
        Counting::new().await.next().await
    }
}

#[test]
fn methods_are_as_visible_as_the_value_s() {
    assert_eq!(block_on(visibility::through_a_private_one()), 1);
    block_on(async {
        let counting: visibility::Counting = visibility::Counting::made().await;
        assert_eq!(gather((counting.next(), counting.next())).await, (1, 2));
    });
}

macro_rules! counter {
    ($value:ident, $handle:ident, $start:expr, $by:ty) => {
        struct $value($by);

        #[async_wrap(actor = $handle)]
        impl $value {
            pub(crate) fn start() -> Self {
                Self($start)
            }

            pub(crate) fn add(&mut self, value: $by, text: &str) -> $by {
                self.0 += value + text.len() as $by;
                self.0
            }
        }
    };
}

counter!(Small, AsyncSmall, 1, u8);
counter!(Large, AsyncLarge, 10, u64);

#[test]
fn in_macros() {
    block_on(async {
        assert_eq!(AsyncSmall::start().await.add(1, "a").await, 3);
        assert_eq!(AsyncLarge::start().await.add(1, "a").await, 12);
    });
}

struct Buffer(&'static mut [u8]);

#[async_wrap(actor = AsyncBuffer)]
impl Buffer {
    pub(crate) fn new(bytes: &'static mut [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn swap(&mut self, bytes: &'static mut [u8]) -> &'static mut [u8] {
        std::mem::replace(&mut self.0, bytes)
    }
}

#[test]
fn mutable_borrows_for_ever_are_owned() {
    let buffer = block_on(AsyncBuffer::new(Box::leak(Box::new([1]))));
    assert_eq!(block_on(buffer.swap(Box::leak(Box::new([2, 3])))), [1]);
    assert_eq!(block_on(buffer.swap(&mut [])), [2, 3]);
}

struct Conditional(u8);

#[async_wrap(actor = AsyncConditional)]
impl Conditional {
    #[cfg_attr(all(), async_wrap)]
    fn new() -> Self {
        Self(1)
    }

    #[cfg_attr(all(), cfg(any()))]
    pub(crate) fn absent(&self) -> Absent {}

    #[cfg_attr(all(), async_wrap(skip))]
    pub(crate) fn skipped(self) {}

    #[cfg_attr(all(), deprecated = "for a test", doc = "Gives it.")]
    pub(crate) fn old(&self) -> u8 {
        self.0
    }
}

#[test]
fn attributes_may_be_conditional() {
    let handle = block_on(AsyncConditional::new());
    #[expect(deprecated, reason = "the attribute is kept")]
    let call = handle.old();
    assert_eq!(block_on(call), 1);
    Conditional(1).skipped();
}

trait Sorted {
    const STEP: u8;
}

struct List<T>(T);

impl Sorted for List<u8> {
    const STEP: u8 = 2;
}

#[async_wrap(actor = AsyncList)]
impl<T: Send + 'static> List<T>
where
    Self: Sorted,
{
    pub(crate) fn new(first: T) -> Self {
        Self(first)
    }

    pub(crate) fn step(&self) -> u8
    where
        Self: Sized,
    {
        let _ = &self.0;
        Self::STEP
    }
}

#[test]
fn bounds_may_name_the_value_as_self() {
    assert_eq!(block_on(block_on(AsyncList::new(1_u8)).step()), 2);
}
