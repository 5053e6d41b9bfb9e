//! Which of a function's attributes the expansion keeps, and where.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Meta};

/// Those of the function that is wrapped: all but a bare `#[must_use]`, which `Call` is itself; what the
/// user adds to that, with a reason, stays.
pub(crate) fn of_the_wrapped(attributes: &[Attribute]) -> Vec<TokenStream> {
    attributes
        .iter()
        .filter(|attribute| !is_bare_must_use(attribute))
        .map(ToTokens::to_token_stream)
        .collect()
}

/// Those that hold for a function made beside one that keeps them all: what documents it, says whether
/// it is there, or tells the compiler how to judge and compile it. Others (`#[no_mangle]`, `#[test]`,
/// another macro's) are the first one's.
pub(crate) fn of_one_beside(attributes: &[Attribute]) -> Vec<TokenStream> {
    const KEPT: [&str; 10] = [
        "doc",
        "cfg",
        "allow",
        "warn",
        "deny",
        "forbid",
        "inline",
        "track_caller",
        "target_feature",
        "must_use",
    ];
    attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            // What is to be expected of the one need not happen in the other.
            Meta::List(list) if list.path.is_ident("expect") => {
                let lints = &list.tokens;
                Some(quote!(#[allow(#lints)]))
            }
            _ if is_bare_must_use(attribute) => None,
            meta if meta.path().is_ident("deprecated") => Some(quote! {
                #attribute
                #[allow(deprecated, reason = "it is as deprecated as what it calls")]
            }),
            meta => KEPT.iter().any(|kept| meta.path().is_ident(kept)).then(|| attribute.to_token_stream()),
        })
        .collect()
}

/// Those that decide whether the item is there.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

fn is_bare_must_use(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::Path(path) if path.is_ident("must_use"))
}
