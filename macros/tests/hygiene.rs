//! The expansion means the same beside items that have the names it needs, and in macros.

#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, reason = "the items are there to be in the way")]

mod core {}
mod std {}
mod alloc {}
struct String;
struct Box;
struct Vec;
struct Call;
struct Work;
struct Limiter;
struct Borrow;
struct ToOwned;
enum Option {}
enum Result {}
trait Send {}
trait Sync {}
trait Clone {
    fn clone(&self) -> Self;
}
trait Fn {}
trait FnOnce {}

struct Actor;
struct ActorCall;
trait From {}
trait Debug {}
trait Future {}

impl<T: ?::core::marker::Sized> Method for T {}
/// Methods with the names of those of `Call`.
trait Method {
    fn on(&self) {}
    fn limit(&self) {}
    fn on_native(&self) {}
    fn to_owned(&self) {}
    fn borrow(&self) {}
    fn call(&self) {}
    fn actor(&self) {}
    fn from(&self) {}
    fn map(&self) {}
}

#[derive(::core::clone::Clone)]
struct Object(u32);

impl Object {
    #[::anyloop::async_wrap]
    fn new(n: u32, _text: &str) -> Self {
        Self(n)
    }

    #[::anyloop::async_wrap(limit = 4)]
    fn get(&self, text: &str) -> usize {
        text.len() + self.0 as usize
    }

    #[::anyloop::async_wrap]
    fn into(self) -> u32 {
        self.0
    }
}

#[::anyloop::async_wrap(pool = ::anyloop::ThreadPool::global(), limit = 2)]
fn free<T: ::core::clone::Clone + ::core::marker::Send + 'static>(items: &[T]) -> usize {
    items.len()
}

#[::anyloop::async_wrap]
fn recursive(n: u32, text: &str) -> u32 {
    if n == 0 { text.len() as u32 } else { 1 + recursive(n - 1, text) }
}

#[::anyloop::async_wrap(limit = 2, pool = ::anyloop::ThreadPool::global())]
impl Object {
    fn in_a_block(&self, text: &str) -> usize {
        text.len() + self.0 as usize
    }

    #[::anyloop::async_wrap(name = stays_async)]
    fn stays(&self, items: &[u8]) -> usize {
        items.len()
    }
}

#[::anyloop::async_wrap(name = beside_async)]
fn beside(text: &str) -> usize {
    text.len()
}

struct Value(u32);

#[::anyloop::async_wrap(actor = Handle)]
impl Value {
    #[::anyloop::async_wrap]
    fn new(text: &str) -> ::core::result::Result<Self, u8> {
        ::core::result::Result::Ok(Self(text.len() as u32))
    }

    #[::anyloop::async_wrap]
    fn maybe() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self(0))
    }

    #[::anyloop::async_wrap]
    fn add(&mut self, value: u32, text: &str) -> u32 {
        self.0 += value + text.len() as u32;
        self.0
    }

    #[::anyloop::async_wrap]
    fn plain(text: &str) -> usize {
        text.len()
    }
}

#[::core::prelude::v1::test]
fn nothing_is_in_the_way_of_blocks_and_actors() {
    ::core::assert_eq!(::pollster::block_on(Object(1).in_a_block("ab")), 3);
    ::core::assert_eq!(::pollster::block_on(Object(1).stays_async(&[1, 2])), Object(1).stays(&[1, 2]));
    ::core::assert_eq!(::pollster::block_on(beside_async("abc")), beside("abc"));
    let handle = match ::pollster::block_on(Handle::new("ab")) {
        ::core::result::Result::Ok(handle) => handle,
        ::core::result::Result::Err(_) => ::core::unreachable!(),
    };
    ::core::assert_eq!(::pollster::block_on(handle.add(1, "x")), 4);
    ::core::assert_eq!(::pollster::block_on(Handle::plain("x")), 1);
    ::core::assert!(::pollster::block_on(Handle::maybe()).is_some());
}

/// The names that the expansion gives to things are not seen by the body, nor the other way round.
#[::anyloop::async_wrap]
fn names((result, arg1): (u32, u32), call: u32) -> u32 {
    let work = result + arg1;
    work + call
}

#[::core::prelude::v1::test]
fn nothing_is_in_the_way() {
    let object = ::pollster::block_on(Object::new(1, "x"));
    ::core::assert_eq!(::pollster::block_on(object.get("ab")), 3);
    ::core::assert_eq!(::pollster::block_on(object.into()), 1);
    ::core::assert_eq!(::pollster::block_on(free(&[1, 2])), 2);
    ::core::assert_eq!(::pollster::block_on(recursive(3, "x")), 4);
    ::core::assert_eq!(::pollster::block_on(names((1, 2), 3)), 6);
}

#[::anyloop::test]
async fn a_test() -> ::core::result::Result<(), u8> {
    ::core::result::Result::Ok(())
}

#[::anyloop::main]
async fn entry() -> u32 {
    names((1, 2), 3).await
}

macro_rules! wrapped {
    ($name:ident, $argument:ident: $ty:ty, $given:ty, $body:expr) => {
        #[::anyloop::async_wrap]
        fn $name($argument: $ty, result: u32) -> $given {
            let _ = result;
            $body
        }
    };
}

wrapped!(in_a_macro, text: &str, usize, text.len());
wrapped!(in_a_macro_too, items: &[u8], u8, items[0]);
wrapped!(recursive_in_a_macro, n: u32, u32, if n == 0 { 0 } else { recursive_in_a_macro(n - 1, 0) });

macro_rules! with_method {
    ($ty:ident, $name:ident, $this:ident, $body:expr) => {
        impl $ty {
            #[::anyloop::async_wrap]
            fn $name(&$this) -> u32 {
                let mine = $this.0;
                mine + $body
            }

            #[::anyloop::async_wrap]
            fn fixed(&self, text: &str) -> usize {
                ::core::format_args!("{self:?}{text}");
                text.len() + self.0 as usize
            }
        }
    };
}

impl ::core::fmt::Debug for Object {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str("Object")
    }
}

with_method!(Object, doubled, self, self.0);

#[::core::prelude::v1::test]
fn in_macros() {
    ::core::assert_eq!(::pollster::block_on(in_a_macro("abc", 0)), 3);
    ::core::assert_eq!(::pollster::block_on(in_a_macro_too(&[7], 0)), 7);
    ::core::assert_eq!(::pollster::block_on(recursive_in_a_macro(2, 0)), 0);
    ::core::assert_eq!(::pollster::block_on(Object(2).doubled()), 4);
    ::core::assert_eq!(::pollster::block_on(Object(2).fixed("ab")), 4);
}
