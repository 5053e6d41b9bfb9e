//! Each way to take an argument, and each way to give a result.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyloop::async_wrap;
use pollster::block_on;

#[async_wrap]
fn nothing() {}

#[async_wrap]
fn owned(a: u32, b: String) -> String {
    format!("{a}{b}")
}

#[async_wrap]
fn borrowed(text: &str, path: &Path, os: &OsStr, c: &CStr, items: &[u32], one: &String) -> usize {
    text.len() + path.as_os_str().len() + os.len() + c.count_bytes() + items.len() + one.len()
}

#[test]
fn a_call_outlives_what_it_was_given() {
    block_on(nothing());
    assert_eq!(block_on(owned(1, "x".into())), "1x");
    let call = {
        let (text, one) = (String::from("ab"), String::from("abcdef"));
        borrowed(&text, Path::new("abc"), OsStr::new("abcd"), c"abcde", &[1, 2], &one)
    };
    assert_eq!(block_on(call), 22);
}

#[async_wrap]
fn named<'a>(left: &'a str, right: &'a str) -> usize {
    let all: Vec<&'a str> = vec![left, right];
    'a: loop {
        if all.len() == 2 {
            break 'a all.concat().len();
        }
    }
}

#[async_wrap]
fn forever(text: &'static str, list: &[&'static str], exclusive: &'static mut u8) -> &'static str {
    *exclusive += 1;
    if list.is_empty() { text } else { list[0] }
}

type Exclusive = &'static mut u8;

#[async_wrap]
fn under_another_name(exclusive: Exclusive, (other, _): (Exclusive, u8)) -> Exclusive {
    *exclusive += *other;
    exclusive
}

#[test]
fn lifetimes() {
    assert_eq!(block_on(under_another_name(Box::leak(Box::new(1)), (Box::leak(Box::new(2)), 0))), &3);
    assert_eq!(block_on(named("a", "bc")), 3);
    let given: &'static str = block_on(forever("x", &["y"], Box::leak(Box::new(1))));
    assert_eq!(given, "y");
}

struct Point {
    x: i32,
    y: i32,
}

#[async_wrap]
fn patterns(
    (a, b): (i32, i32),
    Point { x, y }: Point,
    mut sum: i32,
    _: String,
    &[first, ..]: &[i32; 3],
    [_, last]: [i32; 2],
    whole @ Point { .. }: Point,
) -> i32 {
    sum += a + b + x + y + first + last + whole.x * whole.y;
    sum
}

#[test]
fn every_pattern() {
    let point = |n| Point { x: n, y: n };
    let call = patterns((1, 2), point(3), 10, String::new(), &[4, 0, 0], [0, 5], point(2));
    assert_eq!(block_on(call), 32);
}

struct CountsDrops(Arc<AtomicUsize>);

impl Drop for CountsDrops {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_wrap]
fn ignores(_: CountsDrops, (_, _b): (CountsDrops, CountsDrops), drops: &Arc<AtomicUsize>) -> usize {
    drops.load(Ordering::SeqCst)
}

#[test]
fn what_a_pattern_ignores_lives_as_long_as_the_call() {
    let drops = Arc::new(AtomicUsize::new(0));
    let new = || CountsDrops(drops.clone());
    let call = ignores(new(), (new(), new()), &drops);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    assert_eq!(block_on(call), 0);
    assert_eq!(drops.load(Ordering::SeqCst), 3);
}

#[async_wrap]
fn generic<T, const N: usize>(items: &[T; N], one: T) -> Vec<T>
where
    T: Clone + Send + 'static,
{
    let mut all: Vec<T> = items.to_vec();
    all.push(one);
    all
}

#[async_wrap]
fn slice<T: Clone + Display + Send + 'static>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect()
}

#[async_wrap]
fn any_owner<T: ?Sized + ToOwned<Owned: Send> + AsRef<[u8]> + 'static>(value: &T) -> usize {
    value.as_ref().len()
}

#[async_wrap]
fn opaque(text: impl AsRef<str> + Send + 'static, n: impl Into<u64> + Send + 'static) -> u64 {
    text.as_ref().len() as u64 + n.into()
}

#[async_wrap]
fn opaque_inside(mut all: Vec<impl Display + Send + 'static>) -> String {
    all.pop().map(|last| last.to_string()).unwrap_or_default()
}

#[test]
fn generics() {
    assert_eq!(block_on(generic(&[1, 2], 3)), [1, 2, 3]);
    assert_eq!(block_on(generic::<&'static str, 1>(&["a"], "b")), ["a", "b"]);
    assert_eq!(block_on(slice(&[1, 2])), "12");
    assert_eq!(block_on(any_owner("abc")), 3);
    assert_eq!(block_on(any_owner(&vec![1])), 1);
    assert_eq!(block_on(opaque("abc", 4_u8)), 7);
    assert_eq!(block_on(opaque_inside(vec![1.5])), "1.5");
}

#[async_wrap]
fn fallible(text: &str) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
    let n: i32 = text.parse()?;
    if n < 0 {
        return Err("negative".into());
    }
    Ok(n)
}

#[async_wrap]
fn iterator(n: u32) -> impl Iterator<Item = u32> + Send {
    if n == 0 {
        return 0..0;
    }
    0..n
}

#[async_wrap]
fn iterator_of(text: &str) -> Result<impl Iterator<Item = char> + use<>, std::fmt::Error> {
    if text.is_empty() {
        return Err(std::fmt::Error);
    }
    Ok(text.to_owned().into_bytes().into_iter().map(char::from))
}

#[async_wrap]
fn closure(n: i32) -> Box<dyn Fn(&str) -> i32 + Send> {
    Box::new(move |text| n + text.len() as i32)
}

#[async_wrap]
fn calls_back(f: fn(&str) -> usize, g: &(impl_free::Callback, u8), h: Box<dyn Fn(&str) + Send>) -> usize {
    h("");
    f("ab") + (g.0)("abc")
}

mod impl_free {
    pub(crate) type Callback = for<'a> fn(&'a str) -> usize;
}

