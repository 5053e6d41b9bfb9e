//! Finds what a type borrows, and says which type owns it instead.

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, GenericArgument, Ident, Lifetime, ParenthesizedGenericArguments, PathArguments, Type,
    TypeFnPtr, TypeParamBound, TypePath, TypeReference, parse_quote,
};

/// The type that owns what `ty` borrows, such as `Option<String>` for `Option<&str>`; none if it
/// borrows nothing, or for `'static` only.
pub(crate) fn owned(ty: &Type) -> Option<Type> {
    let mut ty = ty.clone();
    let mut owner = Owner { found: false, replace: true };
    owner.visit_type_mut(&mut ty);
    owner.found.then_some(ty)
}

/// `ty` with every borrow made `'static`: what stands in for it after an error.
pub(crate) fn made_static(ty: &Type) -> Type {
    let mut ty = ty.clone();
    let mut owner = Owner { found: false, replace: false };
    owner.visit_type_mut(&mut ty);
    ty
}

/// Whether `lifetime` is there and is `'static`.
pub(crate) fn is_static(lifetime: Option<&Lifetime>) -> bool {
    lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

/// What is inside the parentheses, and inside the invisible group around a macro_rules `$t:ty`.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

struct Owner {
    found: bool,
    /// Whether borrows become their owners; else they become `'static`.
    replace: bool,
}

impl VisitMut for Owner {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if self.replace {
            let owner = match &*ty {
                Type::Reference(reference) if !is_static(reference.lifetime.as_ref()) => {
                    Some(owner_of(&reference.elem))
                }
                Type::Path(path) => borrowed_cow(path).map(owner_of).or_else(|| source(path)),
                _ => None,
            };
            if let Some(owner) = owner {
                self.found = true;
                *ty = owner;
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if reference.lifetime.is_none() {
            reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span));
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            self.found = true;
            lifetime.ident = Ident::new("static", lifetime.ident.span());
        }
    }

    // What `fn(&str)`, `Fn(&str)` and `for<'a> ..` borrow is lent to them when they are called.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
    fn visit_bound_lifetimes_mut(&mut self, _: &mut BoundLifetimes) {}
    fn visit_trait_bound_mut(&mut self, bound: &mut syn::TraitBound) {
        if bound.lifetimes.is_none() {
            visit_mut::visit_trait_bound_mut(self, bound);
        }
    }
}

/// What `Cow<'_, T>` or `Cow<'a, T>` holds.
fn borrowed_cow(path: &TypePath) -> Option<&Type> {
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    match (last.ident == "Cow", arguments.next()?, arguments.next()?) {
        (true, GenericArgument::Lifetime(lifetime), GenericArgument::Type(ty))
            if lifetime.ident != "static" =>
        {
            Some(ty)
        }
        _ => None,
    }
}

/// What to have in place of a guard or an iterator of std's: that which it is made of.
fn source(path: &TypePath) -> Option<Type> {
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    match arguments.next()? {
        GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => {}
        _ => return None,
    }
    let held = arguments.next();
    match (last.ident.to_string().as_str(), held) {
        ("MutexGuard" | "Ref" | "RefMut", Some(held)) => Some(parse_quote!(Arc<Mutex<#held>>)),
        ("RwLockReadGuard" | "RwLockWriteGuard", Some(held)) => Some(parse_quote!(Arc<RwLock<#held>>)),
        ("Iter" | "IterMut" | "Drain", Some(held)) if arguments.next().is_none() => {
            Some(parse_quote!(Vec<#held>))
        }
        ("Chars" | "CharIndices" | "Bytes" | "Lines" | "SplitWhitespace", None) => Some(parse_quote!(String)),
        _ => None,
    }
}

/// The type that owns a `ty`, as `ToOwned` has it; a trait object is shared.
pub(crate) fn owner_of(ty: &Type) -> Type {
    match peel(ty) {
        Type::Slice(slice) => {
            let elem = &slice.elem;
            parse_quote!(Vec<#elem>)
        }
        Type::TraitObject(object) => {
            let bounds = object.bounds.iter().filter(|bound| match bound {
                TypeParamBound::Trait(bound) => !bound.path.is_ident("Send") && !bound.path.is_ident("Sync"),
                _ => false,
            });
            parse_quote!(Arc<dyn #(#bounds +)* Send + Sync>)
        }
        Type::Path(path) => {
            let mut path = path.clone();
            if let Some(last) = path.path.segments.last_mut() {
                let owner = match last.ident.to_string().as_str() {
                    "str" => "String",
                    "Path" => "PathBuf",
                    "OsStr" => "OsString",
                    "CStr" => "CString",
                    _ => return Type::Path(path),
                };
                last.ident = Ident::new(owner, Span::call_site());
            }
            Type::Path(path)
        }
        other => other.clone(),
    }
}
