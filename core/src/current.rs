//! Which runtime is current, and which pool is the default (C30).
//!
//! 1. An explicit value (`runtime.spawn(..)`) needs no choice and does not come here.
//! 2. The ambient one: anyloop's own thread-local, else what an adapter recognizes on this thread; of several adapters that
//!    recognize it, the one that was registered first.
//! 3. [`set_default`], or the runtime that a run in progress installed.
//! 4. The only adapter there is; `ANYLOOP_RUNTIME` chooses among several.
//!
//! Otherwise an error that says what to do; never a guess.

use std::env;
use std::fmt;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use crate::context::here;
use crate::no_runtime::NoRuntime;
use crate::pool::{AnyPool, Pool, Unavailable};
use crate::runtime::AnyRuntime;
use crate::thread_pool::ThreadPool;
use crate::warning;

/// What an adapter tells about itself, once, with [`register`].
#[derive(Clone, Copy, Debug)]
pub struct Adapter {
    /// The runtime's name, as `ANYLOOP_RUNTIME` spells it and as the facade's feature is called.
    pub name: &'static str,
    /// The runtime that drives this very thread now, if it is one of the adapter's.
    pub ambient: fn() -> Option<AnyRuntime>,
    /// A runtime to use where none is ambient; asked for once.
    pub start: fn() -> io::Result<AnyRuntime>,
}

/// An append-only list: reading it takes no lock, so that an adapter's code is never called under one.
struct Node {
    adapter: Adapter,
    next: OnceLock<Box<Node>>,
}

static FIRST: OnceLock<Box<Node>> = OnceLock::new();

/// Makes an adapter known. Of several with one name, the first counts.
pub fn register(adapter: Adapter) {
    let mut slot = &FIRST;
    loop {
        match slot.get() {
            Some(node) if node.adapter.name == adapter.name => return,
            Some(node) => slot = &node.next,
            None => {
                if slot.set(Box::new(Node { adapter, next: OnceLock::new() })).is_ok() {
                    return;
                }
                // Somebody was faster: look at theirs.
            }
        }
    }
}

/// The adapters that were registered, in that order.
pub fn adapters() -> impl Iterator<Item = Adapter> {
    std::iter::successors(FIRST.get(), |node| node.next.get()).map(|node| node.adapter)
}

/// The runtime that an adapter recognizes on this thread.
pub(crate) fn probe() -> Option<AnyRuntime> {
    adapters().find_map(|adapter| (adapter.ambient)())
}

/// Whether [`probe`] would give `known` again, which it gave before.
pub(crate) fn is_ambient(known: &AnyRuntime) -> bool {
    for adapter in adapters() {
        if adapter.name == known.driver().name() {
            return known.driver().is_ambient();
        }
        // One that is asked first recognizes this thread now.
        if (adapter.ambient)().is_some() {
            return false;
        }
    }
    false
}

static DEFAULT: OnceLock<AnyRuntime> = OnceLock::new();
/// The runtimes of the runs in progress; the latest is in force.
static INSTALLED: RwLock<Vec<(u64, AnyRuntime)>> = RwLock::new(Vec::new());
static DEFAULT_POOL: OnceLock<AnyPool> = OnceLock::new();
/// Rule 4's runtime, once it was started.
static ONLY: Mutex<Option<AnyRuntime>> = Mutex::new(None);

/// A default, or the handler of warnings, was set before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlreadySet;

impl fmt::Display for AlreadySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this was set before, and can be set only once: set it first thing in `main`")
    }
}

impl std::error::Error for AlreadySet {}

/// Makes `runtime` the one that is current where none is ambient. Once.
///
/// # Errors
///
/// [`AlreadySet`] the second time; the first runtime stays.
pub fn set_default(runtime: impl crate::Runtime) -> Result<(), AlreadySet> {
    DEFAULT.set(runtime.to_any()).map_err(|_| AlreadySet)
}

