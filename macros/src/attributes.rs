//! Which of a function's attributes the expansion keeps, and where.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Meta, parse_quote};

use crate::cfg_attr::changed;

/// What documents a function, says whether it is there, or tells the compiler how to judge and compile it.
const KEPT: [&str; 10] =
    ["doc", "cfg", "allow", "warn", "deny", "forbid", "inline", "track_caller", "target_feature", "must_use"];

/// Those of the function that is wrapped: all but a bare `#[must_use]`, which `Call` is itself; what the
/// user adds to that, with a reason, stays.
pub(crate) fn of_the_wrapped(attributes: &[Attribute]) -> Vec<TokenStream> {
    // The body's value goes into a variable. Said there, it costs the compiler five times as much.
    let own = quote! {
        #[allow(
            clippy::diverging_sub_expression,
            impl_trait_overcaptures,
            reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
        )]
    };
    let kept = |meta: &Meta| if is_bare_must_use(meta) { Vec::new() } else { vec![meta.to_token_stream()] };
    attributes.iter().flat_map(|attribute| changed(attribute, &kept)).chain([own]).collect()
}

/// Those that hold for a function made beside one that keeps them all. Others (`#[no_mangle]`, `#[test]`,
/// another macro's) are the first one's.
pub(crate) fn of_one_beside(attributes: &[Attribute]) -> Vec<TokenStream> {
    let kept = |meta: &Meta| match meta {
        // What is to be expected of the one need not happen in the other.
        Meta::List(list) if list.path.is_ident("expect") => {
            let lints = &list.tokens;
            vec![quote!(allow(#lints))]
        }
        _ if is_bare_must_use(meta) => Vec::new(),
        meta if meta.path().is_ident("deprecated") => vec![
            meta.to_token_stream(),
            quote!(allow(deprecated, reason = "it is as deprecated as what it calls")),
        ],
        _ if is_one_of(meta, &KEPT) => vec![meta.to_token_stream()],
        _ => Vec::new(),
    };
    let own = quote! {
        #[allow(impl_trait_overcaptures, reason = "the `impl` written here captures no lifetime in any edition")]
    };
    attributes.iter().flat_map(|attribute| changed(attribute, &kept)).chain([own]).collect()
}

const MARK: &str = "async_wrap has read what this function says to it";

/// Marks a function of a block for which the block's own attribute has spoken, if it has an attribute that
/// may turn out to be this macro under another name. The mark is a lint attribute that says nothing: such a
/// one is seen by that macro, where `#[cfg_attr(false, ..)]` would be gone by then.
pub(crate) fn mark_as_read(attributes: &mut Vec<Attribute>) {
    const OTHERS: [&str; 3] = ["expect", "deprecated", "cold"];
    if attributes.iter().any(|Attribute { meta, .. }| !is_one_of(meta, &KEPT) && !is_one_of(meta, &OTHERS)) {
        attributes.push(parse_quote!(#[allow(duplicate_macro_attributes, reason = #MARK)]));
    }
}

/// Whether the mark of [`mark_as_read`] is among them; takes it away.
pub(crate) fn take_mark(attributes: &mut Vec<Attribute>) -> bool {
    let before = attributes.len();
    attributes.retain(|attribute| {
        !matches!(&attribute.meta, Meta::List(list)
            if list.path.is_ident("allow") && list.tokens.to_string().contains(MARK))
    });
    attributes.len() < before
}

fn is_one_of(meta: &Meta, names: &[&str]) -> bool {
    names.iter().any(|name| meta.path().is_ident(name))
}

fn is_bare_must_use(meta: &Meta) -> bool {
    matches!(meta, Meta::Path(path) if path.is_ident("must_use"))
}
