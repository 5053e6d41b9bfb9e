//! The work of a free function that calls itself: its body as an inner function of the same name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Generics;

use crate::argument::Argument;
use crate::expand::Wrap;
use crate::function::Body;
use crate::recursion::call_of_itself;
use crate::signature::Place;

impl Wrap<'_> {
    /// Where the body calls its own function, if it does.
    pub(crate) fn call_of_itself(&self, body: &TokenStream) -> Option<Ident> {
        // In an `impl` block the bare name is some other function's.
        if self.signature.receiver.is_some() || self.place != Place::Unknown {
            return None;
        }
        let name = &self.function.signature.ident;
        let bound = self.signature.arguments.iter().any(|argument| argument.binds(name));
        call_of_itself(body, name, bound)
    }

    /// The work, with the body in an inner function; `mention` is where it calls itself.
    pub(crate) fn inner_function(&self, body: &Body, mention: &Ident) -> TokenStream {
        let arguments = &self.signature.arguments;
        let std = &self.std;
        let output = self.signature.output.declared();
        let syn::Signature { fn_token, ident, generics, .. } = &self.function.signature;
        let where_clause = &generics.where_clause;
        let attributes =
            self.function.attributes.iter().filter(|attribute| attribute.path().is_ident("target_feature"));
        let turbofish = turbofish(generics);
        let inner = arguments.iter().map(Argument::inner);
        let take = arguments.iter().filter_map(|argument| argument.take(std));
        let pass = arguments.iter().map(|argument| argument.pass(std));
        let block = body.block(body.statements.clone());
        let check = self.check_that_free(mention);
        quote_spanned! {self.span()=>
            {
                #check
                {
                    #(#attributes)*
                    #fn_token #ident #generics (#(#inner),*) -> #output #where_clause #block
                    #(#take)*
                    move || #ident #turbofish (#(#pass),*)
                }
            }
        }
    }

    /// Makes sure that the body means this function when it says its name. An associated function
    /// looks like a free one here, and there the bare name means some other function: then this does
    /// not compile, where without it that function would silently not be called.
    fn check_that_free(&self, mention: &Ident) -> TokenStream {
        let facade = &self.options.facade;
        let std = &self.std;
        let turbofish = turbofish(&self.function.signature.generics);
        let arguments = self.signature.arguments.iter().map(Argument::forward);
        // The compiler's message names these two; a better one (`#[diagnostic::on_unimplemented]`) is
        // out of reach where there is no prelude.
        let advice = format_ident!("in_an_impl_write_a_path_such_as_self_{}", mention);
        let span = Span::mixed_site().located_at(mention.span());
        quote_spanned! {span=>
            if false {
                trait CallOfTheWrappedFunction {}
                impl<W: #facade::Work> CallOfTheWrappedFunction for #facade::Call<W> {}
                fn #advice(_: impl CallOfTheWrappedFunction) {}
                #advice(#mention #turbofish (#(#arguments),*));
                // Whoever came here would have given the arguments away.
                #std::unreachable!();
            }
        }
    }
}

/// `::<T, N>`: the type and const parameters, which an inner function may not be able to infer.
pub(crate) fn turbofish(generics: &Generics) -> Option<TokenStream> {
    let parameters: Vec<&Ident> = generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            syn::GenericParam::Type(parameter) => Some(&parameter.ident),
            syn::GenericParam::Const(parameter) => Some(&parameter.ident),
            syn::GenericParam::Lifetime(_) => None,
        })
        .collect();
    (!parameters.is_empty()).then(|| quote!(::<#(#parameters),*>))
}