#[async_wrap]
fn panics() -> String {
    panic!("always")
}

#[test]
fn results() {
    assert_eq!(block_on(fallible("7")).unwrap(), 7);
    assert_eq!(block_on(fallible("-7")).unwrap_err().to_string(), "negative");
    assert!(block_on(fallible("x")).is_err());
    assert_eq!(block_on(iterator(3)).sum::<u32>(), 3);
    assert_eq!(block_on(iterator_of("ab")).unwrap().count(), 2);
    assert_eq!(block_on(closure(1))("ab"), 3);
    let call = calls_back(str::len, &(|text| text.len(), 0), Box::new(|_| ()));
    assert_eq!(block_on(call), 5);
    assert!(std::panic::catch_unwind(|| block_on(panics())).is_err());
}

#[derive(Clone)]
struct Prefix(String);

impl Prefix {
    #[async_wrap]
    fn before(&self, text: &str) -> String {
        format!("{}{text}", self.0)
    }
}

#[async_wrap]
fn letters(text: &str) -> impl Iterator<Item = char> + Send + use<> {
    text.chars().collect::<Vec<_>>().into_iter()
}

/// What is lent to make a call can end before the call does, and before it begins.
#[test]
fn calls_borrow_nothing() {
    let prefixed: Vec<_> = (0..3).map(|n| Prefix(n.to_string()).before(&n.to_string())).collect();
    assert_eq!(block_on(anyloop::gather(prefixed)), ["00", "11", "22"]);
    let letters = anyloop::gather(["a", "bc"].map(|text| letters(&text.to_uppercase())));
    assert_eq!(block_on(letters).into_iter().flatten().collect::<String>(), "ABC");
}

#[async_wrap]
fn locked(state: Arc<Mutex<Vec<u8>>>) -> usize {
    // The guard is dropped before `state`, in every edition.
    state.lock().unwrap().len()
}

#[async_wrap]
fn cleared(state: Arc<Mutex<Vec<u8>>>, map: &HashMap<String, u8>) {
    state.lock().unwrap().truncate(map.len())
}

#[test]
fn temporaries_end_before_arguments() {
    let state = Arc::new(Mutex::new(vec![1, 2]));
    block_on(cleared(state.clone(), &HashMap::from([("a".into(), 1)])));
    assert_eq!(block_on(locked(state)), 1);
}

#[async_wrap]
fn conditional(#[cfg(any())] absent: Absent, #[cfg(not(any()))] present: &str) -> usize {
    present.len()
}

/// Kept.
#[async_wrap]
#[must_use = "the sum is all it gives"]
#[deprecated(note = "kept too")]
#[inline]
#[track_caller]
#[allow(clippy::too_many_arguments, clippy::mixed_attributes_style, reason = "that is what is tested")]
pub fn attributes(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
    #![allow(unused_variables, reason = "an inner attribute must stay the first")]
    let unused = 1;
    a + b + c + d + e + f + g + h
}

#[test]
fn what_stands_on_functions_and_arguments_is_kept() {
    assert_eq!(block_on(conditional("abc")), 3);
    #[expect(deprecated, reason = "the attribute is kept")]
    let call = attributes(1, 1, 1, 1, 1, 1, 1, 1);
    assert_eq!(block_on(call), 8);
}

#[test]
fn calls_are_taken_over_when_they_are_made() {
    let mut text = String::from("before");
    #[async_wrap]
    fn read(text: &String) -> String {
        text.clone()
    }
    let call = read(&text);
    text.clear();
    assert_eq!(block_on(call), "before");
}

#[async_wrap]
fn mutable_reference(ref mut bytes: Vec<u8>) -> usize {
    bytes.push(1);
    bytes.len()
}

#[async_wrap]
fn mutable_part((ref mut bytes, n): (Vec<u8>, u8)) -> Vec<u8> {
    bytes.push(n);
    std::mem::take(bytes)
}

#[test]
fn patterns_borrow_mutably() {
    assert_eq!(block_on(mutable_reference(vec![0])), 2);
    assert_eq!(block_on(mutable_part((vec![0], 1))), [0, 1]);
}

#[async_wrap]
#[warn(clippy::no_effect_underscore_binding)]
fn named_as_unused(_n: u8, _text: &str, (_, _b): (u8, u8)) {}

/// A handle vouches for what comes out of it.
#[async_wrap]
fn vouched(handle: Option<std::thread::JoinHandle<Box<dyn std::error::Error>>>) -> bool {
    handle.is_some()
}

#[test]
fn what_says_of_itself_that_it_can_move() {
    block_on(named_as_unused(1, "", (1, 2)));
    assert!(!block_on(vouched(None)));
}
