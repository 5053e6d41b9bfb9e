//! What the attributes expand to. Not for direct use, and free to change in any release.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitCode, Termination};

use anyloop_core::{Actor, AnyRuntime, BlockOn, Call, Drain, Panic, Run, TaskError, Work};

pub use std;

/// `#[async_wrap]`
#[track_caller]
pub fn call<W: Work>(work: W) -> Call<W> {
    crate::functions::call(work)
}

/// What a wrapped function takes by value. The expansion asks for it by the name of [`This`](Sent::This): what
/// follows from its absence is not reported too, then.
pub trait Sent {
    /// The type itself.
    type This;
}

// Without the attributes, the compiler would tell of a bound of these, and not what is said below.
#[diagnostic::do_not_recommend]
impl<T: MayMove> Sent for T {
    type This = T;
}

/// What may move to another thread. What borrows may: of that the compiler has better words, where the call is made.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot move to another thread, as what a call takes must",
    label = "this is not `Send`, or has something in it that is not",
    note = "take what is `Send`: use `Arc` in place of `Rc`, `Mutex` in place of `RefCell`, and say so of traits, as in \
            `Box<dyn Trait + Send>` and `T: Trait + Send + 'static`",
    note = "what must stay on its thread can be used through an `anyloop::Actor`"
)]
pub trait MayMove: Send {}

#[diagnostic::do_not_recommend]
impl<T: Send> MayMove for T {}

/// What a wrapped method has by reference as its `self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Clone`, and a call that outlives its caller's `&self` needs a clone of it",
    label = "`&self` is cloned when the call is made",
    note = "derive `Clone`, or take `self: Arc<Self>` (or `self: &Arc<Self>`), or `self`"
)]
pub trait Lent {
    /// What the call works on.
    fn taken_over(&self) -> Self;
}

// Without the attribute, the compiler would tell of the bound alone, and not what is said above.
#[diagnostic::do_not_recommend]
impl<T: Clone> Lent for T {
    #[inline]
    fn taken_over(&self) -> Self {
        self.clone()
    }
}

/// `#[anyloop::main]`
pub fn main<F: Future>(future: F) -> F::Output {
    match crate::current() {
        Ok(runtime) => main_on(runtime, future),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(2);
        }
    }
}

/// `#[anyloop::main(runtime = ..)]`
pub fn main_on<F: Future>(runtime: impl BlockOn, future: F) -> F::Output {
    let (output, left) = Run::new(&runtime).block_on(future);
    if left != Drain::default() {
        eprintln!(
            "warning: {left} left behind, which had not ended {} seconds after `main`",
            anyloop_core::DRAIN_LIMIT.as_secs()
        );
    }
    output
}

/// `#[anyloop::test]`: runs the body on every adapter that is compiled in, or on the one that
/// `ANYLOOP_RUNTIME` names, and names those on which it failed.
pub fn test<F>(name: &str, body: impl Fn() -> F)
where
    F: Future<Output: Termination>,
{
    let wanted = std::env::var_os("ANYLOOP_RUNTIME").filter(|wanted| !wanted.is_empty());
    let mut ran = 0;
    let mut failures = Vec::new();
    for adapter in crate::adapters() {
        if wanted.as_deref().is_some_and(|wanted| *wanted != *adapter.name) {
            continue;
        }
        ran += 1;
        let failure = match (adapter.start)() {
            Ok(runtime) => test_on(&runtime, &body),
            Err(error) => Some(format!("the runtime could not be started: {error}")),
        };
        failures.extend(failure.map(|failure| format!("on {}: {failure}", adapter.name)));
    }
    if ran == 0 {
        panic!(
            "`{name}` ran on no runtime: enable one of anyloop's features `tokio`, `smol`, `async-std` \
             or `futures`{}",
            wanted
                .map(|wanted| format!(" (ANYLOOP_RUNTIME asks for {})", wanted.to_string_lossy()))
                .unwrap_or_default()
        );
    }
    if !failures.is_empty() {
        panic!("`{name}` failed {}", failures.join("; "));
    }
}

/// What went wrong.
fn test_on<F>(runtime: &AnyRuntime, body: impl Fn() -> F) -> Option<String>
where
    F: Future<Output: Termination>,
{
    match catch_unwind(AssertUnwindSafe(|| runtime.run(body()))) {
        Ok(output) => {
            (output.report() != ExitCode::SUCCESS).then(|| "it ended in an error, printed above".to_owned())
        }
        Err(payload) => Some(Panic::from(payload).message().to_owned()),
    }
}

/// `#[async_wrap(actor = ..)]` on a constructor that gives the value.
pub async fn actor<T, H, F>(factory: F) -> H
where
    T: 'static,
    H: From<Actor<T>>,
    F: FnOnce() -> T + Send + 'static,
{
    match actor_or_error(|| Ok::<T, Infallible>(factory())).await {
        Ok(handle) => handle,
    }
}

/// `#[async_wrap(actor = ..)]` on a constructor that gives the value or an error.
pub async fn actor_or_error<T, H, E, F>(factory: F) -> Result<H, E>
where
    T: 'static,
    H: From<Actor<T>>,
    E: Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    crate::registration::register();
    match Actor::try_new(factory).await {
        Ok(made) => made.map(H::from),
        Err(TaskError::Panicked(panic)) => panic.resume(),
        Err(error) => panic!("an actor's value was not made: {error}"),
    }
}

/// `#[async_wrap(actor = ..)]` on a constructor that gives the value or nothing.
pub async fn actor_or_none<T, H, F>(factory: F) -> Option<H>
where
    T: 'static,
    H: From<Actor<T>>,
    F: FnOnce() -> Option<T> + Send + 'static,
{
    actor_or_error(|| factory().ok_or(())).await.ok()
}
