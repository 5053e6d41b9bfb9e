//! Makes a body fit into a closure: a `self` that was cloned and the function's own lifetimes mean something
//! else there.
//!
//! Both are replaced wherever they are the function's: in macro calls and format strings too (see `rename`),
//! but not in nested items, which have their own.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::Parser;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Item, Lifetime, Macro, Path, Stmt};

use crate::receiver::RENAMED;
use crate::rename::{NO_FORMAT, rename, values_before_format};

/// The body for a closure; `cloned` says that it has a clone of `self` by another name. One that syn cannot
/// parse (it may be half typed) is changed by its tokens alone.
pub(crate) fn for_closure(body: TokenStream, cloned: bool, lifetimes: &[Ident]) -> TokenStream {
    if !cloned && lifetimes.is_empty() {
        return body;
    }
    match Block::parse_within.parse2(body.clone()) {
        Ok(mut statements) => {
            let mut adapt = Adapt { cloned, lifetimes };
            statements.iter_mut().for_each(|statement| adapt.visit_stmt_mut(statement));
            statements.iter().map(Stmt::to_token_stream).collect()
        }
        Err(_) if cloned => rename(body, NO_FORMAT),
        Err(_) => body,
    }
}

struct Adapt<'a> {
    cloned: bool,
    lifetimes: &'a [Ident],
}

impl VisitMut for Adapt<'_> {
    fn visit_path_mut(&mut self, path: &mut Path) {
        // `self`, but not `self::function`.
        if self.cloned && path.leading_colon.is_none() && path.segments.len() == 1 {
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
        if self.cloned {
            let name = call.path.segments.last().map(|last| &last.ident);
            call.tokens =
                rename(std::mem::take(&mut call.tokens), name.map_or(NO_FORMAT, values_before_format));
        }
    }

    fn visit_token_stream_mut(&mut self, tokens: &mut TokenStream) {
        if self.cloned {
            *tokens = rename(std::mem::take(tokens), NO_FORMAT);
        }
    }
}
