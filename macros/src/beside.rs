//! `name = other_name`: the function stays, and one that makes calls of it is generated beside it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use crate::args::Beside;
use crate::expand::Wrap;
use crate::inner::turbofish;
use crate::receiver::Receiver;
use crate::signature::{Place, Signature};
use crate::tokens::mentions;

impl Wrap<'_> {
    /// The function that makes calls of the one that stays.
    pub(crate) fn beside(&self, beside: &Beside) -> TokenStream {
        let ident = &self.function.signature.ident;
        let path = if beside.associated || self.is_associated() {
            let this = Ident::new("Self", ident.span());
            quote!(#this::#ident)
        } else {
            quote!(#ident)
        };
        self.around(self.forwarded(&path))
    }

    /// The work that is a call of the function at `path`.
    pub(crate) fn forwarded(&self, path: &TokenStream) -> TokenStream {
        let Signature { receiver, arguments, .. } = &self.signature;
        let std = &self.std;
        let turbofish = turbofish(&self.function.signature.generics);
        let take = receiver
            .iter()
            .filter_map(|receiver| receiver.take(std))
            .chain(arguments.iter().filter_map(|argument| argument.take(std)));
        let pass =
            receiver.iter().map(Receiver::pass).chain(arguments.iter().map(|argument| argument.pass(std)));
        quote_spanned! {self.span()=>
            {
                #(#take)*
                move || #path #turbofish (#(#pass),*)
            }
        }
    }

    /// Whether the function can be seen to belong to a type: it has a `self`, or mentions `Self`.
    fn is_associated(&self) -> bool {
        self.place != Place::Unknown
            || self.signature.receiver.is_some()
            || mentions(self.function.to_token_stream(), "Self")
    }
}
