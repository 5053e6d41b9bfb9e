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

    /// The work, with the body in an inner function.
    pub(crate) fn inner_function(&self, body: &Body) -> TokenStream {
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
        quote_spanned! {self.span()=>
            {
                #(#attributes)*
                #fn_token #ident #generics (#(#inner),*) -> #output #where_clause #block
                #(#take)*
                move || #ident #turbofish (#(#pass),*)
            }
        }
    }

    /// Makes sure that the body means this function when it says its name, at `mention`: then what that gives
    /// has the type of `call`, down to the closure in it, and no other function's has. An associated function
    /// looks like a free one here, and there the bare name means some other function: then this does not
    /// compile, where without it that function would silently not be called.
    pub(crate) fn or_call_of_this(&self, call: TokenStream, mention: &Ident) -> TokenStream {
        let turbofish = turbofish(&self.function.signature.generics);
        let arguments = self.signature.arguments.iter().map(Argument::forward);
        let span = Span::mixed_site().located_at(mention.span());
        // The compiler's message names this type; one of the project's own (`#[diagnostic::on_unimplemented]`)
        // would need a trait, and to choose an impl the compiler does not look into what a function gives.
        let advice = format_ident!("in_an_impl_write_a_path_such_as_self_{}", mention, span = span);
        let of_this = quote_spanned! {span=>
            {
                struct #advice<C>(C);
                fn call_of_this<C>(named: #advice<C>) -> C {
                    named.0
                }
                let named = #advice(#mention #turbofish (#(#arguments),*));
                call_of_this(named)
            }
        };
        quote!(if true { #call } else #of_this)
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
