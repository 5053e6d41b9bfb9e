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
mod display;
mod entry;
mod errors;
mod expand;
mod function;
mod inner;
mod receiver;
mod recursion;
mod self_type;
mod signature;
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
/// # Methods
///
/// The attribute stands on the method, in inherent, generic and trait impls alike.
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
/// # Recursion
///
/// A free function that calls itself by its bare name calls the plain function, not the wrapped one, so
/// the whole recursion is one call. In a method `self.f()` is the wrapped method: `self.f().run()` runs
/// it on the same thread.
///
/// An associated function without `self` that calls *another* function, which happens to have the same
/// name, says so by a path: `self::load(..)`, not `load(..)`.
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
///   by reference: `pool = self.pool`.
/// - `pool = native`: the pool that the current runtime brings. (A variable of that name: `pool = (native)`.)
/// - `pool = cpu`: for work that keeps a core busy: at most as many at a time as there are cores.
/// - `limit = NUMBER`: at most so many calls of this function run at once, in the whole program (all
///   instances of a generic function together).
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
/// - A lifetime that a type hides (`Chars` for `Chars<'_>`) cannot be seen: there the compiler says that
///   borrowed data escapes.
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
