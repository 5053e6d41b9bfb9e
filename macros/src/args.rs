//! The options in an attribute's parentheses: `pool = EXPR, limit = 4`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Lit, Path, Token, UnOp, parse_quote_spanned};

use crate::errors::Errors;

/// One attribute's options, as its messages list them.
pub(crate) struct Vocabulary {
    attribute: &'static str,
    /// Name, and how it is written.
    options: &'static [(&'static str, &'static str)],
    /// What people know from elsewhere, and what there is here.
    foreign: &'static [(&'static str, &'static str)],
}

const WRAP: Vocabulary = Vocabulary {
    attribute: "async_wrap",
    options: &[("pool", "pool = EXPR"), ("limit", "limit = NUMBER"), ("crate", "crate = PATH")],
    foreign: &[
        ("native", "write `pool = native`"),
        ("cpu", "write `pool = cpu`"),
        ("executor", "write `pool = EXPR`"),
        ("max_threads", "write `limit = NUMBER`"),
    ],
};

const MAIN: Vocabulary = Vocabulary {
    attribute: "main",
    options: &[("runtime", "runtime = EXPR"), ("crate", "crate = PATH")],
    foreign: &[("flavor", CONFIGURED), ("worker_threads", CONFIGURED), ("start_paused", CONFIGURED)],
};

const TEST: Vocabulary = Vocabulary {
    attribute: "test",
    options: &[("crate", "crate = PATH")],
    foreign: &[("runtime", EVERY_ADAPTER), ("flavor", EVERY_ADAPTER), ("worker_threads", EVERY_ADAPTER)],
};

/// Runtimes' own settings belong to the runtime value.
const CONFIGURED: &str = "set the runtime up yourself and give it: `runtime = EXPR`";
const EVERY_ADAPTER: &str = "a test runs on every adapter that is compiled in, as it comes";

/// Where a call runs.
pub(crate) enum Pool {
    Native(Span),
    Cpu(Span),
    Value(Expr),
}

/// The options of `#[async_wrap]`.
pub(crate) struct WrapOptions {
    pub(crate) pool: Option<Pool>,
    pub(crate) limit: Option<Expr>,
    pub(crate) facade: Path,
}

/// The options of `#[main]` and `#[test]`.
pub(crate) struct EntryOptions {
    pub(crate) runtime: Option<Expr>,
    pub(crate) facade: Path,
}

impl WrapOptions {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self { pool: None, limit: None, facade: default_facade() };
        for (name, value) in settings(args, &WRAP, errors) {
            match name.to_string().as_str() {
                "pool" => options.pool = Some(pool(value)),
                "limit" => options.limit = limit(value, errors),
                _ => set_facade(&mut options.facade, value, errors),
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

fn pool(value: Expr) -> Pool {
    match &value {
        Expr::Path(path) if path.path.is_ident("native") => Pool::Native(span_of(path)),
        Expr::Path(path) if path.path.is_ident("cpu") => Pool::Cpu(span_of(path)),
        _ => Pool::Value(value),
    }
}

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

fn set_facade(facade: &mut Path, value: Expr, errors: &mut Errors) {
    match value {
        Expr::Path(path) if path.qself.is_none() => *facade = path.path,
        other => {
            errors.at(other, "`crate` is the path of anyloop, without quotes: `crate = my_library::anyloop`")
        }
    }
}

/// Splits `name = value, ..`, reporting what is unknown, twice there, or malformed. What is good is
/// returned in any case, so that a mistake in one option does not cause another message.
fn settings(args: TokenStream, vocabulary: &Vocabulary, errors: &mut Errors) -> Vec<(Ident, Expr)> {
    let mut found: Vec<(Ident, Expr)> = Vec::new();
    let all = |input: ParseStream<'_>| -> Result<(), Error> {
        while !input.is_empty() {
            let (name, value) = setting(input, vocabulary)?;
            if !vocabulary.options.iter().any(|(known, _)| name == known) {
                errors.at(&name, vocabulary.unknown(&name.to_string()));
            } else if found.iter().any(|(earlier, _)| *earlier == name) {
                errors.at(&name, format!("`{name}` is given twice: keep one of the two"));
            } else {
                found.push((name, value));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = all.parse2(args) {
        errors.push(error);
    }
    found
}

fn setting(input: ParseStream<'_>, vocabulary: &Vocabulary) -> Result<(Ident, Expr), Error> {
    let Ok(name) = input.call(Ident::parse_any) else {
        return Err(input.error(format!("expected `name = value`; {}", vocabulary.valid_options())));
    };
    let Some((_, form)) = vocabulary.options.iter().find(|(known, _)| name == known) else {
        if !input.peek(Token![=]) {
            return Err(Error::new(name.span(), vocabulary.unknown(&name.to_string())));
        }
        // Its value is read, so that what follows can be read too.
        input.parse::<Token![=]>()?;
        return Ok((name, input.parse()?));
    };
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), format!("`{name}` needs a value: `{form}`")));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        let place = quote_spanned!(equals.span=> #name #equals);
        return Err(Error::new_spanned(place, format!("`{name}` needs a value: `{form}`")));
    }
    Ok((name, input.parse()?))
}

impl Vocabulary {
    fn valid_options(&self) -> String {
        let forms: Vec<String> = self.options.iter().map(|(_, form)| format!("`{form}`")).collect();
        format!("`{}` takes {}", self.attribute, forms.join(", "))
    }

    fn unknown(&self, name: &str) -> String {
        let hint = if let Some((_, instead)) = self.foreign.iter().find(|(word, _)| *word == name) {
            format!("; {instead}")
        } else if let Some((known, _)) = self.options.iter().find(|(known, _)| within_two_edits(name, known))
        {
            format!("; did you mean `{known}`?")
        } else {
            String::new()
        };
        format!("unknown option `{name}`: {}{hint}", self.valid_options())
    }
}

/// Whether two insertions, removals or replacements at most turn `a` into `b`.
fn within_two_edits(a: &str, b: &str) -> bool {
    let b: Vec<char> = b.chars().collect();
    // The distances from what was read of `a` to each prefix of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()] <= 2
}
