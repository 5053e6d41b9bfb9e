//! Finds what is bound to its thread by the looks of it, and says what is not.
//!
//! Of other types only the compiler knows; it speaks for itself then.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, ParenthesizedGenericArguments, Path, Type, TypeFnPtr, TypePath, parse_quote, parse2};

use crate::display::display;

/// What is wrong with a value of type `ty` that goes to another thread, or comes from there; `verb` is what
/// to do with a better type.
pub(crate) fn objection(ty: &Type, verb: &str) -> Option<String> {
    let mut finder = Finder { counted: false, pointer: false, stand_in: false };
    let mut better = ty.clone();
    finder.visit_type_mut(&mut better);
    if finder.counted {
        return Some(format!("an `Rc` cannot move to another thread: {verb} `{}`", display(better)));
    }
    finder.pointer.then(|| {
        String::from(
            "a raw pointer cannot move to another thread by itself: put it in a type of your own that \
             vouches for it with `unsafe impl Send`",
        )
    })
}

/// A type that can do so, for what stands in for `ty` after the error.
pub(crate) fn made_free(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Finder { counted: false, pointer: false, stand_in: true }.visit_type_mut(&mut ty);
    ty
}

struct Finder {
    counted: bool,
    pointer: bool,
    /// Whether the replacements are to be found by the compiler, and not by people.
    stand_in: bool,
}

impl Finder {
    fn shared(&self, name: &str, path: &Path) -> Type {
        let arguments = &path.segments.last().map(|last| last.arguments.clone());
        let name = Ident::new(name, Span::call_site());
        let plain = parse_quote!(#name #arguments);
        if !self.stand_in {
            return plain;
        }
        let span = Span::mixed_site();
        parse2(quote_spanned!(span=> ::std::sync::#name #arguments)).unwrap_or(plain)
    }
}

impl VisitMut for Finder {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // What is inside goes first, for the replacement is not looked into.
        visit_mut::visit_type_mut(self, ty);
        match ty {
            Type::Path(TypePath { qself: None, path, .. }) => {
                if let Some(name) = counted(path) {
                    self.counted = true;
                    *ty = self.shared(name, path);
                }
            }
            Type::Ptr(_) => {
                self.pointer = true;
                *ty = parse_quote!(usize);
            }
            _ => {}
        }
    }

    // What functions take and give does not move with them.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
}

/// The counterpart in `std::sync` of `Rc<..>` and `rc::Weak<..>`.
fn counted(path: &Path) -> Option<&'static str> {
    let mut from_the_end = path.segments.iter().rev();
    let last = from_the_end.next()?;
    if last.arguments.is_empty() {
        return None;
    }
    if last.ident == "Rc" {
        return Some("Arc");
    }
    (last.ident == "Weak" && from_the_end.next()?.ident == "rc").then_some("Weak")
}
