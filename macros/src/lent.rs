//! Which arguments are copied at the call, and which can neither be copied nor moved.

use quote::{ToTokens, quote};
use syn::{Type, TypeParamBound, TypeReference};

use crate::argument::contains_impl;
use crate::borrow::{is_static, owned, owner_of, peel};
use crate::display::display;
use crate::errors::Errors;
use crate::thread_bound::objection;

/// The `T` of a `&T` to copy; reports what cannot be taken over.
pub(crate) fn lent(ty: &Type, errors: &mut Errors) -> Option<Type> {
    match peel(ty) {
        Type::Reference(reference) if !is_static(reference.lifetime.as_ref()) => lent_by(reference, errors),
        _ => {
            if let Some(owner) = owned(ty) {
                errors.at(ty, inner_borrow(ty, &owner));
            } else if let Some(objection) = objection(ty, "take") {
                errors.at(ty, objection);
            }
            None
        }
    }
}

fn lent_by(reference: &TypeReference, errors: &mut Errors) -> Option<Type> {
    let referent = peel(&reference.elem);
    let message = if reference.mutability.is_some() {
        mutable(referent)
    } else if matches!(referent, Type::TraitObject(_)) {
        format!("a trait object cannot be copied at the call: share it, as `{}`", display(owner_of(referent)),)
    } else if contains_impl(referent) {
        format!(
            "`{}` has no name by which to copy it at the call: take `{}` by value, or name it as a \
             type parameter, `fn f<T: ..>(value: &T)`",
            display(reference),
            display(referent),
        )
    } else if let Some(owner) = owned(referent) {
        let message = inner_borrow(reference, &owner_of(&owner));
        format!("{message} or `&{}`", display(owner))
    } else if let Some(objection) = objection(&reference.elem, "take") {
        objection
    } else {
        return Some((*reference.elem).clone());
    };
    errors.at(reference, message);
    None
}

fn mutable(referent: &Type) -> String {
    let (owner, shared) = match referent {
        Type::TraitObject(object) => {
            let traits = object.bounds.iter().filter(|bound| match bound {
                TypeParamBound::Trait(bound) => !bound.path.is_ident("Send"),
                _ => false,
            });
            let shared = display(quote!(dyn #(#traits +)* Send));
            (format!("Box<{shared}>"), shared)
        }
        _ => {
            let owner = display(owner_of(&owned(referent).unwrap_or_else(|| referent.clone())));
            (owner.clone(), owner)
        }
    };
    format!(
        "a call runs later, elsewhere, and cannot change what its caller holds: take `{owner}` \
         and return it, share it as `Arc<Mutex<{shared}>>`, or keep it in an `anyloop::Actor`"
    )
}

fn inner_borrow(ty: impl ToTokens, owner: &Type) -> String {
    format!("`{}` holds a borrow, which a call may outlive: take `{}`", display(ty), display(owner),)
}
