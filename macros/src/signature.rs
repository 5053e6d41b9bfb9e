//! What a wrapped function takes and gives, and which functions cannot be wrapped.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{FnArg, ReturnType, Safety, Type, parse_quote};

use crate::argument::{Argument, inferred};
use crate::borrow::{made_static, owned, peel};
use crate::display::display;
use crate::errors::Errors;
use crate::function::Function;
use crate::receiver::Receiver;
use crate::thread_bound::{made_free, objection};
use crate::tokens::located;

/// A signature, read for wrapping.
pub(crate) struct Signature<'a> {
    pub(crate) receiver: Option<Receiver<'a>>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
}

/// Where a function stands, as far as an attribute on it can tell.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// The attribute is on the function itself.
    Unknown,
    /// In a type's own `impl` block.
    Impl,
    /// In a trait's `impl` block.
    TraitImpl,
}

/// The type that the body gives.
pub(crate) struct Output(Type);

impl<'a> Signature<'a> {
    /// `stays` says that the function stays beside the wrapped one.
    pub(crate) fn read(function: &'a Function, place: Place, stays: bool, errors: &mut Errors) -> Self {
        refuse(function, stays, errors);
        // An `async fn` or an `unsafe fn` may take and give what it likes, if it stays one.
        let mut unsaid = Errors::default();
        let of_another_kind =
            function.signature.asyncness.is_some() || matches!(function.signature.safety, Safety::Unsafe(_));
        let errors = if of_another_kind { &mut unsaid } else { errors };
        if place == Place::Unknown && !stays {
            refuse_main(&function.signature, errors);
        }
        let signature = &function.signature;
        let mut read =
            Self { receiver: None, arguments: Vec::new(), output: Output::read(&signature.output, errors) };
        for (position, input) in signature.inputs.iter().enumerate() {
            match input {
                FnArg::Receiver(receiver) => {
                    read.receiver = Some(Receiver::new(receiver, errors));
                }
                FnArg::Typed(argument) => {
                    read.arguments.push(Argument::new(position, argument, &signature.generics, errors));
                }
            }
        }
        read
    }
}

impl Output {
    fn read(output: &ReturnType, errors: &mut Errors) -> Self {
        let ty = match output {
            ReturnType::Default => return Self(parse_quote!(())),
            ReturnType::Type(_, ty) => ty,
        };
        if let Type::Never(_) = peel(ty) {
            errors.at(
                ty,
                "a call that never returns would hold its thread for ever: start a thread of your \
                 own for it, or return `std::convert::Infallible` if that is what you want",
            );
        } else if let Some(owner) = owned(ty) {
            errors.at(
                ty,
                format!(
                    "`{}` holds a borrow, and a call's result outlives what it was given: return `{}`",
                    display(ty),
                    display(owner),
                ),
            );
        } else if let Some(objection) = objection(ty, "return") {
            errors.at(ty, objection);
        }
        Self((**ty).clone())
    }

    /// As the user wrote it.
    pub(crate) fn declared(&self) -> &Type {
        &self.0
    }

    /// As a closure can declare it.
    pub(crate) fn inferred(&self) -> Type {
        inferred(&self.0)
    }

    pub(crate) fn is_unit(&self) -> bool {
        matches!(peel(&self.0), Type::Tuple(tuple) if tuple.elems.is_empty())
    }

    /// What a stand-in gives after an error.
    pub(crate) fn stand_in(&self) -> Type {
        match peel(&self.0) {
            Type::Never(_) => parse_quote!(()),
            ty => made_free(&made_static(ty)),
        }
    }
}

/// Reports what kind of function cannot be wrapped.
fn refuse(function: &Function, stays: bool, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(asyncness) = &signature.asyncness {
        errors.at(
            asyncness,
            "this function is async already, there is nothing to wrap: await it, or give it to \
             `anyloop::spawn`; `async_wrap` is for functions that block",
        );
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        errors.at(
            unsafety,
            "a call runs where its caller cannot vouch for it: wrap a safe function, with the \
             `unsafe` block and its reasons inside",
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(variadic, "a call needs to know its arguments: take a `Vec`, or a tuple");
    }
    if stays {
        return;
    }
    if let Some(constness) = &signature.constness {
        errors.at(
            constness,
            "a call is made at run time: remove `const`, or keep the `const fn` and have the async one \
             made beside it, `name = other_name`",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(
            abi,
            "other languages cannot await a call: remove `extern`, or keep the function and have the \
             async one made beside it, `name = other_name`",
        );
    }
    if function.body.is_none() {
        errors.at(signature, bodiless(function));
    }
}

fn refuse_main(signature: &syn::Signature, errors: &mut Errors) {
    if signature.ident == "main" && signature.receiver().is_none() && signature.inputs.is_empty() {
        errors.at(
            &signature.ident,
            "`main` starts the program and is not awaited: write `#[anyloop::main] async fn main()`, \
             and wrap the functions that it calls",
        );
    }
}

/// What to write in a trait instead.
fn bodiless(function: &Function) -> String {
    let signature = &function.signature;
    let output = match &signature.output {
        ReturnType::Default => String::from("()"),
        ReturnType::Type(_, ty) => display(ty),
    };
    format!(
        "a method without a body has nothing to wrap: declare it as it is called, `fn {}(..) -> \
         anyloop::Call<impl anyloop::Work<Output = {output}>>`, and put `async_wrap` on it in each impl",
        signature.ident,
    )
}

/// The type `Call<impl Work<Output = ..>>`, at the place of `span`.
pub(crate) fn call_type(facade: &syn::Path, output: &Type, span: Span) -> TokenStream {
    let facade = located(facade.to_token_stream(), span);
    quote_spanned!(span=> #facade::Call<impl #facade::Work<Output = #output>>)
}
