//! The options in an attribute's parentheses: `pool = EXPR, limit = 4`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, ExprPath, Lit, Path, UnOp, Visibility, parse_quote_spanned};

use crate::errors::Errors;
use crate::vocabulary::{Value, Vocabulary, settings};

const POOL: (&str, &str) = ("pool", "pool = EXPR");
const LIMIT: (&str, &str) = ("limit", "limit = NUMBER");
const NAME: (&str, &str) = ("name", "name = other_name");
const CRATE: (&str, &str) = ("crate", "crate = PATH");

const NATIVE: (&str, &str) = ("native", "write `pool = native`");
const CPU: (&str, &str) = ("cpu", "write `pool = cpu`");
const EXECUTOR: (&str, &str) = ("executor", "write `pool = EXPR`");
const MAX_THREADS: (&str, &str) = ("max_threads", "write `limit = NUMBER`");

/// On a function or a method by itself.
const WRAP: Vocabulary = Vocabulary {
    attribute: "async_wrap",
    options: &[POOL, LIMIT, NAME, CRATE],
    foreign: &[
        NATIVE,
        CPU,
        EXECUTOR,
        MAX_THREADS,
        ("skip", "`skip` is for methods in an `impl` block that has the attribute itself: remove this one"),
        ("actor", "`actor` goes on the `impl` block"),
    ],
};

/// On an `impl` block.
const BLOCK: Vocabulary = Vocabulary {
    attribute: "async_wrap",
    options: &[POOL, LIMIT, ("actor", "actor = NAME"), CRATE],
    foreign: &[
        NATIVE,
        CPU,
        EXECUTOR,
        MAX_THREADS,
        ("name", "each method has its own: write `#[async_wrap(name = other_name)]` on it"),
        ("skip", "write `#[async_wrap(skip)]` on the methods to leave as they are"),
    ],
};

/// On a method of a block that has the attribute too.
const METHOD: Vocabulary = Vocabulary {
    attribute: "async_wrap",
    options: &[("skip", "skip"), POOL, LIMIT, NAME, CRATE],
    foreign: &[NATIVE, CPU, EXECUTOR, MAX_THREADS, ("actor", "`actor` goes on the `impl` block")],
};

const MAIN: Vocabulary = Vocabulary {
    attribute: "main",
    options: &[("runtime", "runtime = EXPR"), CRATE],
    foreign: &[("flavor", CONFIGURED), ("worker_threads", CONFIGURED), ("start_paused", CONFIGURED)],
};

const TEST: Vocabulary = Vocabulary {
    attribute: "test",
    options: &[CRATE],
    foreign: &[("runtime", EVERY_ADAPTER), ("flavor", EVERY_ADAPTER), ("worker_threads", EVERY_ADAPTER)],
};

/// Runtimes' own settings belong to the runtime value.
const CONFIGURED: &str = "set the runtime up yourself and give it: `runtime = EXPR`";
const EVERY_ADAPTER: &str = "a test runs on every adapter that is compiled in, as it comes";

/// Where a call runs.
#[derive(Clone)]
pub(crate) enum Pool {
    Native(Span),
    Cpu(Span),
    Value(Expr),
}

/// How many calls run at once.
#[derive(Clone)]
pub(crate) enum Limit {
    /// Of this function.
    Own(Expr),
    /// Of all functions of the block, which has a limiter for them.
    Shared,
}

/// The name of the function that is made beside the one that stays.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) name: Ident,
    /// It was written as `Self::name`: the function is an associated one.
    pub(crate) associated: bool,
}

/// The options of `#[async_wrap]` on a function.
#[derive(Clone)]
pub(crate) struct WrapOptions {
    pub(crate) pool: Option<Pool>,
    pub(crate) limit: Option<Limit>,
    pub(crate) beside: Option<Beside>,
    pub(crate) facade: Path,
}

/// The options of `#[async_wrap]` on an `impl` block.
pub(crate) struct BlockOptions {
    pub(crate) pool: Option<Pool>,
    pub(crate) limit: Option<Expr>,
    pub(crate) actor: Option<(Visibility, Ident)>,
    pub(crate) facade: Path,
    /// The name of each option that an actor has no use for.
    pub(crate) scheduling: Vec<Ident>,
}

/// The options of `#[async_wrap]` on a method of such a block.
pub(crate) struct MethodOptions {
    pub(crate) skip: bool,
    pub(crate) wrap: WrapOptions,
    /// The name of each option that an actor's method has no use for.
    pub(crate) scheduling: Vec<Ident>,
}

/// The options of `#[main]` and `#[test]`.
pub(crate) struct EntryOptions {
    pub(crate) runtime: Option<Expr>,
    pub(crate) facade: Path,
}

impl WrapOptions {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self { pool: None, limit: None, beside: None, facade: default_facade() };
        for (name, value) in settings(args, &WRAP, errors) {
            options.set(&name, value, errors);
        }
        options
    }

    fn set(&mut self, name: &Ident, value: Value, errors: &mut Errors) {
        let Value::Expr(value) = value else { return };
        match name.to_string().as_str() {
            "pool" => self.pool = pool(value, errors),
            "limit" => self.limit = limit(value, errors).map(Limit::Own),
            "name" => self.beside = beside(&value, errors),
            _ => set_facade(&mut self.facade, value, errors),
        }
    }
}

