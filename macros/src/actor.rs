//! `#[async_wrap(actor = AsyncDb)] impl Db { .. }`: a handle to a `Db` that lives on a thread of its own.
//!
//! ```text
//! impl Db { .. }                                      // as it was
//! pub struct AsyncDb { actor: Actor<Db> }
//! impl AsyncDb {
//!     pub fn open(path: &str) -> impl Future<Output = Self> + Send + 'static { .. }
//!     pub fn get(&self, key: &str) -> ActorCall<Db, impl FnOnce(&mut Db) -> R + Send + 'static, R> { .. }
//! }
//! ```
//!
//! What the methods become is in `actor_method`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Attribute, GenericParam, Path, Type, Visibility};

use crate::actor_method::ActorMethod;
use crate::args::BlockOptions;
use crate::attributes::of_one_beside;
use crate::block::{Block, Item, Method};
use crate::borrow::owned;
use crate::display::display;
use crate::errors::Errors;
use crate::expand::std_of;
use crate::self_type::SelfType;

/// A handle type that is being made.
pub(crate) struct Handle<'a> {
    pub(crate) name: &'a Ident,
    /// The type of the value.
    pub(crate) value: &'a Type,
    pub(crate) facade: &'a Path,
    pub(crate) std: Path,
}

/// The block as it was, and the handle beside it.
pub(crate) fn expand(
    block: &Block,
    options: &BlockOptions,
    (visibility, name): &(Visibility, Ident),
    errors: &mut Errors,
) -> TokenStream {
    let mut methods = Vec::new();
    let mut kept = Vec::new();
    for item in &block.items {
        match item {
            Item::Other(item) => kept.push(item.clone()),
            Item::Function(function) => {
                // Found where the method is there only, so kept with it.
                let mut errors = Errors::default();
                let method = Method::read(function, options.defaults(), &mut errors);
                kept.push(method.function.to_token_stream());
                methods.push((method, errors));
            }
        }
    }
    if !suits(block, options, errors) {
        return block.with(block.attributes.iter(), kept.into_iter());
    }
    let value = &*block.parts.self_ty;
    let handle = Handle { name, value, facade: &options.facade, std: std_of(&options.facade) };
    methods.retain(|(method, errors)| is_taken(method) || !errors.is_empty());
    if methods.is_empty() {
        errors.at(
            name,
            format!(
                "`{name}` would have no methods: make those that it shall have visible, such as `pub(crate)`, \
                 or write `#[async_wrap]` on them",
            ),
        );
    }
    let visibility = match visibility {
        Visibility::Inherited => most_visible(methods.iter().map(|(method, _)| &method.function.visibility)),
        given => given.clone(),
    };
    let methods = methods
        .into_iter()
        .map(|(method, errors)| ActorMethod { handle: &handle, method: &method }.expand(errors))
        .collect();
    let docs = |attribute: &&Attribute| attribute.path().is_ident("doc");
    let rest = block.attributes.iter().filter(|attribute| !docs(attribute));
    let own = block.with(rest.clone(), kept.into_iter());
    let documentation = block.attributes.iter().filter(docs).cloned().collect();
    let lints = of_one_beside(&rest.cloned().collect::<Vec<_>>());
    let handle = handle.expand(block, &visibility, documentation, &lints, methods);
    quote!(#own #handle)
}

/// Whether a handle can be made of the block at all; says why not.
fn suits(block: &Block, options: &BlockOptions, errors: &mut Errors) -> bool {
    for option in &options.scheduling {
        errors.at(option, format!("an actor runs its calls on a thread of its own: remove `{option}`"));
    }
    if let Some((path, _)) = &block.parts.trait_ {
        errors.at(path, "a handle has the methods of a type's own `impl` block: write `actor` on that one");
        return false;
    }
    let value = &block.parts.self_ty;
    if owned(value).is_some()
        || block.parts.generics.params.iter().any(|param| matches!(param, GenericParam::Lifetime(_)))
    {
        errors.at(
            value,
            format!(
                "an actor's value lives on by itself and cannot borrow, as `{}` does: give it a type \
                 that owns what it works on",
                display(value),
            ),
        );
        return false;
    }
    true
}

/// Methods without visibility are helpers of the others, unless they are marked.
fn is_taken(method: &Method) -> bool {
    !method.options.skip && (method.marked || !matches!(method.function.visibility, Visibility::Inherited))
}

fn most_visible<'a>(all: impl Iterator<Item = &'a Visibility>) -> Visibility {
    let rank = |visibility: &&Visibility| match visibility {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(_) => 1,
        _ => 0,
    };
    all.max_by_key(rank).cloned().unwrap_or(Visibility::Inherited)
}

impl Handle<'_> {
    fn expand(
        &self,
        block: &Block,
        visibility: &Visibility,
        mut documentation: Vec<Attribute>,
        lints: &[TokenStream],
        methods: Vec<TokenStream>,
    ) -> TokenStream {
        let Self { name, value, facade, std } = self;
        if documentation.is_empty() {
            let text = format!("A handle to a `{}` that lives on a thread of its own.", display(value));
            documentation.push(syn::parse_quote!(#[doc = #text]));
        }
        let mut generics = block.parts.generics.clone();
        SelfType(value).visit_generics_mut(&mut generics);
        let (for_impl, of_type, where_clause) = generics.split_for_impl();
        let this = Ident::new("self", Span::mixed_site());
        quote! {
            #(#documentation)*
            #visibility struct #name #generics #where_clause {
                actor: #facade::Actor<#value>,
            }

            impl #for_impl #std::clone::Clone for #name #of_type #where_clause {
                fn clone(&#this) -> Self {
                    Self { actor: #std::clone::Clone::clone(&#this.actor) }
                }
            }

            impl #for_impl #std::fmt::Debug for #name #of_type #where_clause {
                fn fmt(&#this, formatter: &mut #std::fmt::Formatter<'_>) -> #std::fmt::Result {
                    #std::fmt::Debug::fmt(&#this.actor, formatter)
                }
            }

            impl #for_impl #std::convert::From<#facade::Actor<#value>> for #name #of_type #where_clause {
                fn from(actor: #facade::Actor<#value>) -> Self {
                    Self { actor }
                }
            }

            #(#lints)*
            #[allow(private_interfaces, private_bounds, reason = "the value's type is in each signature")]
            impl #for_impl #name #of_type #where_clause {
                /// The actor behind this handle: for calls of any closure, and to close it.
                #[allow(dead_code, reason = "it is there for who needs it")]
                #visibility fn actor(&#this) -> &#facade::Actor<#value> {
                    &#this.actor
                }

                #(#methods)*
            }
        }
    }
}
