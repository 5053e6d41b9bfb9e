//! Type parameters by their bounds: which of them cannot change threads.

use quote::quote;
use syn::punctuated::Punctuated;
use syn::{GenericParam, Generics, Path, Token, Type, TypeParamBound, WherePredicate};

use crate::borrow::peel;
use crate::display::display;

/// A type parameter, or an `impl Trait`.
pub(crate) struct Parameter {
    /// None for an `impl Trait`.
    name: Option<String>,
    bounds: Punctuated<TypeParamBound, Token![+]>,
}

/// The type parameter among `generics` that `ty` is, or the `impl Trait`.
pub(crate) fn parameter(ty: &Type, generics: &Generics) -> Option<Parameter> {
    let name = match peel(ty) {
        Type::ImplTrait(opaque) => return Some(Parameter { name: None, bounds: opaque.bounds.clone() }),
        Type::Path(path) if path.qself.is_none() => path.path.get_ident()?,
        _ => return None,
    };
    let declared = generics.params.iter().find_map(|parameter| match parameter {
        GenericParam::Type(parameter) if parameter.ident == *name => Some(parameter),
        _ => None,
    })?;
    let mut bounds = declared.bounds.clone();
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        match predicate {
            WherePredicate::Type(predicate) if is_path_to(&predicate.bounded_ty, name) => {
                bounds.extend(predicate.bounds.iter().cloned());
            }
            _ => {}
        }
    }
    Some(Parameter { name: Some(name.to_string()), bounds })
}

impl Parameter {
    /// What is wrong with it, if it cannot change threads for sure.
    pub(crate) fn objection(&self) -> Option<String> {
        let says_nothing_of_it = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => is_neutral(&bound.path),
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            _ => false,
        };
        if !self.bounds.iter().all(says_nothing_of_it) {
            return None;
        }
        let traits = self.bounds.iter().filter(|bound| !matches!(bound, TypeParamBound::Lifetime(_)));
        let bounds = quote!(#(#traits +)* Send + 'static);
        let form = match &self.name {
            Some(name) => format!("{name}: {}", display(bounds)),
            None => format!("impl {}", display(bounds)),
        };
        Some(format!("what a call takes moves to another thread, and stays there: ask for `{form}`"))
    }
}

/// Whether it is a trait of std's that is there for things which can change threads and for others. Another one
/// may ask for `Send` itself.
fn is_neutral(path: &Path) -> bool {
    const NEUTRAL: [&str; 21] = [
        "AsRef",
        "Clone",
        "Copy",
        "Debug",
        "Default",
        "Display",
        "DoubleEndedIterator",
        "Eq",
        "ExactSizeIterator",
        "Fn",
        "FnMut",
        "FnOnce",
        "From",
        "Hash",
        "Into",
        "IntoIterator",
        "Iterator",
        "Ord",
        "PartialEq",
        "PartialOrd",
        "ToString",
    ];
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    let Some(name) = names.next() else { return false };
    NEUTRAL.iter().any(|neutral| name == neutral)
        // Others have traits of these names too.
        || (["Read", "Write"].iter().any(|of_io| name == of_io) && names.next().is_some_and(|of| of == "io"))
}

fn is_path_to(ty: &Type, name: &syn::Ident) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident(name))
}