impl BlockOptions {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options =
            Self { pool: None, limit: None, actor: None, facade: default_facade(), scheduling: Vec::new() };
        for (name, value) in settings(args, &BLOCK, errors) {
            match (name.to_string().as_str(), value) {
                (_, Value::Item(visibility, name)) => options.actor = Some((visibility, name)),
                ("pool", Value::Expr(value)) => {
                    options.pool = pool(value, errors);
                    options.scheduling.push(name);
                }
                ("limit", Value::Expr(value)) => {
                    options.limit = limit(value, errors);
                    options.scheduling.push(name);
                }
                (_, Value::Expr(value)) => set_facade(&mut options.facade, value, errors),
                (_, Value::Nothing) => {}
            }
        }
        options
    }

    /// What a method has that says nothing itself.
    pub(crate) fn defaults(&self) -> WrapOptions {
        WrapOptions {
            pool: self.pool.clone(),
            limit: self.limit.as_ref().map(|_| Limit::Shared),
            beside: None,
            facade: self.facade.clone(),
        }
    }
}

impl MethodOptions {
    /// Reads what a method says for itself, on top of what its block says for all.
    pub(crate) fn parse(args: TokenStream, defaults: WrapOptions, errors: &mut Errors) -> Self {
        let mut options = Self { skip: false, wrap: defaults, scheduling: Vec::new() };
        for (name, value) in settings(args, &METHOD, errors) {
            match value {
                Value::Nothing => options.skip = true,
                value => {
                    options.wrap.set(&name, value, errors);
                    if name == "pool" || name == "limit" {
                        options.scheduling.push(name);
                    }
                }
            }
        }
        options
    }
}

impl EntryOptions {
    pub(crate) fn parse_main(args: TokenStream, errors: &mut Errors) -> Self {
        Self::parse(args, &MAIN, errors)
    }

    pub(crate) fn parse_test(args: TokenStream, errors: &mut Errors) -> Self {
        Self::parse(args, &TEST, errors)
    }

    fn parse(args: TokenStream, vocabulary: &Vocabulary, errors: &mut Errors) -> Self {
        let mut options = Self { runtime: None, facade: default_facade() };
        for (name, value) in settings(args, vocabulary, errors) {
            let Value::Expr(value) = value else { continue };
            match name.to_string().as_str() {
                "runtime" => options.runtime = Some(value),
                _ => set_facade(&mut options.facade, value, errors),
            }
        }
        options
    }
}

fn default_facade() -> Path {
    parse_quote_spanned!(Span::call_site()=> ::anyloop)
}

fn pool(value: Expr, errors: &mut Errors) -> Option<Pool> {
    Some(match &value {
        Expr::Path(path) if path.path.is_ident("native") => Pool::Native(span_of(path)),
        Expr::Path(path) if path.path.is_ident("cpu") => Pool::Cpu(span_of(path)),
        Expr::MethodCall(call) if call.method == "limit" && call.args.len() == 1 => {
            errors.at(&value, VIEW_FOR_EACH);
            return None;
        }
        _ => Pool::Value(value),
    })
}

const VIEW_FOR_EACH: &str = "each call would make another view, with a limit of its own, which limits nothing: keep one view in a \
     `static` and name that, or write `pool = POOL, limit = NUMBER`";

fn span_of(node: &impl syn::spanned::Spanned) -> Span {
    node.span()
}

fn limit(value: Expr, errors: &mut Errors) -> Option<Expr> {
    let wrong = match &value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse::<u128>().is_ok_and(|n| n == 0),
            _ => true,
        },
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)),
        _ => false,
    };
    if wrong {
        errors.at(
            &value,
            "`limit` is how many of these calls may run at once: give a whole number of at least 1",
        );
        return None;
    }
    Some(value)
}

fn beside(value: &Expr, errors: &mut Errors) -> Option<Beside> {
    let beside = beside_in(value);
    if beside.is_none() {
        errors.at(
            value,
            "`name` is what the async function is called beside the blocking one: `name = other_name`, without quotes",
        );
    }
    beside
}

/// `other_name` or `Self::other_name`.
fn beside_in(value: &Expr) -> Option<Beside> {
    let Expr::Path(ExprPath { qself: None, path, .. }) = value else { return None };
    if path.leading_colon.is_some() || path.segments.iter().any(|segment| !segment.arguments.is_none()) {
        return None;
    }
    let names: Vec<&Ident> = path.segments.iter().map(|segment| &segment.ident).collect();
    match names.as_slice() {
        [name] if *name != "Self" && *name != "self" => {
            Some(Beside { name: (*name).clone(), associated: false })
        }
        [of, name] if *of == "Self" => Some(Beside { name: (*name).clone(), associated: true }),
        _ => None,
    }
}

fn set_facade(facade: &mut Path, value: Expr, errors: &mut Errors) {
    match value {
        Expr::Path(path) if path.qself.is_none() => *facade = path.path,
        other => {
            errors.at(other, "`crate` is the path of anyloop, without quotes: `crate = my_library::anyloop`")
        }
    }
}
