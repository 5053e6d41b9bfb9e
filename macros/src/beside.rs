//! `name = other_name`: the function stays, and one that makes calls of it is generated beside it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::args::Beside;
use crate::cfg_attr::cfgs;
use crate::expand::Wrap;
use crate::inner::turbofish;
use crate::receiver::Receiver;
use crate::signature::{Place, Signature};
use crate::tokens::mentions;

impl Wrap<'_> {
    /// The function that makes calls of the one that stays.
    pub(crate) fn beside(&self, beside: &Beside) -> TokenStream {
        let ident = &self.function.signature.ident;
        if beside.associated || self.is_associated() {
            let this = Ident::new("Self", ident.span());
            return self.around(self.forwarded(&quote!(#this::#ident)));
        }
        let (mark, seen) = self.mark_as_free(beside);
        let work = self.forwarded(&quote!(#ident));
        let made = self.around(quote!({ #seen #work }));
        quote!(#mark #made)
    }

    /// An item to put beside a function that looks like a free one, and a mention of it by its bare name. In
    /// an `impl` block the name needs a `Self::`, and so does the function's own: without this, that would
    /// silently be some other function that is in scope.
    fn mark_as_free(&self, beside: &Beside) -> (TokenStream, TokenStream) {
        let cfgs = cfgs(&self.function.attributes);
        // The compiler's message names it, and may say to write `Self::` before it: so its place is that of
        // the name where that is to be written.
        let advice = format_ident!("in_an_impl_write_name_Self_{}", beside.name);
        let mark = quote! {
            #(#cfgs)*
            #[allow(dead_code, non_upper_case_globals, reason = "the name is advice to who reads an error")]
            const #advice: () = ();
        };
        (mark, quote!(#advice;))
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
