//! Puts a wrapped function together.
//!
//! ```text
//! fn f(a: A, s: &str) -> Call<impl Work<Output = R>> {
//!     call({
//!         let s = to_owned(s);                // taken over at the call
//!         move || -> R { .. body .. }         // or `move || f(a, borrow(&s))`, with `f` an inner function
//!     })
//! }
//! ```
//!
//! The body goes into the closure, where an impl's `Self` and generics can be named, which an inner
//! function cannot. A body that calls its own function by its bare name, which only a free function's
//! does, becomes an inner function of that name instead, so that its recursion stays synchronous.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Meta, Path, parse_quote, parse_quote_spanned};

use crate::args::{Pool, WrapOptions};
use crate::argument::{Argument, contains_impl};
use crate::body::for_closure;
use crate::errors::Errors;
use crate::function::{Body, Function};
use crate::receiver::Receiver;
use crate::signature::{Signature, call_type};

const NOT_A_FUNCTION: &str =
    "write it on the functions or methods that block, each by itself (in an `impl` too)";

/// The expansion of `#[async_wrap(args)] item`.
pub(crate) fn async_wrap(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = WrapOptions::parse(args, &mut errors);
    let function = match Function::parse(item.clone(), "async_wrap", NOT_A_FUNCTION) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let signature = Signature::read(&function, &mut errors);
    let wrap = Wrap { std: std_of(&options.facade), options, function: &function, signature };
    match (&function.body, errors.is_empty()) {
        (Some(body), true) => wrap.expand(body),
        _ => {
            let stand_in = wrap.stand_in(item);
            let errors = errors.into_items();
            quote!(#errors #stand_in)
        }
    }
}

/// `std`, by a way that no item of the user's can be in.
fn std_of(facade: &Path) -> Path {
    parse_quote!(#facade::__private::std)
}

/// A function to wrap, without mistakes or with some.
pub(crate) struct Wrap<'a> {
    pub(crate) options: WrapOptions,
    pub(crate) std: Path,
    pub(crate) function: &'a Function,
    pub(crate) signature: Signature<'a>,
}

impl Wrap<'_> {
    fn expand(&self, body: &Body) -> TokenStream {
        let work = match self.call_of_itself(&body.statements) {
            Some(mention) => self.inner_function(body, &mention),
            None => self.closure(body),
        };
        let facade = &self.options.facade;
        let call = self.scheduled(quote!(#facade::__private::call(#work)));
        let header = self.header(
            self.signature.arguments.iter().map(Argument::outer),
            call_type(facade, self.signature.output.declared()),
        );
        let inner_attributes = &self.function.inner_attributes;
        quote! {
            #header {
                #(#inner_attributes)*
                #call
            }
        }
    }

    /// The function up to its body.
    fn header(&self, arguments: impl Iterator<Item = TokenStream>, output: TokenStream) -> TokenStream {
        let Function { attributes, visibility, signature, .. } = self.function;
        let attributes = attributes.iter().filter(|attribute| !is_bare_must_use(attribute));
        let syn::Signature { safety, fn_token, ident, generics, .. } = signature;
        let where_clause = &generics.where_clause;
        let inputs = self.signature.receiver.as_ref().map(Receiver::outer).into_iter().chain(arguments);
        quote! {
            #(#attributes)*
            #visibility #safety #fn_token #ident #generics (#(#inputs),*) -> #output #where_clause
        }
    }

    /// Adds what the options say.
    fn scheduled(&self, mut call: TokenStream) -> TokenStream {
        let facade = &self.options.facade;
        match &self.options.pool {
            None => {}
            Some(Pool::Native(span)) => call = quote_spanned!(*span=> #call.on_native()),
            Some(Pool::Cpu(span)) => call = quote_spanned!(*span=> #call.on_cpu()),
            Some(Pool::Value(pool)) => {
                let span = Span::mixed_site().located_at(pool.span());
                // syn adds the parentheses that `&` needs here.
                let pool: syn::Expr = parse_quote_spanned!(span=> &#pool);
                call = quote_spanned!(span=> #call.on(#pool));
            }
        }
        if let Some(limit) = &self.options.limit {
            call = quote! {
                #call.limit({
                    static ANYLOOP_LIMITER: #facade::Limiter = #facade::Limiter::new(#limit);
                    &ANYLOOP_LIMITER
                })
            };
        }
        call
    }

    /// The work, with the body in a closure.
    fn closure(&self, body: &Body) -> TokenStream {
        let Signature { receiver, arguments, output } = &self.signature;
        let std = &self.std;
        let lifetimes: Vec<Ident> = self
            .function
            .signature
            .generics
            .lifetimes()
            .map(|parameter| parameter.lifetime.ident.clone())
            .collect();
        let statements = for_closure(body.statements.clone(), receiver.is_some(), &lifetimes);
        let block = body.block(statements);
        let take = receiver
            .iter()
            .filter_map(|receiver| receiver.take(std))
            .chain(arguments.iter().filter_map(|argument| argument.take(std)));
        let bind =
            receiver.iter().map(Receiver::bind).chain(arguments.iter().map(|argument| argument.bind(std)));
        let ty = output.inferred();
        // A block of its own, so that what its last expression borrows from the arguments is
        // dropped before them, in every edition.
        let (result, give) = if output.is_unit() {
            (quote!(()), None)
        } else {
            let result = format_ident!("result", span = Span::mixed_site());
            let give = quote! {
                #[allow(unreachable_code, reason = "the body may return before its end")]
                #result
            };
            (quote!(#result), Some(give))
        };
        let run = quote! {
            #[allow(clippy::diverging_sub_expression, reason = "the body may be just a panic")]
            let #result: #ty = #block;
            #give
        };
        quote! {
            {
                #(#take)*
                move || -> #ty {
                    #(#bind)*
                    #run
                }
            }
        }
    }

    /// What stands in for the function after an error: it can be named, called and awaited, so that
    /// its callers do not fail too.
    fn stand_in(&self, item: TokenStream) -> TokenStream {
        let signature = &self.function.signature;
        let awaited_or_foreign = signature.asyncness.is_some()
            || signature.abi.is_some()
            || signature.variadic.is_some()
            || (signature.ident == "main" && signature.inputs.is_empty());
        // Of an `impl Trait` only the body knows the type.
        if awaited_or_foreign || contains_impl(self.signature.output.declared()) {
            return item;
        }
        let facade = &self.options.facade;
        let std = &self.std;
        let output = self.signature.output.stand_in();
        let header =
            self.header(self.signature.arguments.iter().map(Argument::ignored), call_type(facade, &output));
        if self.function.body.is_none() {
            return quote!(#header;);
        }
        quote! {
            #header {
                #facade::__private::call(|| -> #output { #std::unreachable!() })
            }
        }
    }
}

/// `Call` is `#[must_use]` itself; what the user adds to that, with a reason, stays.
fn is_bare_must_use(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::Path(path) if path.is_ident("must_use"))
}
