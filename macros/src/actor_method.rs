//! What a method of a value becomes on the handle to its actor.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::visit_mut::VisitMut;
use syn::{
    FnArg, GenericArgument, PathArguments, Receiver, ReceiverKind, ReturnType, Type, TypeReference,
    parse_quote,
};

use crate::actor::Handle;
use crate::args::Beside;
use crate::argument::{Argument, contains_impl};
use crate::attributes::of_one_beside;
use crate::block::Method;
use crate::borrow::{is_static, made_static, peel};
use crate::cfg_attr::cfgs;
use crate::errors::Errors;
use crate::expand::Wrap;
use crate::function::Function;
use crate::inner::turbofish;
use crate::self_type::SelfType;
use crate::signature::{Place, Signature};

/// One method, and the handle that gets it.
pub(crate) struct ActorMethod<'a> {
    pub(crate) handle: &'a Handle<'a>,
    pub(crate) method: &'a Method,
}

/// What a function is to the handle.
enum Kind {
    /// It makes the value; the function of the facade that awaits it, and what it gives.
    Constructor(Ident, Box<Type>),
    /// It gets the value by `&self` or `&mut self`, with this lifetime.
    Call(Option<syn::Lifetime>),
    /// It has nothing to do with the value.
    Plain,
}

impl ActorMethod<'_> {
    /// The method, or what stands in for it after `errors`, with these.
    pub(crate) fn expand(&self, mut errors: Errors) -> TokenStream {
        // What it says of itself may be a misspelt `skip`.
        errors.hush();
        let kind = self.kind(&mut errors);
        self.check_options(&kind, &mut errors);
        let function = self.moved();
        errors.end_in(format!("; or leave it out of `{}`: `#[async_wrap(skip)]`", self.handle.name));
        let signature = Signature::read(&function, Place::Impl, true, &mut errors);
        if matches!(kind, Kind::Call(_)) && contains_impl(signature.output.declared()) {
            errors.at(
                &function.signature.output,
                "the result's type must be named here: box it, such as `Box<dyn Iterator<Item = u8> + Send>`",
            );
        }
        let sound = errors.is_empty();
        let expanded = match &kind {
            Kind::Constructor(made, output) => self.constructor(&signature, made, output, sound),
            Kind::Call(lifetime) => self.call(&signature, lifetime.as_ref(), sound),
            Kind::Plain => {
                let options = crate::args::WrapOptions {
                    beside: Some(Beside { name: self.name(), associated: true }),
                    ..self.method.options.wrap.clone()
                };
                let std = self.handle.std.clone();
                let wrap = Wrap { options, std, function: &function, signature, place: Place::Impl };
                if sound { wrap.around(wrap.forwarded(&self.path())) } else { wrap.stand_in() }
            }
        };
        let errors = errors.into_items_under(&cfgs(&function.attributes));
        quote!(#errors #expanded)
    }

    /// The function without its `self`, and with the value's type where it says `Self`.
    fn moved(&self) -> Function {
        let mut function = self.method.function.clone();
        let signature = &mut function.signature;
        let inputs = std::mem::take(&mut signature.inputs);
        signature.inputs = inputs.into_iter().filter(|input| matches!(input, FnArg::Typed(_))).collect();
        SelfType(self.handle.value).visit_signature_mut(signature);
        function
    }

    fn kind(&self, errors: &mut Errors) -> Kind {
        let signature = &self.method.function.signature;
        if let Some(receiver) = signature.receiver() {
            return Kind::Call(self.lent(receiver, errors));
        }
        let ReturnType::Type(_, output) = &signature.output else { return Kind::Plain };
        let this = SelfType(self.handle.value);
        if !this.is_in(output) {
            return Kind::Plain;
        }
        match made(output, &this) {
            Some((made, output)) => Kind::Constructor(format_ident!("{made}"), Box::new(output)),
            None => {
                errors.at(
                    output,
                    format!(
                        "what makes an actor's value gives `Self`, `Result<Self, E>` or `Option<Self>`, and \
                         nothing else with it: write such a one, or leave this out of `{}` with \
                         `#[async_wrap(skip)]`",
                        self.handle.name,
                    ),
                );
                Kind::Constructor(format_ident!("actor"), Box::new(parse_quote!(Self)))
            }
        }
    }

    /// Sees to it that the method gets the value by reference; the reference's lifetime.
    fn lent(&self, receiver: &Receiver, errors: &mut Errors) -> Option<syn::Lifetime> {
        let lifetime = match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, _) => Some(lifetime.clone()),
            ReceiverKind::Typed(_, ty) => match peel(ty) {
                Type::Reference(TypeReference { lifetime, elem, .. })
                    if SelfType(self.handle.value).is(elem) =>
                {
                    Some(lifetime.clone())
                }
                _ => None,
            },
            _ => None,
        };
        match lifetime {
            Some(lifetime) if !is_static(lifetime.as_ref()) => lifetime,
            _ => {
                errors.at(
                    receiver,
                    format!(
                        "an actor lends its value and keeps it: take `&self` or `&mut self`, or leave the method \
                         out of `{}` with `#[async_wrap(skip)]`, and call it on what `.actor().close()` gives",
                        self.handle.name,
                    ),
                );
                None
            }
        }
    }

    fn check_options(&self, kind: &Kind, errors: &mut Errors) {
        let options = &self.method.options;
        if !matches!(kind, Kind::Plain) {
            for option in &options.scheduling {
                errors.at(option, format!("this runs on the actor's own thread: remove `{option}`"));
            }
        }
        let name = self.name();
        if name == "actor" {
            errors.at(
                &name,
                format!(
                    "`{}` has a method `actor` by itself: give this one another name there, \
                     `#[async_wrap(name = other_name)]`",
                    self.handle.name,
                ),
            );
        }
    }

    /// What it is called on the handle.
    fn name(&self) -> Ident {
        match &self.method.options.wrap.beside {
            Some(beside) => beside.name.clone(),
            None => self.method.function.signature.ident.clone(),
        }
    }

    /// The method of the value.
    fn path(&self) -> TokenStream {
        let value = self.handle.value;
        let name = &self.method.function.signature.ident;
        quote!(<#value>::#name)
    }

    /// The method up to its body.
    fn header(
        &self,
        signature: &Signature<'_>,
        this: Option<TokenStream>,
        output: &TokenStream,
        sound: bool,
    ) -> TokenStream {
        let Function { attributes, visibility, signature: declared, .. } = &self.moved();
        let attributes = of_one_beside(attributes);
        let name = self.name();
        let syn::Signature { fn_token, generics, .. } = declared;
        let where_clause = &generics.where_clause;
        let arguments =
            signature.arguments.iter().map(if sound { Argument::outer } else { Argument::ignored });
        let inputs = this.into_iter().chain(arguments);
        // A second `actor` would be another error.
        let name = if name == "actor" { format_ident!("actor_of_the_value") } else { name };
        quote! {
            #(#attributes)*
            #visibility #fn_token #name #generics (#(#inputs),*) -> #output #where_clause
        }
    }

    fn constructor(
        &self,
        signature: &Signature<'_>,
        made: &Ident,
        output: &Type,
        sound: bool,
    ) -> TokenStream {
        let Handle { facade, std, .. } = self.handle;
        let output = if sound { output.clone() } else { made_static(output) };
        let future = quote!(impl #std::future::Future<Output = #output> + #std::marker::Send + 'static);
        let header = self.header(signature, None, &future, sound);
        if !sound {
            return quote!(#header { #std::future::pending::<#output>() });
        }
        let path = self.path();
        let turbofish = turbofish(&self.method.function.signature.generics);
        let take = signature.arguments.iter().filter_map(|argument| argument.take(std));
        let pass = signature.arguments.iter().map(|argument| argument.pass(std));
        let span = Span::mixed_site().located_at(self.method.function.signature.ident.span());
        let work = quote_spanned!(span=> move || #path #turbofish (#(#pass),*));
        let made = quote_spanned!(span=> #facade::__private::#made(#work));
        quote! {
            #header {
                #(#take)*
                #made
            }
        }
    }

    fn call(&self, signature: &Signature<'_>, lifetime: Option<&syn::Lifetime>, sound: bool) -> TokenStream {
        let Handle { facade, std, value: value_type, .. } = self.handle;
        let output = if sound { signature.output.declared().clone() } else { signature.output.stand_in() };
        if contains_impl(&output) {
            return TokenStream::new();
        }
        let call = quote! {
            #facade::ActorCall<
                #value_type,
                impl #std::ops::FnOnce(&mut #value_type) -> #output + #std::marker::Send + 'static,
                #output,
            >
        };
        let this = Ident::new("self", Span::mixed_site());
        let header = self.header(signature, Some(quote!(&#lifetime #this)), &call, sound);
        let value = Ident::new("value", Span::mixed_site());
        if !sound {
            return quote! {
                #header {
                    #this.actor.call(|_: &mut #value_type| -> #output { #std::unreachable!() })
                }
            };
        }
        let path = self.path();
        let turbofish = turbofish(&self.method.function.signature.generics);
        let take = signature.arguments.iter().filter_map(|argument| argument.take(std));
        let pass = signature.arguments.iter().map(|argument| argument.pass(std));
        // What cannot change threads is shown where the method is named.
        let span = Span::mixed_site().located_at(self.method.function.signature.ident.span());
        let start = quote_spanned!(span=> move |#value: &mut #value_type|);
        let work = quote! {
            #start -> #output {
                #path #turbofish (#value, #(#pass),*)
            }
        };
        let call = quote_spanned!(span=> #this.actor.call(#work));
        quote! {
            #header {
                #(#take)*
                #call
            }
        }
    }
}

/// How a constructor's result is awaited, and its type with the handle in place of the value.
fn made(output: &Type, this: &SelfType<'_>) -> Option<(&'static str, Type)> {
    if this.is(output) {
        return Some(("actor", parse_quote!(Self)));
    }
    let Type::Path(path) = peel(output) else { return None };
    let mut path = path.clone();
    let last = path.path.segments.last_mut()?;
    let how = match last.ident.to_string().as_str() {
        "Result" => "actor_or_error",
        "Option" => "actor_or_none",
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return None };
    for (i, argument) in arguments.args.iter_mut().enumerate() {
        let GenericArgument::Type(ty) = argument else { return None };
        match i {
            0 if this.is(ty) => *ty = parse_quote!(Self),
            0 => return None,
            _ if this.is_in(ty) => return None,
            _ => {}
        }
    }
    Some((how, Type::Path(path)))
}