/// Makes `pool` the default pool of the process. Once.
///
/// A runtime with a pool of its own ([`Runtime::with_pool`](crate::Runtime::with_pool)) keeps that.
///
/// # Errors
///
/// [`AlreadySet`] the second time; the first pool stays.
pub fn set_default_pool(pool: impl Pool) -> Result<(), AlreadySet> {
    DEFAULT_POOL.set(pool.to_any()).map_err(|_| AlreadySet)
}

/// While it lives, its runtime is current where none is ambient.
pub(crate) struct Installed(u64);

impl Installed {
    pub(crate) fn new(runtime: AnyRuntime) -> Self {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        let number = installed.last().map_or(0, |(number, _)| number + 1);
        installed.push((number, runtime));
        Self(number)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        let place = installed.iter().position(|(number, _)| *number == self.0);
        let gone = place.map(|place| installed.remove(place));
        drop(installed);
        drop(gone);
    }
}

/// The current runtime, by the rules above.
///
/// # Errors
///
/// [`NoRuntime`] says which feature to enable or which call to make.
///
/// ```
/// // No adapter is compiled into this example.
/// let error = anyloop_core::current().unwrap_err();
/// assert!(error.to_string().contains("enable one of anyloop's features"));
/// ```
pub fn current() -> Result<AnyRuntime, NoRuntime> {
    if let Some(runtime) = here().runtime().cloned().or_else(probe) {
        return Ok(runtime);
    }
    if let Some(runtime) = set_or_installed() {
        return Ok(runtime);
    }
    let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match only {
        Some(runtime) => Ok(runtime),
        None => {
            let adapter = choose(env::var_os("ANYLOOP_RUNTIME"), adapters())?;
            let runtime =
                (adapter.start)().map_err(|error| NoRuntime::Failed { name: adapter.name, error })?;
            // Of two threads that come here at once, the second one's runtime is dropped, outside
            // the lock.
            let mut only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = only.get_or_insert_with(|| runtime.clone()).clone();
            drop(only);
            Ok(kept)
        }
    }
}

/// Rule 3.
fn set_or_installed() -> Option<AnyRuntime> {
    DEFAULT.get().cloned().or_else(|| {
        let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
        installed.last().map(|(_, runtime)| runtime.clone())
    })
}

/// Rule 4.
fn choose(
    wanted: Option<std::ffi::OsString>,
    adapters: impl Iterator<Item = Adapter>,
) -> Result<Adapter, NoRuntime> {
    let adapters: Vec<Adapter> = adapters.collect();
    let names = || adapters.iter().map(|adapter| adapter.name).collect();
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        let found = adapters.iter().find(|adapter| *adapter.name == *wanted);
        return found.copied().ok_or_else(|| NoRuntime::Unknown {
            name: wanted.to_string_lossy().into_owned(),
            compiled_in: names(),
        });
    }
    match adapters[..] {
        [] => Err(NoRuntime::NoAdapter),
        [only] => Ok(only),
        _ => Err(NoRuntime::Several { compiled_in: names() }),
    }
}

/// The pool that a call without one of its own runs on.
///
/// The current runtime's own pool ([`Runtime::with_pool`](crate::Runtime::with_pool)), else the one of
/// [`set_default_pool`], else what `ANYLOOP_POOL` says (`native`: the pool that the current runtime
/// brings; `thread-pool`: ours), else [`ThreadPool::global`](crate::ThreadPool::global).
///
/// A setting that cannot be followed gives a pool that refuses every job with the reason; and there is a
/// [`Warning::BadSetting`](crate::Warning::BadSetting), once.
#[must_use]
pub fn default_pool() -> AnyPool {
    let here = here();
    if here.runtime().is_none()
        && let Some(runtime) = set_or_installed()
        && runtime.own_pool().is_some()
        // What an adapter recognizes comes before rule 3, and has no pool of its own.
        && probe().is_none()
    {
        return default_pool_of(Some(&runtime));
    }
    default_pool_of(here.runtime())
}

