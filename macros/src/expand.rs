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
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Path, parse_quote, parse_quote_spanned};

use crate::args::{Limit, Pool, WrapOptions};
use crate::argument::{Argument, contains_impl};
use crate::attributes::{of_one_beside, of_the_wrapped, take_mark};
use crate::block::{self, Block};
use crate::body::for_closure;
use crate::errors::Errors;
use crate::function::{Body, Function};
use crate::receiver::Receiver;
use crate::signature::{Place, Signature, call_type};
use crate::tokens::located;

const NOT_A_FUNCTION: &str = "`async_wrap` goes on functions and `impl` blocks, not on this item: write it on the \
     functions or methods that block, or on the whole `impl` block";

const ANOTHER_NAME: &str = "in an `impl` block that has the attribute itself, it is known on a method by its own name \
     only: write `#[async_wrap(..)]` or `#[anyloop::async_wrap(..)]`";

/// The expansion of `#[async_wrap(args)] item`.
pub(crate) fn async_wrap(args: TokenStream, item: TokenStream) -> TokenStream {
    if Block::is_one(&item) {
        return block::async_wrap(args, item);
    }
    let mut errors = Errors::default();
    let mut function = match Function::parse(item.clone(), NOT_A_FUNCTION) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    if take_mark(&mut function.attributes) {
        let error = Error::new(Span::call_site(), ANOTHER_NAME).into_compile_error();
        return quote!(#error #function);
    }
    let options = WrapOptions::parse(args, &mut errors);
    let wrapped = wrapped(&function, options, Place::Unknown, &mut errors);
    let errors = errors.into_items();
    quote!(#errors #wrapped)
}

/// What `function` becomes; after an error, and if `errors` had some before, what stands in for that.
pub(crate) fn wrapped(
    function: &Function,
    options: WrapOptions,
    place: Place,
    errors: &mut Errors,
) -> TokenStream {
    let signature = Signature::read(function, place, options.beside.is_some(), errors);
    let wrap = Wrap { std: std_of(&options.facade), options, function, signature, place };
    match (&wrap.options.beside, &function.body) {
        (Some(beside), _) => {
            let made = if errors.is_empty() { wrap.beside(beside) } else { wrap.stand_in() };
            quote!(#function #made)
        }
        (None, Some(body)) if errors.is_empty() => wrap.expand(body),
        _ => wrap.stand_in(),
    }
}

/// `std`, by a way that no item of the user's can be in.
pub(crate) fn std_of(facade: &Path) -> Path {
    parse_quote!(#facade::__private::std)
}

/// A function to wrap, without mistakes or with some.
pub(crate) struct Wrap<'a> {
    pub(crate) options: WrapOptions,
    pub(crate) std: Path,
    pub(crate) function: &'a Function,
    pub(crate) signature: Signature<'a>,
    pub(crate) place: Place,
}

impl Wrap<'_> {
    fn expand(&self, body: &Body) -> TokenStream {
        match self.call_of_itself(&body.statements) {
            Some(mention) => {
                let call = self.call(self.inner_function(body));
                self.giving(self.or_call_of_this(call, &mention))
            }
            None => self.around(self.closure(body)),
        }
    }

    /// The wrapped function that makes a call of `work`.
    pub(crate) fn around(&self, work: TokenStream) -> TokenStream {
        self.giving(self.call(work))
    }

    /// The expression that makes a call of `work`, with what the options say.
    fn call(&self, work: TokenStream) -> TokenStream {
        // What cannot change threads is shown where the function is named.
        let span = self.span();
        let path = located(self.options.facade.to_token_stream(), span);
        self.scheduled(quote_spanned!(span=> #path::__private::call(#work)))
    }

    /// The wrapped function that gives `call`.
    fn giving(&self, call: TokenStream) -> TokenStream {
        let facade = &self.options.facade;
        let receiver = self.signature.receiver.as_ref();
        let receiver = match self.options.beside {
            None => receiver.map(Receiver::outer),
            Some(_) => receiver.map(Receiver::forwarding),
        };
        let header = self.header(
            receiver.into_iter().chain(self.signature.arguments.iter().map(Argument::outer)),
            call_type(facade, self.signature.output.declared(), self.output_span()),
        );
        let inner_attributes = match self.options.beside {
            None => self.function.inner_attributes.as_slice(),
            Some(_) => &[],
        };
        quote! {
            #header {
                #(#inner_attributes)*
                #call
            }
        }
    }

    /// The place of the function's name, for the expansion's own words.
    pub(crate) fn span(&self) -> Span {
        Span::mixed_site().located_at(self.function.signature.ident.span())
    }

    /// The place of the type that the function gives, where a trait that asks for another one is told of. The
    /// compiler suggests to replace what is there.
    fn output_span(&self) -> Span {
        match &self.function.signature.output {
            syn::ReturnType::Default => Span::mixed_site(),
            syn::ReturnType::Type(_, ty) => Span::mixed_site().located_at(ty.span()),
        }
    }

    /// The function up to its body.
    fn header(&self, inputs: impl Iterator<Item = TokenStream>, output: TokenStream) -> TokenStream {
        let Function { attributes, visibility, signature, .. } = self.function;
        let attributes = match self.options.beside {
            None => of_the_wrapped(attributes),
            Some(_) => of_one_beside(attributes),
        };
        let syn::Signature { safety, fn_token, ident, generics, .. } = signature;
        let ident = self.options.beside.as_ref().map_or(ident, |beside| &beside.name);
        let where_clause = &generics.where_clause;
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
        match &self.options.limit {
            None => {}
            Some(Limit::Own(limit)) => {
                call = quote! {
                    #call.limit({
                        static ANYLOOP_LIMITER: #facade::Limiter = #facade::Limiter::new(#limit);
                        &ANYLOOP_LIMITER
                    })
                };
            }
            Some(Limit::Shared) => {
                let limiter = block::shared_limiter();
                call = quote!(#call.limit(&#limiter));
            }
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
        let statements = for_closure(
            body.statements.clone(),
            receiver.as_ref().is_some_and(Receiver::is_cloned),
            &lifetimes,
        );
        let block = body.block(statements);
        let take = receiver
            .iter()
            .filter_map(|receiver| receiver.take(std))
            .chain(arguments.iter().filter_map(|argument| argument.take(std)));
        let bind =
            receiver.iter().map(Receiver::bind).chain(arguments.iter().map(|argument| argument.bind(std)));
        let ty = output.inferred();
        // A block of its own, so that what its last expression borrows from the arguments is
        // dropped before them, in every edition. It stands in parentheses, which are a macro's, so that
        // nobody is told that its braces are superfluous.
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
        quote_spanned! {self.span()=>
            {
                #(#take)*
                move || -> #ty {
                    #(#bind)*
                    let #result: #ty = (#block);
                    #give
                }
            }
        }
    }

    /// What stands in for the function after an error: it can be named, called and awaited, so that
    /// its callers do not fail too.
    pub(crate) fn stand_in(&self) -> TokenStream {
        let signature = &self.function.signature;
        let awaited_or_foreign = signature.asyncness.is_some()
            || signature.abi.is_some()
            || signature.variadic.is_some()
            || (signature.ident == "main" && signature.inputs.is_empty());
        // Of an `impl Trait` only the body knows the type.
        if awaited_or_foreign || contains_impl(self.signature.output.declared()) {
            return match self.options.beside {
                None => self.function.to_token_stream(),
                Some(_) => TokenStream::new(),
            };
        }
        let facade = &self.options.facade;
        let std = &self.std;
        let output = self.signature.output.stand_in();
        let receiver = self.signature.receiver.as_ref().map(Receiver::forwarding);
        let arguments = self.signature.arguments.iter().map(Argument::ignored);
        let header = self
            .header(receiver.into_iter().chain(arguments), call_type(facade, &output, self.output_span()));
        if self.function.body.is_none() && self.options.beside.is_none() {
            return quote!(#header;);
        }
        quote! {
            #header {
                #facade::__private::call(|| -> #output { #std::unreachable!() })
            }
        }
    }
}
