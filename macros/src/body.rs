//! Makes a body fit into a closure: `self` and the function's own lifetimes mean something else there.
//!
//! Both are replaced wherever they are the function's: in macro calls and format strings too, but
//! not in nested items, which have their own.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Item, Lifetime, Macro, Path, Stmt};

use crate::receiver::RENAMED;
use crate::tokens::mentions;

/// The body for a closure. One that syn cannot parse (it may be half typed) is changed by its tokens alone.
pub(crate) fn for_closure(body: TokenStream, method: bool, lifetimes: &[Ident]) -> TokenStream {
    if !method && lifetimes.is_empty() {
        return body;
    }
    match Block::parse_within.parse2(body.clone()) {
        Ok(mut statements) => {
            let mut adapt = Adapt { method, lifetimes };
            statements.iter_mut().for_each(|statement| adapt.visit_stmt_mut(statement));
            statements.iter().map(Stmt::to_token_stream).collect()
        }
        Err(_) if method => rename(body, 0),
        Err(_) => body,
    }
}

struct Adapt<'a> {
    method: bool,
    lifetimes: &'a [Ident],
}

impl VisitMut for Adapt<'_> {
    fn visit_path_mut(&mut self, path: &mut Path) {
        // `self`, but not `self::function`.
        if self.method && path.leading_colon.is_none() && path.segments.len() == 1 {
            let word = &mut path.segments[0].ident;
            if word == "self" {
                *word = Ident::new(RENAMED, word.span());
            }
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        // What the body borrows from is the call's own copy: no lifetime of the caller's fits it.
        if self.lifetimes.contains(&lifetime.ident) {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }
    }

    // A label may be spelt as a lifetime is.
    fn visit_label_mut(&mut self, _: &mut syn::Label) {}
    fn visit_expr_break_mut(&mut self, node: &mut syn::ExprBreak) {
        if let Some(value) = &mut node.expr {
            self.visit_expr_mut(value);
        }
    }
    fn visit_expr_continue_mut(&mut self, _: &mut syn::ExprContinue) {}

    fn visit_item_mut(&mut self, item: &mut Item) {
        // A macro that is defined here may mention the method's `self`; other items have their own.
        if let Item::Macro(item) = item {
            self.visit_macro_mut(&mut item.mac);
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        // With a `fn` in it, `self` is rather that function's.
        if self.method && !mentions(call.tokens.clone(), "fn") {
            let tokens = std::mem::take(&mut call.tokens);
            call.tokens = match (call.path.segments.last(), &call.delimiter) {
                (Some(name), syn::MacroDelimiter::Paren(_)) => {
                    rename(tokens, values_before_format(&name.ident))
                }
                _ => rename(tokens, NO_FORMAT),
            };
        }
    }

    fn visit_token_stream_mut(&mut self, tokens: &mut TokenStream) {
        if self.method {
            *tokens = rename(std::mem::take(tokens), NO_FORMAT);
        }
    }
}

/// For [`rename`]: none of the arguments is a format string.
const NO_FORMAT: usize = usize::MAX;

/// How many arguments of the macro `name` cannot be its format string, even if they are literals.
fn values_before_format(name: &Ident) -> usize {
    match name.to_string().as_str() {
        "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => 2,
        "assert" | "debug_assert" => 1,
        "concat" | "stringify" | "include_str" | "include_bytes" | "include" | "env" => NO_FORMAT,
        _ => 0,
    }
}

/// Renames `self` in a macro's tokens. `{self}` is renamed in the first string literal that is an
/// argument by itself, with at least `values` arguments before it: such is a format string.
fn rename(tokens: TokenStream, values: usize) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut arguments = 0;
    let mut format_seen = false;
    let comma = |at: Option<&TokenTree>| match at {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ',',
        Some(_) => false,
    };
    let mut renamed = Vec::with_capacity(trees.len());
    for (i, tree) in trees.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|before| trees.get(before));
        let after = trees.get(i + 1);
        if i > 0 && comma(Some(tree)) {
            arguments += 1;
        }
        renamed.push(match tree {
            TokenTree::Ident(word) if word == "self" && !starts_path(&trees[i + 1..]) => {
                Ident::new(RENAMED, word.span()).into()
            }
            TokenTree::Literal(literal)
                if arguments >= values && !format_seen && comma(before) && comma(after) =>
            {
                format_seen = true;
                rename_in_format(literal).into()
            }
            TokenTree::Group(group) => {
                let values = match (before, i.checked_sub(2).map(|name| &trees[name])) {
                    (Some(TokenTree::Punct(bang)), Some(TokenTree::Ident(name)))
                        if bang.as_char() == '!' && group.delimiter() == Delimiter::Parenthesis =>
                    {
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