pub(crate) fn default_pool_of(runtime: Option<&AnyRuntime>) -> AnyPool {
    if let Some(pool) = runtime.and_then(AnyRuntime::own_pool).or_else(|| DEFAULT_POOL.get()) {
        return pool.clone();
    }
    match setting() {
        Ok(Setting::ThreadPool) => ThreadPool::global().to_any(),
        Ok(Setting::Native) => match runtime {
            Some(runtime) => runtime.native_or_unavailable(),
            None => native_pool(),
        },
        Err(bad) => Unavailable(bad.text.clone()).to_any(),
    }
}

/// What `ANYLOOP_POOL` says. If that cannot be followed, the first to ask says so to those whose results nobody looks at.
fn setting() -> &'static Result<Setting, BadPool> {
    static SETTING: OnceLock<Result<Setting, BadPool>> = OnceLock::new();
    SETTING.get().unwrap_or_else(|| {
        let mut is_first = false;
        let setting = SETTING.get_or_init(|| {
            is_first = true;
            Setting::parse(env::var_os(POOL_VARIABLE))
        });
        // After the place is filled: who is told may ask for the pool.
        if is_first && let Err(BadPool { value, text }) = setting {
            warning::bad_setting_of(POOL_VARIABLE, value, text);
        }
        setting
    })
}

/// The pool that the current runtime brings.
pub(crate) fn native_pool() -> AnyPool {
    match current() {
        Ok(runtime) => runtime.native_or_unavailable(),
        Err(error) => Unavailable(format!("the runtime's native pool was asked for, but {error}")).to_any(),
    }
}

const POOL_VARIABLE: &str = "ANYLOOP_POOL";

/// What `ANYLOOP_POOL` may say.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    ThreadPool,
    Native,
}

/// What it may not say, and what every call is refused with.
#[derive(Debug, PartialEq)]
struct BadPool {
    value: String,
    text: String,
}

impl Setting {
    fn parse(value: Option<std::ffi::OsString>) -> Result<Self, BadPool> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(Self::ThreadPool);
        };
        match value.to_str() {
            Some("native") => Ok(Self::Native),
            Some("thread-pool") => Ok(Self::ThreadPool),
            _ => {
                let value = value.to_string_lossy().into_owned();
                let text = format!(
                    "{POOL_VARIABLE}={value} is no pool: set it to `native` or `thread-pool`, or unset it"
                );
                Err(BadPool { value, text })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &'static str) -> Adapter {
        Adapter { name, ambient: || None, start: || Err(io::Error::other("not in this test")) }
    }

    fn chosen(wanted: Option<&str>, names: &[&'static str]) -> Result<&'static str, String> {
        choose(wanted.map(Into::into), names.iter().map(|name| adapter(name)))
            .map(|adapter| adapter.name)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_only_adapter_is_chosen_and_of_several_the_one_that_is_named() {
        assert_eq!(chosen(None, &["tokio"]), Ok("tokio"));
        assert_eq!(chosen(Some(""), &["tokio"]), Ok("tokio"));
        assert_eq!(chosen(Some("smol"), &["tokio", "smol"]), Ok("smol"));
    }

    #[test]
    fn every_refusal_names_the_remedy() {
        assert!(chosen(None, &[]).unwrap_err().contains("enable one of anyloop's features"));
        let several = chosen(None, &["tokio", "smol"]).unwrap_err();
        assert!(several.contains("tokio, smol") && several.contains("ANYLOOP_RUNTIME"), "{several}");
        let unknown = chosen(Some("tokyo"), &["tokio"]).unwrap_err();
        assert!(unknown.contains("tokyo") && unknown.contains("one of tokio"), "{unknown}");
        assert!(chosen(Some("smol"), &[]).unwrap_err().contains("enable anyloop's feature `smol`"));
    }

    #[test]
    fn the_pool_setting_is_read_strictly() {
        assert_eq!(Setting::parse(None), Ok(Setting::ThreadPool));
        assert_eq!(Setting::parse(Some("".into())), Ok(Setting::ThreadPool));
        assert_eq!(Setting::parse(Some("native".into())), Ok(Setting::Native));
        assert_eq!(Setting::parse(Some("thread-pool".into())), Ok(Setting::ThreadPool));
        assert!(Setting::parse(Some("nativ".into())).unwrap_err().text.contains("`native`"));
    }
}
