//! `name = other_name`: the blocking function stays, and an async one is made beside it.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyloop::{Limiter, ThreadPool, async_wrap};
use pollster::block_on;

/// Counts in a `static` of its own: there is one of it, whichever way it is called.
#[async_wrap(name = count_async)]
fn count(text: &str) -> usize {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    text.len() + 100 * CALLS.fetch_add(1, Ordering::SeqCst)
}

#[test]
fn both_are_there() {
    let call = {
        let text = String::from("abc");
        count_async(&text)
    };
    assert_eq!(count("ab"), 2);
    assert_eq!(block_on(call), 103);
    static LIMITER: Limiter = Limiter::new(1);
    let scheduled = count_async("").on(&ThreadPool::global()).limit(&LIMITER);
    assert_eq!(block_on(scheduled.settle()).unwrap(), 200);
}

#[async_wrap(name = size_async, limit = 2)]
const fn size<const N: usize>(items: &[u8; N]) -> usize {
    items.len()
}

const SIZE: usize = size(&[1, 2]);

#[async_wrap(name = twice_async)]
extern "C" fn twice(n: u32) -> u32 {
    2 * n
}

#[async_wrap(name = factorial_async)]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[async_wrap(name = show_async)]
fn show<T>((one, mut many): (T, Vec<T>), last: impl Display + Send + 'static, _: &Path) -> String
where
    T: Display + Send + 'static,
{
    many.push(one);
    many.iter().map(T::to_string).collect::<String>() + &last.to_string()
}

/// One of two functions of the same name, of which one is there.
#[async_wrap(name = bits_async)]
#[cfg(target_pointer_width = "64")]
fn bits() -> u8 {
    64
}

#[async_wrap(name = bits_async)]
#[cfg(not(target_pointer_width = "64"))]
fn bits() -> u8 {
    32
}

#[test]
fn a_function_inside_another_is_a_free_one() {
    #[async_wrap(name = bits_async)]
    fn bits() -> u8 {
        8
    }
    assert_eq!((bits_async().run(), self::bits_async().run()), (8, self::bits()));
}

#[async_wrap(name = chars_async)]
fn chars(n: u8) -> impl Iterator<Item = char> + Send {
    (0..n).map(|n| char::from(b'a' + n))
}

#[test]
fn each_form() {
    assert_eq!(SIZE, block_on(size_async(&[1, 2])));
    assert_eq!(twice(1), block_on(twice_async(1)));
    assert_eq!(factorial(5), block_on(factorial_async(5)));
    let shown = show_async((1, vec![2, 3]), "x", Path::new(""));
    assert_eq!(block_on(shown), show((1, vec![2, 3]), "x", Path::new("")));
    assert_eq!(block_on(chars_async(3)).collect::<String>(), "abc");
}

#[derive(Clone)]
struct Db<T>(T);

impl<T: Clone + Display + Send + Sync + 'static> Db<T> {
    /// It mentions `Self`, by which it is known as an associated function.
    #[async_wrap(name = open_async)]
    fn open(value: &T) -> Self {
        Self(value.clone())
    }

    /// What mentions no `Self` says so.
    #[async_wrap(name = Self::width_async)]
    fn width(value: T) -> usize {
        value.to_string().len()
    }

    #[async_wrap(name = get_async)]
    fn get(&self, extra: &str) -> String {
        format!("{}{extra}", self.0)
    }

    #[async_wrap(name = get_shared_async)]
    fn get_shared(self: &Arc<Self>) -> usize {
        Arc::strong_count(self)
    }

    #[async_wrap(name = into_inner_async)]
    fn into_inner(self) -> T {
        self.0
    }

    #[async_wrap(name = changed_async)]
    fn changed<U: Into<T> + Send + 'static>(mut self: Box<Self>, by: U) -> Box<Self> {
        self.0 = by.into();
        self
    }
}

#[test]
fn methods() {
    let db = block_on(Db::open_async(&7));
    assert_eq!(Db::open(&7).0, db.0);
    assert_eq!(block_on(Db::width_async(12)), Db::width(12));
    assert_eq!(block_on(db.get_async("x")), db.get("x"));
    let shared = Arc::new(db.clone());
    assert_eq!(block_on(shared.get_shared_async()), 2);
    assert_eq!(shared.get_shared(), 1);
    assert_eq!(block_on(Box::new(db.clone()).changed_async(8_u8)).into_inner(), 8);
    assert_eq!(Box::new(db.clone()).changed(9_u8).0, 9);
    assert_eq!(block_on(db.into_inner_async()), 7);
}

trait Store: Clone + Send + 'static {
    /// In a trait, the async method is a provided one: impls write the blocking method only.
    #[async_wrap(name = load_async)]
    fn load(&self, key: &str) -> usize;

    #[async_wrap(name = size_async)]
    fn size(&self) -> usize {
        self.load("all")
    }
}

impl Store for Db<u8> {
    fn load(&self, key: &str) -> usize {
        key.len() + usize::from(self.0)
    }
}

#[test]
fn traits() {
    assert_eq!(block_on(Db(1_u8).load_async("ab")), 3);
    assert_eq!(block_on(Db(1_u8).size_async()), Db(1_u8).size());
}

mod attributes {
    #![deny(deprecated, clippy::too_many_arguments)]

    use anyloop::async_wrap;

    /// Documented once, for both.
    #[async_wrap(name = both_async)]
    #[must_use]
    #[track_caller]
    #[deprecated(note = "both are")]
    #[expect(clippy::too_many_arguments, reason = "of the first it is")]
    #[cold]
    #[unsafe(export_name = "anyloop_macros_tests_beside_both")]
    #[allow(
        clippy::mixed_attributes_style,
        unsafe_code,
        reason = "for the exported name, which is the first one's only"
    )]
    pub(crate) fn both(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
        #![allow(unused_variables, reason = "an inner attribute is the first one's")]
        let unused = 1;
        a + b + c + d + e + f + g + h
    }

    #[async_wrap(name = absent_async)]
    #[cfg(any())]
    fn absent(_: Absent) {}
}

#[test]
#[expect(deprecated, reason = "the attribute holds for both")]
fn attributes_hold_for_both() {
    assert_eq!(block_on(attributes::both_async(1, 1, 1, 1, 1, 1, 1, 1)), 8);
    assert_eq!(attributes::both(1, 1, 1, 1, 1, 1, 1, 1), 8);
}

#[async_wrap(name = take_over_async)]
fn take_over(exclusive: &'static mut u8, (ref mut bytes, n): (Vec<u8>, u8)) -> &'static mut u8 {
    bytes.push(n);
    *exclusive += bytes[0];
    exclusive
}

struct Held(u8);

impl Held {
    #[async_wrap(name = stay_async)]
    fn stay(&'static mut self, exclusive: &'static mut u8) -> &'static mut Self {
        *exclusive += 1;
        self
    }
}

#[test]
fn mutable_borrows_for_ever() {
    assert_eq!(block_on(take_over_async(Box::leak(Box::new(1)), (Vec::new(), 2))), &3);
    assert_eq!(block_on(Box::leak(Box::new(Held(4))).stay_async(Box::leak(Box::new(1)))).0, 4);
}
