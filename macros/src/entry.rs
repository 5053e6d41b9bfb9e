//! `#[main]` and `#[test]`: a plain function that runs the async one.
//!
//! The async function stays as it is, inside the plain one. So `?`, `return` and the types of both
//! are what they look like, and a test's body can be run once per adapter.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Path, ReturnType};

use crate::args::EntryOptions;
use crate::errors::Errors;
use crate::function::Function;

/// The expansion of `#[main(args)] item`.
pub(crate) fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = EntryOptions::parse_main(args, &mut errors);
    let advice = "write it on `async fn main()`";
    let function = match read(item, "main", advice, &mut errors) {
        Ok(function) => function,
        Err(tokens) => return tokens,
    };
    let facade = &options.facade;
    let name = &function.signature.ident;
    let run = match &options.runtime {
        None => quote!(#facade::__private::main(#name())),
        Some(runtime) => quote!(#facade::__private::main_on(#runtime, #name())),
    };
    let output = &function.signature.output;
    finish(&function, output, &run, errors, &options.facade)
}

/// The expansion of `#[test(args)] item`.
pub(crate) fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = EntryOptions::parse_test(args, &mut errors);
    let advice = "write it on `async fn name()`";
    let function = match read(item, "test", advice, &mut errors) {
        Ok(function) => function,
        Err(tokens) => return tokens,
    };
    for attribute in &function.attributes {
        if attribute.path().is_ident("test") {
            errors.at(attribute, "the test would run twice: keep `#[anyloop::test]` only");
        }
    }
    let facade = &options.facade;
    let name = &function.signature.ident;
    let text = name.to_string();
    let run = quote!(#facade::__private::test(#text, #name));
    let marked = errors.is_empty();
    let expanded = finish(&function, &ReturnType::Default, &run, errors, &options.facade);
    if marked { quote!(#[#facade::__private::std::prelude::v1::test] #expanded) } else { expanded }
}

/// Takes the item apart, and reports what such a function must not have.
fn read(
    item: TokenStream,
    attribute: &str,
    advice: &str,
    errors: &mut Errors,
) -> Result<Function, TokenStream> {
    let refusal = format!("`{attribute}` goes on functions, not on this item: {advice}");
    let function = Function::parse(item.clone(), &refusal).map_err(|error| {
        let error = error.into_compile_error();
        quote!(#error #item)
    })?;
    let signature = &function.signature;
    let name = &signature.ident;
    if signature.asyncness.is_none() {
        errors.at(signature.fn_token, format!("`{attribute}` runs a future: write `async fn {name}()`"));
    }
    if !signature.inputs.is_empty() {
        errors.at(&signature.inputs, format!("nobody passes arguments to `{name}`: remove them"));
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        errors.at(generics, format!("nobody chooses the generics of `{name}`: remove them"));
    }
    if let Some(where_clause) = &generics.where_clause {
        errors.at(where_clause, format!("`{name}` has no generics to say this of: remove it"));
    }
    Ok(function)
}

/// The plain function around the async one; after an error, one that can be named and called.
fn finish(
    function: &Function,
    output: &ReturnType,
    run: &TokenStream,
    errors: Errors,
    facade: &Path,
) -> TokenStream {
    let Function { attributes, visibility, signature, inner_attributes, body } = function;
    let name = &signature.ident;
    let fn_token = &signature.fn_token;
    if !errors.is_empty() {
        let errors = errors.into_items();
        return quote! {
            #errors
            #visibility #fn_token #name() #output {
                #facade::__private::std::unreachable!()
            }
        };
    }
    let block = body.as_ref().map(|body| body.block(body.statements.clone()));
    quote! {
        #(#attributes)*
        #visibility #fn_token #name() #output {
            #(#inner_attributes)*
            #signature #block
            #run
        }
    }
}
