//! `#[cfg_attr(.., ..)]`, which the compiler has not yet taken apart where it stands inside an item.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

use crate::function::Function;
use crate::tokens::is_comma;

/// A `cfg_attr`, taken apart.
struct Conditional {
    condition: TokenStream,
    /// What it stands for where the condition holds.
    attributes: Vec<Meta>,
}

impl Conditional {
    /// None for another attribute, and for one that is malformed: of that the compiler tells.
    fn read(meta: &Meta) -> Option<Self> {
        let Meta::List(list) = meta else { return None };
        if !list.path.is_ident("cfg_attr") {
            return None;
        }
        let mut tokens = list.tokens.clone().into_iter();
        let condition = tokens.by_ref().take_while(|tree| !is_comma(tree)).collect();
        let attributes = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens.collect()).ok()?;
        Some(Self { condition, attributes: attributes.into_iter().collect() })
    }
}

/// What `change` makes of an attribute, also of those inside of a `cfg_attr`, which stay under its condition.
pub(crate) fn changed(
    attribute: &Attribute,
    change: &impl Fn(&Meta) -> Vec<TokenStream>,
) -> Vec<TokenStream> {
    fn inside(meta: &Meta, change: &impl Fn(&Meta) -> Vec<TokenStream>) -> Vec<TokenStream> {
        let Some(conditional) = Conditional::read(meta) else { return change(meta) };
        let Conditional { condition, attributes } = conditional;
        let kept: Vec<TokenStream> =
            attributes.iter().flat_map(|attribute| inside(attribute, change)).collect();
        if kept.is_empty() { Vec::new() } else { vec![quote!(cfg_attr(#condition, #(#kept),*))] }
    }
    let as_attribute = |meta| {
        // With the places of the one that it was.
        let mut tokens = attribute.pound_token.to_token_stream();
        attribute.bracket_token.surround(&mut tokens, |inside| inside.extend::<TokenStream>(meta));
        tokens
    };
    inside(&attribute.meta, change).into_iter().map(as_attribute).collect()
}

/// `function` as it is where each condition holds under which it has an attribute that `wanted` finds, and as
/// it is elsewhere: each with a `#[cfg]`. Most functions have no such attribute, and are one.
pub(crate) fn variants(function: Function, wanted: &impl Fn(&Meta) -> bool) -> Vec<Function> {
    let conditional = |attribute: &Attribute| {
        Conditional::read(&attribute.meta).filter(|conditional| conditional.attributes.iter().any(wanted))
    };
    let found = function.attributes.iter().enumerate();
    let Some((place, Conditional { condition, attributes })) =
        found.filter_map(|(place, attribute)| Some((place, conditional(attribute)?))).next()
    else {
        return vec![function];
    };
    let with = |replaced: Vec<Attribute>| {
        let mut variant = function.clone();
        variant.attributes.splice(place..=place, replaced);
        variants(variant, wanted)
    };
    let there = attributes.iter().map(|meta| parse_quote!(#[#meta]));
    let mut all = with(std::iter::once(parse_quote!(#[cfg(#condition)])).chain(there).collect());
    all.extend(with(vec![parse_quote!(#[cfg(not(#condition))])]));
    all
}

/// Those attributes that decide whether what they stand on is there.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<TokenStream> {
    let decides = |meta: &Meta| {
        if meta.path().is_ident("cfg") { vec![meta.to_token_stream()] } else { Vec::new() }
    };
    attributes.iter().flat_map(|attribute| changed(attribute, &decides)).collect()
}
