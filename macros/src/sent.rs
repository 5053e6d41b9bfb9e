//! Lets the compiler say in the project's words that a type cannot change threads, once, and where it is written.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{GenericArgument, Path, PathArguments, Type};

use crate::argument::contains_impl;
use crate::borrow::peel;

/// `ty`, by a way that is there only if it can change threads; none if that need not be asked, or cannot.
pub(crate) fn sent(ty: &Type, std: &Path) -> Option<TokenStream> {
    if is_sent(ty) || contains_impl(ty) {
        return None;
    }
    let private = private_of(std);
    let span = Span::mixed_site().located_at(ty.span());
    Some(quote_spanned!(span=> <#ty as #private::Sent>::This))
}

/// The module that `std` is in, as the expansion names it, beside what the expansion alone uses.
pub(crate) fn private_of(std: &Path) -> Path {
    let mut private = std.clone();
    private.segments.pop();
    private.segments.pop_punct();
    private
}

/// Types that can: to ask for each would be work for the compiler.
fn is_sent(ty: &Type) -> bool {
    match peel(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().all(is_sent),
        Type::Array(array) => is_sent(&array.elem),
        Type::Path(path) => match (&path.qself, path.path.segments.last()) {
            (None, Some(last)) => is_known(&last.ident.to_string()) && all_sent(&last.arguments),
            _ => false,
        },
        _ => false,
    }
}

fn is_known(name: &str) -> bool {
    const KNOWN: [&str; 27] = [
        "bool",
        "char",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "f32",
        "f64",
        "String",
        "PathBuf",
        "OsString",
        "Duration",
        "Instant",
        "SystemTime",
        "Vec",
        "VecDeque",
        "Option",
        "HashMap",
        "BTreeMap",
    ];
    KNOWN.contains(&name)
}

/// `<A, B>`, if there is any.
fn all_sent(arguments: &PathArguments) -> bool {
    match arguments {
        PathArguments::None => true,
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().all(|argument| match argument {
            GenericArgument::Type(ty) => is_sent(ty),
            _ => false,
        }),
        PathArguments::Parenthesized(_) => false,
    }
}
