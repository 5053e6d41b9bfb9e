//! `#[async_wrap]` on an `impl` block: each of its functions is wrapped, or it gets a handle to an actor.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, ImplItem, ItemImpl, Meta};

use crate::actor;
use crate::args::{BlockOptions, MethodOptions, Pool, WrapOptions};
use crate::attributes::mark_as_read;
use crate::cfg_attr::{cfgs, variants};
use crate::errors::Errors;
use crate::expand::wrapped;
use crate::function::Function;
use crate::signature::Place;
use crate::tokens::mentions;

/// An `impl` block, cut into its parts.
pub(crate) struct Block {
    pub(crate) attributes: Vec<Attribute>,
    /// All that stands between them and the braces.
    header: TokenStream,
    /// The same, taken apart; it has neither attributes nor items.
    pub(crate) parts: ItemImpl,
    pub(crate) inner_attributes: Vec<Attribute>,
    pub(crate) items: Vec<Item>,
    span: Span,
}

/// What stands between the braces.
pub(crate) enum Item {
    Function(Box<Function>),
    /// A constant, a type, a macro call.
    Other(TokenStream),
}

/// The expansion of `#[async_wrap(args)] impl .. { .. }`.
pub(crate) fn async_wrap(args: TokenStream, item: TokenStream) -> TokenStream {
    let block = match Block::parse(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let mut errors = Errors::default();
    let options = BlockOptions::parse(args, &mut errors);
    let expanded = match &options.actor {
        None if block.is_of_a_blocking_trait(&mut errors) => item,
        None => block.wrapped(&options),
        Some(named) => actor::expand(&block, &options, named, &mut errors),
    };
    let errors = errors.into_items();
    quote!(#errors #expanded)
}

/// What the limiter of a block's functions is called.
pub(crate) fn shared_limiter() -> Ident {
    format_ident!("ANYLOOP_BLOCK_LIMITER", span = Span::mixed_site())
}

impl Block {
    /// Whether `item` is an `impl` block.
    pub(crate) fn is_one(item: &TokenStream) -> bool {
        // By hand, for it is asked of each function too.
        let first = item.clone().into_iter().find_map(|tree| match tree {
            TokenTree::Ident(word) if word != "unsafe" => Some(word),
            _ => None,
        });
        first.is_some_and(|word| word == "impl")
    }

    fn parse(item: TokenStream) -> Result<Self, Error> {
        let mut trees: Vec<TokenTree> = item.clone().into_iter().collect();
        let body = match trees.pop() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
            _ => return Err(Error::new_spanned(item, "an `impl` block ends in braces")),
        };
        let start =
            |input: ParseStream<'_>| Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?));
        let (attributes, header) = start.parse2(trees.into_iter().collect())?;
        let parts = syn::parse2(quote!(#header {}))?;
        let inside = |input: ParseStream<'_>| {
            let inner_attributes = input.call(Attribute::parse_inner)?;
            let mut items = Vec::new();
            while !input.is_empty() {
                items.extend(Item::parse(input)?);
            }
            Ok((inner_attributes, items))
        };
        let (inner_attributes, items) = inside.parse2(body.stream())?;
        Ok(Self { attributes, header, parts, inner_attributes, items, span: body.span() })
    }

    /// The block with `items` in it, and `attributes` on it.
    pub(crate) fn with<'a>(
        &self,
        attributes: impl Iterator<Item = &'a Attribute>,
        items: impl Iterator<Item = TokenStream>,
    ) -> TokenStream {
        let Self { header, inner_attributes, .. } = self;
        let mut body = Group::new(Delimiter::Brace, quote!(#(#inner_attributes)* #(#items)*));
        body.set_span(self.span);
        quote!(#(#attributes)* #header #body)
    }

    /// Whether the trait is one of std's whose methods can only be what they are; says so.
    fn is_of_a_blocking_trait(&self, errors: &mut Errors) -> bool {
        const BLOCKING: [&str; 24] = [
            "AsMut",
            "AsRef",
            "Clone",
            "Debug",
            "Default",
            "Deref",
            "DerefMut",
            "Display",
            "Drop",
            "Eq",
            "Extend",
            "From",
            "FromIterator",
            "FromStr",
            "Hash",
            "Into",
            "IntoIterator",
            "Iterator",
            "Ord",
            "PartialEq",
            "PartialOrd",
            "ToString",
            "TryFrom",
            "TryInto",
        ];
        let Some((path, _)) = &self.parts.trait_ else { return false };
        let Some(last) = path.segments.last().filter(|last| BLOCKING.iter().any(|name| last.ident == name))
        else {
            return false;
        };
        errors.at(
            path,
            format!(
                "`{}` says what its methods give, and that is not a call: remove `async_wrap` here, and put it on a \
                 method of the type's own that calls this one, if it blocks",
                last.ident,
            ),
        );
        true
    }

    fn place(&self) -> Place {
        if self.parts.trait_.is_some() { Place::TraitImpl } else { Place::Impl }
    }

    /// Each function wrapped. A mistake in one leaves the others alone.
    fn wrapped(&self, options: &BlockOptions) -> TokenStream {
        let items = self.items.iter().map(|item| match item {
            Item::Other(item) => item.clone(),
            Item::Function(function) => {
                let mut errors = Errors::default();
                let method = Method::read(function, options.defaults(), &mut errors);
                let wrapped = self.method(&method, &mut errors);
                let errors = errors.into_items_under(&cfgs(&method.function.attributes));
                quote!(#errors #wrapped)
            }
        });
        let block = self.with(self.attributes.iter(), items);
        let Some(limit) = &options.limit else { return block };
        let facade = &options.facade;
        let limiter = shared_limiter();
        quote! {
            const _: () = {
                static #limiter: #facade::Limiter = #facade::Limiter::new(#limit);
                #block
            };
        }
    }

    fn method(&self, method: &Method, errors: &mut Errors) -> TokenStream {
        let Method { function, options, .. } = method;
        if options.skip {
            return function.to_token_stream();
        }
        // What it says of itself may be a misspelt `skip`.
        errors.hush();
        if let (Some(beside), Place::TraitImpl) = (&options.wrap.beside, self.place()) {
            errors.at(
                &beside.name,
                "the trait says which methods its impls have: leave this one as it is with \
                 `#[async_wrap(skip)]`, and wrap one of the type's own `impl` block that calls it",
            );
            return function.to_token_stream();
        }
        self.check_pool(method, errors);
        errors.end_in(String::from("; or leave it as it is: `#[async_wrap(skip)]`"));
        wrapped(function, options.wrap.clone(), self.place(), errors)
    }

    /// A block's `pool` may name `self`, which not all of its functions have.
    fn check_pool(&self, method: &Method, errors: &mut Errors) {
        let Method { function, options, .. } = method;
        let Some(Pool::Value(pool)) = &options.wrap.pool else { return };
        let own = options.scheduling.iter().any(|name| name == "pool");
        if !own && function.signature.receiver().is_none() && mentions(pool.to_token_stream(), "self") {
            errors.at(
                &function.signature.ident,
                "the block's `pool` names `self`, which this function has not: give it a pool of its \
                 own, `#[async_wrap(pool = EXPR)]`",
            );
        }
    }
}

impl Item {
    /// Reads one; a function whose own attribute is under a condition becomes two.
    fn parse(input: ParseStream<'_>) -> Result<Vec<Self>, Error> {
        let ahead = input.fork();
        if let Ok(function) = ahead.parse::<Function>() {
            input.advance_to(&ahead);
            let variants = variants(function, &|meta| is_async_wrap(meta));
            return Ok(variants.into_iter().map(|variant| Self::Function(Box::new(variant))).collect());
        }
        Ok(vec![Self::Other(input.parse::<ImplItem>()?.into_token_stream())])
    }
}

/// A function of the block, and what its own attribute says.
pub(crate) struct Method {
    /// Without the attribute.
    pub(crate) function: Function,
    pub(crate) options: MethodOptions,
    /// Whether it has the attribute.
    pub(crate) marked: bool,
}

impl Method {
    pub(crate) fn read(function: &Function, defaults: WrapOptions, errors: &mut Errors) -> Self {
        let mut function = function.clone();
        let mut args = None;
        function.attributes.retain(|attribute| {
            if !is_async_wrap(&attribute.meta) {
                return true;
            }
            if args.is_some() {
                errors.at(attribute, "`async_wrap` is given twice: keep one of the two");
                return false;
            }
            args = Some(match &attribute.meta {
                Meta::Path(_) => TokenStream::new(),
                Meta::List(list) => list.tokens.clone(),
                Meta::NameValue(_) => {
                    errors.at(attribute, "options stand in parentheses: `#[async_wrap(skip)]`");
                    TokenStream::new()
                }
            });
            false
        });
        mark_as_read(&mut function.attributes);
        let marked = args.is_some();
        let options = MethodOptions::parse(args.unwrap_or_default(), defaults, errors);
        Self { function, options, marked }
    }
}

fn is_async_wrap(meta: &Meta) -> bool {
    meta.path().segments.last().is_some_and(|last| last.ident == "async_wrap")
}
