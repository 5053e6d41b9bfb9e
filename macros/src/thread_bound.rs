//! Finds what is bound to its thread by the looks of it, and says what is not.
//!
//! Of other types only the compiler knows; it speaks for itself then.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, Ident, ParenthesizedGenericArguments, Path, PathArguments, Type, TypeFnPtr,
    TypeParamBound, TypePath, TypeReference, TypeTraitObject, parse_quote, parse2,
};

use crate::display::display;

/// What is wrong with a value of type `ty` that goes to another thread, or comes from there; `verb` is what
/// to do with a better type.
pub(crate) fn objection(ty: &Type, verb: &str) -> Option<String> {
    let mut finder = Finder::default();
    let mut better = ty.clone();
    finder.visit_type_mut(&mut better);
    if finder.counted {
        return Some(format!("an `Rc` cannot move to another thread: {verb} `{}`", display(better)));
    }
    if finder.pointer {
        return Some(String::from(
            "a raw pointer cannot move to another thread by itself: put it in a type of your own that \
             vouches for it with `unsafe impl Send`",
        ));
    }
    let object = finder.object?;
    Some(format!("`{object}` does not say that it can move to another thread: {verb} `{}`", display(better),))
}

/// A type that can do so, for what stands in for `ty` after the error.
pub(crate) fn made_free(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Finder { stand_in: true, ..Finder::default() }.visit_type_mut(&mut ty);
    ty
}

#[derive(Default)]
struct Finder {
    counted: bool,
    pointer: bool,
    /// The first trait object that lacks a bound, as it was written.
    object: Option<String>,
    /// Whether this is inside of a type that may vouch for what it holds.
    vouched: bool,
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

impl Finder {
    /// Adds to `object` the bounds of these that it has not, unless it has the one that is enough.
    fn bind(&mut self, object: &mut TypeTraitObject, bounds: &[&str], enough: &str) {
        let has = |object: &TypeTraitObject, name: &str| {
            object.bounds.iter().any(|bound| match bound {
                TypeParamBound::Trait(bound) => {
                    bound.path.segments.last().is_some_and(|last| last.ident == name)
                }
                _ => false,
            })
        };
        if self.vouched || has(object, enough) {
            return;
        }
        let written = display(&*object);
        for name in bounds {
            if !has(object, name) {
                self.object.get_or_insert_with(|| written.clone());
                object.bounds.push(self.marker(name));
            }
        }
    }

    /// `Arc<dyn Fn()>`: what is shared is used by several threads.
    fn shared_objects(&mut self, path: &mut Path) {
        let Some(last) = path.segments.last_mut().filter(|last| last.ident == "Arc") else { return };
        let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return };
        for argument in &mut arguments.args {
            match argument {
                GenericArgument::Type(Type::TraitObject(object)) if !needs_to_say(object).is_empty() => {
                    self.bind(object, &["Send", "Sync"], "");
                }
                _ => {}
            }
        }
    }

    fn marker(&self, name: &str) -> TypeParamBound {
        let name = Ident::new(name, Span::call_site());
        if !self.stand_in {
            return parse_quote!(#name);
        }
        let span = Span::mixed_site();
        parse2(quote_spanned!(span=> ::std::marker::#name)).unwrap_or_else(|_| parse_quote!(#name))
    }
}

impl VisitMut for Finder {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // What is inside goes first, for the replacement is not looked into.
        let vouched = self.vouched;
        self.vouched |= matches!(ty, Type::Path(path) if !passes_through(&path.path));
        if let Type::Path(path) = ty {
            self.shared_objects(&mut path.path);
        }
        visit_mut::visit_type_mut(self, ty);
        self.vouched = vouched;
        match ty {
            Type::Path(TypePath { qself: None, path, .. }) => {
                if let Some(name) = counted(path) {
                    self.counted = true;
                    *ty = self.shared(name, path);
                }
            }
            Type::TraitObject(object) => self.bind(object, needs_to_say(object), "Send"),
            Type::Ptr(_) => {
                self.pointer = true;
                *ty = parse_quote!(usize);
            }
            _ => {}
        }
    }

    // What is shared by a reference does not move with it.
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        let shared = reference.mutability.is_none();
        match object_in(&mut reference.elem) {
            Some(object) if shared && !needs_to_say(object).is_empty() => {
                self.bind(object, &["Sync"], "Sync");
                // As several bounds behind a `&` have to be written.
                let object = object.clone();
                *reference.elem = parse_quote!((#object));
            }
            _ => visit_mut::visit_type_reference_mut(self, reference),
        }
    }

    // What functions take and give does not move with them.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
}

/// The trait object that a type is, in parentheses perhaps.
fn object_in(ty: &mut Type) -> Option<&mut TypeTraitObject> {
    match ty {
        Type::TraitObject(object) => Some(object),
        Type::Paren(inside) => object_in(&mut inside.elem),
        _ => None,
    }
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

/// What an object of a trait of std's has to say, as the trait says none of it. Of other traits only the
/// compiler knows.
fn needs_to_say(object: &TypeTraitObject) -> &'static [&'static str] {
    let Some(TypeParamBound::Trait(bound)) = object.bounds.first() else { return &[] };
    let names: Vec<String> = bound.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        [.., "Fn" | "FnMut" | "FnOnce" | "Iterator"] => &["Send"],
        // As there are conversions into this one.
        ["Error"] | ["error", "Error"] | ["std" | "core", "error", "Error"] => &["Send", "Sync"],
        _ => &[],
    }
}

/// Whether a type of std's can move if what it holds can.
fn passes_through(path: &Path) -> bool {
    const THROUGH: [&str; 14] = [
        "Arc", "Box", "BTreeMap", "Cell", "HashMap", "HashSet", "Mutex", "Option", "Pin", "RefCell",
        "Result", "RwLock", "Vec", "VecDeque",
    ];
    path.segments.last().is_some_and(|last| THROUGH.iter().any(|name| last.ident == name))
}
