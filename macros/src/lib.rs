//! The attributes of [anyloop]: [`macro@async_wrap`], [`macro@main`] and [`macro@test`].
//!
//! Use them through the `anyloop` crate, which exports them, and to whose items they expand.
//!
//! [anyloop]: https://docs.rs/anyloop

mod actor;
mod actor_method;
mod args;
mod argument;
mod attributes;
mod beside;
mod block;
mod body;
mod borrow;
mod cfg_attr;
mod display;
mod entry;
mod errors;
mod expand;
#[cfg(test)]
mod expansions;
mod function;
mod inner;
mod lent;
mod parameter;
mod receiver;
mod recursion;
mod rename;
mod self_type;
mod sent;
mod signature;
mod thread_bound;
mod tokens;
mod vocabulary;

use proc_macro::TokenStream;

/// Makes a blocking function one that is awaited.
///
/// `fn f(a: A, s: &str) -> R` becomes `fn f(a: A, s: &str) -> Call<impl Work<Output = R>>`. To call it
/// does nothing yet; to await the call runs the body on a pool of threads, with the async code free to
/// do other things meanwhile.
///
/// ```
/// use std::path::Path;
/// use anyloop::async_wrap;
///
/// #[async_wrap]
/// fn size(path: &Path) -> std::io::Result<u64> {
///     Ok(std::fs::metadata(path)?.len())
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let call = size(Path::new("Cargo.toml")); // nothing has happened yet
/// let bytes = call.run()?; // runs it here; in async code write `call.await?`
/// assert!(bytes > 0);
/// # Ok(())
/// # }
/// ```
///
/// # Arguments
///
/// A call may run after the function that made it is gone, so it owns what it works on:
///
/// | argument | at the call | in the body |
/// |---|---|---|
/// | `value: T` | is moved | as it was |
/// | `text: &str`, `&Path`, `&CStr`, `&[T]`, `&T` with `T: Clone` | is copied, with [`ToOwned`] | a reference to the copy |
/// | `text: &'static T` | is passed on | as it was |
/// | `value: impl Trait` | is moved | as it was; ask for `Send + 'static` too |
///
/// Everything must be [`Send`] and `'static`, the result too. What cannot be taken over (`&mut T`,
/// `&dyn Trait`, `Option<&str>`, `&[&str]`, `Cow<'_, str>`, a borrow as result) is a compile error that
/// says what to write instead.
///
/// ```
/// # use anyloop::async_wrap;
/// #[async_wrap]
/// fn longest(words: &[String], (from, to): (usize, usize), mut best: String) -> String {
///     for word in &words[from..to] {
///         if word.len() > best.len() {
///             best.clone_from(word);
///         }
///     }
///     best
/// }
///
/// let words = vec!["a".to_owned(), "abc".to_owned()];
/// let call = longest(&words, (0, 2), String::new());
/// drop(words);
/// assert_eq!(call.run(), "abc");
/// ```
///
/// A call borrows nothing, neither arguments nor `self`, so it can be made of what is there for a moment only:
///
/// ```
/// # use anyloop::{async_wrap, gather};
/// #[async_wrap]
/// fn read(path: &str) -> std::io::Result<Vec<u8>> {
///     std::fs::read(path)
/// }
///
/// # pollster::block_on(async {
/// let parts = gather((0..3).map(|n| read(&format!("part-{n}")))).await;
/// assert_eq!(parts.len(), 3);
/// # })
/// ```
///
/// Two kinds of signature are excepted, and there the compiler says that the call references borrowed data: one with a
/// lifetime that has bounds (`'a: 'b`), and, in edition 2024, one whose result is an `impl Trait` that does not say `use<>`, as in
/// `impl Iterator<Item = u8> + Send + use<>`. Take what is owned by value there, or give what is borrowed a name that lives longer.
///
/// # Methods
///
/// The attribute stands on the method, in inherent, generic and trait impls alike, or on the whole block.
///
/// | receiver | at the call |
/// |---|---|
/// | `self`, `mut self`, `self: Arc<Self>`, `self: Box<Self>` | is moved |
/// | `&self` | is cloned, and the body has `&Self` of the clone |
/// | `self: &Arc<Self>` | the `Arc` is cloned |
///
/// ```
/// use std::sync::Arc;
/// use anyloop::{Call, Work, async_wrap};
///
/// trait Store {
///     // How a trait declares a method that its impls wrap.
///     fn load(self: &Arc<Self>, key: &str) -> Call<impl Work<Output = String>>;
/// }
///
/// struct Folder { root: String }
///
/// impl Store for Folder {
///     #[async_wrap]
///     fn load(self: &Arc<Self>, key: &str) -> String {
///         format!("{}/{key}", self.root)
///     }
/// }
///
/// let folder = Arc::new(Folder { root: "/tmp".to_owned() });
/// assert_eq!(folder.load("a").run(), "/tmp/a");
/// ```
///
/// # Whole `impl` blocks
///
/// On an `impl` block, of a type or of a trait for it, the attribute wraps every method and associated function.
/// `#[async_wrap(skip)]` leaves one as it is, `#[async_wrap(..)]` gives it options of its own; the block's
/// `pool` and `crate` are the defaults, and its `limit` is one limit for all of them together. Constants and
/// types stay. `cfg_attr` may say so of a method: `#[cfg_attr(windows, async_wrap(skip))]`. What cannot be wrapped (an `async fn`, a `const fn`, a `&mut self`) is an error that does not
/// touch the others.
///
/// ```
/// use anyloop::async_wrap;
///
/// #[derive(Clone)]
/// struct Folder { root: String }
///
/// #[async_wrap(limit = 4)]
/// impl Folder {
///     fn read(&self, name: &str) -> std::io::Result<String> {
///         std::fs::read_to_string(self.path(name))
///     }
///
///     fn size(&self, name: &str) -> std::io::Result<u64> {
///         Ok(std::fs::metadata(self.path(name))?.len())
///     }
///
///     #[async_wrap(skip)]
///     fn path(&self, name: &str) -> String {
///         format!("{}/{name}", self.root)
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let folder = Folder { root: ".".to_owned() };
/// assert_eq!(folder.path("a"), "./a");
/// assert_eq!(folder.read("Cargo.toml").run()?.len() as u64, folder.size("Cargo.toml").run()?);
/// # Ok(())
/// # }
/// ```
///
/// In the block, another method is the wrapped one: `self.size(name).run()` runs it on the same thread.
/// The attribute is known by its name there: `#[async_wrap(..)]` or `#[anyloop::async_wrap(..)]`, imported or not; under
/// another, by `use .. as`, it is an error.
///
/// # Objects with a thread of their own
///
/// `#[async_wrap(actor = AsyncDb)]` on the `impl` block of a `Db` leaves that as it is and makes a type
/// `AsyncDb` beside it: a handle, `Clone` and `Debug`, to a `Db` that is made, used and dropped on one thread of its
/// own (an `anyloop::Actor`). The `Db` need be neither `Clone` nor `Send`.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use anyloop::async_wrap;
///
/// pub struct Counter { count: Rc<Cell<u32>> } // not `Send`
///
/// /// Counts, on a thread of its own.
/// #[async_wrap(actor = AsyncCounter)]
/// impl Counter {
///     pub fn starting_at(text: &str) -> Result<Self, std::num::ParseIntError> {
///         Ok(Self { count: Rc::new(Cell::new(text.parse()?)) })
///     }
///
///     pub fn add(&mut self, n: u32) -> u32 {
///         self.count.set(self.count.get() + n);
///         self.count.get()
///     }
///
///     #[async_wrap(skip)]
///     pub fn count(&self) -> &Rc<Cell<u32>> {
///         &self.count
///     }
/// }
///
/// # pollster::block_on(async {
/// let counter = AsyncCounter::starting_at("40").await?;
/// assert_eq!(counter.add(2).await, 42);
/// let doubled = counter.actor().call(|counter| counter.count().get() * 2); // any closure
/// assert_eq!(doubled.await, 84);
/// # Ok::<(), std::num::ParseIntError>(())
/// # }).unwrap();
/// ```
///
/// | in `impl Db` | on `AsyncDb` |
/// |---|---|
/// | `fn open(..) -> Self`, `-> Result<Self, E>`, `-> Option<Self>` | `async fn open(..)`, which gives `AsyncDb` in place of `Self`; it runs on the new thread, and awaiting it goes on with its panic |
/// | `fn get(&self, ..) -> R`, `fn set(&mut self, ..) -> R` | `fn get(&self, ..) -> ActorCall<..>`: a lazy call, `.start()`, `.settle()`; calls run in the order in which they start |
/// | a function that has nothing to do with a `Db` | wrapped as by itself: a `Call` on the default pool, or as its own `pool` and `limit` say |
/// | `fn close(self)`, `self: Rc<Self>` | refused: skip it; `db.actor().close().await` gives the `Db` back, if it is `Send` |
/// | a method that has no visibility, or `#[async_wrap(skip)]` | none |
/// | a method without visibility that has `#[async_wrap]` | there, as private as it is |
///
/// - Arguments are taken over as above; results must be owned, and have a name (no `impl Trait`).
/// - Each method has the visibility that it has in `impl Db`. `AsyncDb` has the one that is given (`actor = pub AsyncDb`), else
///   that of its most visible method.
/// - The block's documentation is that of `AsyncDb`; its lint attributes hold for both.
/// - `#[async_wrap(name = other_name)]` on a method is its name on `AsyncDb`.
/// - `AsyncDb::actor(&self)` is the `Actor<Db>`: for `with`, `close` and `shutdown`. `AsyncDb: From<Actor<Db>>`, so that one with a
///   queue limit, say, comes from `Actor::builder()`.
/// - `impl<T> Db<T>` gives an `AsyncDb<T>` with the same bounds, which say `T: 'static`, and `Send` where values of `T`
///   come or go. A `Db` that borrows has no handle.
/// - One block makes one handle; another block's methods can be called through `actor()`.
///
/// # The blocking function too
///
/// With `name = other_name` the function stays as it is, with its attributes, and the async one is made
/// beside it, with those of its attributes that document it or speak to the compiler (`#[cfg]`, `#[inline]`, lints, ...).
/// It calls the first one; `const fn` and `extern fn` can be such, and in a trait a method without a body: then
/// the async one is a provided method.
///
/// ```
/// # use anyloop::async_wrap;
/// #[async_wrap(name = digits_async)]
/// const fn digits(n: u32) -> u32 {
///     n.ilog10() + 1
/// }
///
/// const DIGITS: u32 = digits(1234);
/// assert_eq!(digits_async(1234).run(), DIGITS);
/// ```
///
/// An associated function that mentions `Self` nowhere looks like a free one; say what it is, `name = Self::other_name`.
/// Without that it does not compile, rather than call a free function of the same name.
///
/// # Recursion
///
/// A free function that calls itself by its bare name calls the plain function, not the wrapped one, so
/// the whole recursion is one call. In a method `self.f()` is the wrapped method: `self.f().run()` runs
/// it on the same thread.
///
/// An associated function without `self` that calls *another* function, which happens to have the same
/// name, says so by a path: `self::load(..)`, not `load(..)`. With the bare name it does not compile.
///
/// ```
/// # use anyloop::async_wrap;
/// #[async_wrap]
/// fn factorial(n: u64) -> u64 {
///     if n == 0 { 1 } else { n * factorial(n - 1) }
/// }
///
/// assert_eq!(factorial(5).run(), 120);
/// ```
///
/// # Options
///
/// - `pool = EXPR`: where calls run, evaluated when the call is made. It can name what the function gets
///   by reference: `pool = self.pool`. Each `POOL.limit(2)` would be another view, and limit nothing: keep one in a `static` and name
///   that, or write `pool = POOL, limit = 2`. (For a method of that name that is another one: `pool = (x.limit(2))`.)
/// - `pool = native`: the pool that the current runtime brings. (A variable of that name: `pool = (native)`.)
/// - `pool = cpu`: for work that keeps a core busy: at most as many at a time as there are cores.
/// - `limit = NUMBER`: at most so many calls of this function run at once, in the whole program (all
///   instances of a generic function together).
/// - `name = other_name`: keep the function, and make the async one beside it under this name.
/// - `skip`: on a method, in a block that is wrapped whole.
/// - `actor = NAME`: on an `impl` block, makes a handle to an object with a thread of its own.
/// - `crate = PATH`: where anyloop is, if it is not `::anyloop`; for macros that expand to wrapped
///   functions.
///
/// ```
/// use std::sync::LazyLock;
/// use anyloop::{ThreadPool, async_wrap};
///
/// static DISK: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(2).unwrap());
///
/// #[async_wrap(pool = DISK, limit = 1)]
/// fn read(path: &str) -> std::io::Result<String> {
///     std::fs::read_to_string(path)
/// }
///
/// assert!(read("/no/such/file").run().is_err());
/// ```
///
/// # What it does not do
///
/// - In a `&self` method `{self}` in a format string is understood in the macros of std, log, tracing, anyhow and the like. A
///   macro of your own gets its literals as they are: write `my_format!("{}", self)`.
/// - A lifetime that a type hides (`Chars` for `Chars<'_>`) cannot be seen: there the compiler says that
///   borrowed data escapes.
/// - What a type hides that is not [`Send`] the compiler finds: it says so under an argument's type, and of a result under the
///   function's name.
/// - `#[track_caller]` holds for making the call; a panic in the body is reported where it happens.
/// - `#[must_use]` without a reason is dropped, as calls have one themselves; with a reason it stays.
#[proc_macro_attribute]
pub fn async_wrap(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::async_wrap(args.into(), item.into()).into()
}

/// Runs an `async fn main` on the current runtime, and ends what was started under it before it returns.
///
/// Which runtime that is, the features say, or the option `runtime = EXPR`, an expression of the runtime
/// to use; `crate = PATH` says where anyloop is, if it is not `::anyloop`. It works on any `async fn`
/// without arguments, whatever its name.
///
/// ```no_run
/// #[anyloop::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let n: u32 = "17".parse()?;
///     println!("{n}");
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(args.into(), item.into()).into()
}

/// Makes an `async fn` a test that runs once on each adapter that is compiled in.
///
/// It may return what a `#[test]` may return. `#[should_panic]`, `#[ignore]` and `#[cfg]` do what they do
/// there; `crate = PATH` says where anyloop is, if it is not `::anyloop`.
///
/// ```
/// #[anyloop::test]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     let n: u32 = "17".parse()?;
///     assert_eq!(n, 17);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(args.into(), item.into()).into()
}
