//! Renames `self` in a macro's tokens, of which only the macro knows what they mean.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, TokenStream, TokenTree};

use crate::receiver::RENAMED;
use crate::tokens::is_comma;

/// For [`rename`]: none of the arguments is a format string.
pub(crate) const NO_FORMAT: usize = usize::MAX;

/// How many arguments of the macro `name` cannot be its format string, even if they are literals.
///
/// A macro that is not known here may do anything with a literal: store it, compare it, send it to a
/// database. So that stays as it is; if it is a format string after all, the compiler says that the
/// caller's `self` escapes, where a literal that was changed would go unnoticed.
pub(crate) fn values_before_format(name: &Ident) -> usize {
    match name.to_string().as_str() {
        "format" | "format_args" | "print" | "println" | "eprint" | "eprintln" | "write" | "writeln"
        | "panic" | "todo" | "unimplemented" | "unreachable" => 0,
        // Of log and tracing.
        "error" | "warn" | "info" | "debug" | "trace" | "log" | "event" => 0,
        // Of anyhow, eyre, snafu and indoc.
        "anyhow" | "eyre" | "format_err" | "bail" | "whatever" | "formatdoc" | "printdoc" | "eprintdoc"
        | "writedoc" => 0,
        "assert" | "debug_assert" | "ensure" | "ensure_whatever" => 1,
        "assert_eq"
        | "assert_ne"
        | "assert_matches"
        | "debug_assert_eq"
        | "debug_assert_ne"
        | "debug_assert_matches" => 2,
        _ => NO_FORMAT,
    }
}

/// Renames `self` in a macro's tokens. `{self}` is renamed in the first string literal that is an
/// argument by itself, with at least `values` arguments before it: such is a format string.
pub(crate) fn rename(tokens: TokenStream, values: usize) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut arguments = 0;
    let mut format_seen = false;
    // How many trees are left of a nested method.
    let mut own = 0;
    let mut renamed = Vec::with_capacity(trees.len());
    while let Some(tree) = trees.get(renamed.len()) {
        let (before, after) = (&trees[..renamed.len()], &trees[renamed.len() + 1..]);
        if !before.is_empty() && is_comma(tree) {
            arguments += 1;
        }
        if own > 0 {
            own -= 1;
            renamed.push(tree.clone());
            continue;
        }
        renamed.push(match tree {
            TokenTree::Ident(word) if word == "fn" => {
                // The `self` in there is its own.
                own = method(after).unwrap_or(0);
                tree.clone()
            }
            TokenTree::Ident(word) if word == "self" && !starts_path(after) => {
                Ident::new(RENAMED, word.span()).into()
            }
            TokenTree::Literal(literal)
                if arguments >= values
                    && !format_seen
                    && before.last().is_none_or(is_comma)
                    && after.first().is_none_or(is_comma) =>
            {
                format_seen = true;
                rename_in_format(literal).into()
            }
            TokenTree::Group(group) => {
                let values = match before {
                    [.., TokenTree::Ident(name), TokenTree::Punct(bang)] if bang.as_char() == '!' => {
                        values_before_format(name)
                    }
                    _ => NO_FORMAT,
                };
                let mut inner = Group::new(group.delimiter(), rename(group.stream(), values));
                inner.set_span(group.span());
                inner.into()
            }
            other => other.clone(),
        });
    }
    renamed.into_iter().collect()
}

/// Whether `::` comes next.
fn starts_path(rest: &[TokenTree]) -> bool {
    matches!(rest, [TokenTree::Punct(first), TokenTree::Punct(second), ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

/// How many trees behind a `fn` belong to it, if it has a `self`: its name, its arguments, its body.
fn method(after: &[TokenTree]) -> Option<usize> {
    let mut angles = 0;
    let mut before = None;
    for (i, tree) in after.iter().enumerate() {
        match tree {
            // The arguments; not those of an `Fn(..)` among the generics, nor what a macro repeats.
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                if angles == 0 && before != Some('$') {
                    // Without a name before it, it is a function pointer's type.
                    let receives = i > 0 && has_receiver(group.stream());
                    return if receives { Some(i + 1 + through_body(&after[i + 1..])) } else { None };
                }
                before = None;
            }
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => angles += 1,
                    '>' if before != Some('-') => angles -= 1,
                    _ => {}
                }
                before = Some(punct.as_char());
            }
            _ => before = None,
        }
    }
    None
}

/// Whether the first argument is a `self`.
fn has_receiver(arguments: TokenStream) -> bool {
    let mut first = arguments.into_iter().take_while(|tree| !is_comma(tree));
    first.any(|tree| matches!(tree, TokenTree::Ident(word) if word == "self"))
}

/// How many trees there are up to the end of a function's body, or of its declaration.
fn through_body(rest: &[TokenTree]) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    rest.iter().position(ends).map_or(rest.len(), |end| end + 1)
}

/// `"{self:?}"` with the new name; the literal keeps its form (raw, escapes) and its place.
fn rename_in_format(literal: &Literal) -> Literal {
    let source = literal.to_string();
    if !source.contains("{self") || !(source.starts_with('"') || source.starts_with('r')) {
        return literal.clone();
    }
    let mut text = String::new();
    let mut rest = source.as_str();
    while let Some(brace) = rest.find('{') {
        let (before, from) = rest.split_at(brace + 1);
        text.push_str(before);
        rest = from;
        if let Some(escaped) = rest.strip_prefix('{') {
            text.push('{');
            rest = escaped;
        } else if rest.starts_with("self}") || rest.starts_with("self:") {
            text.push_str(RENAMED);
            rest = &rest["self".len()..];
        }
    }
    text.push_str(rest);
    match text.parse::<Literal>() {
        Ok(mut renamed) => {
            renamed.set_span(literal.span());
            renamed
        }
        Err(_) => literal.clone(),
    }
}
