//! Collects what is wrong, so that each mistake in a signature is reported, and each once.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<Error>,
    /// How the messages end.
    ending: String,
    /// Whether the rest would only follow from what was found.
    hushed: bool,
}

impl Errors {
    /// Lets each message of [`at`](Self::at) from here on end in `ending`, another way out.
    pub(crate) fn end_in(&mut self, ending: String) {
        self.ending = ending;
    }

    /// Takes no more, if something was found: it is to be mended first.
    pub(crate) fn hush(&mut self) {
        self.hushed = !self.found.is_empty();
    }

    /// Adds `message`, shown under the whole of `place`.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.push(Error::new_spanned(place, format!("{message}{}", self.ending)));
    }

    /// Adds an error that exists already.
    pub(crate) fn push(&mut self, error: Error) {
        if !self.hushed {
            self.found.push(error);
        }
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors as items, to be placed before a stand-in for what could not be expanded.
    pub(crate) fn into_items(self) -> TokenStream {
        self.into_items_under(&[])
    }

    /// The same, each only where `cfgs` hold, as what it is about.
    pub(crate) fn into_items_under(self, cfgs: &[TokenStream]) -> TokenStream {
        self.found
            .into_iter()
            .flatten()
            .map(|error| {
                let error = error.into_compile_error();
                quote!(#(#cfgs)* #error)
            })
            .collect()
    }
}
