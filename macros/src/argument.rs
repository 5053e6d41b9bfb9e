//! How each argument is taken over at the call, and handed to the body when it runs.
//!
//! An argument by value moves into the call. A reference is copied with `ToOwned` at the call, and
//! the body borrows from the copy.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Generics, Pat, PatType, Path, Type, TypeImplTrait};

use crate::borrow::{owned, peel};
use crate::cfg_attr::cfgs;
use crate::errors::Errors;
use crate::lent::lent;
use crate::parameter::{Parameter, parameter};
use crate::sent::sent;

/// One argument.
pub(crate) struct Argument {
    attributes: Vec<Attribute>,
    pattern: Pat,
    /// What the wrapped function calls it, see [`outer_name`].
    name: Ident,
    ty: Type,
    /// The `T` of a `&T` that is copied at the call.
    lent: Option<Type>,
    /// Whether its type is a type parameter's, or opaque.
    of_parameter: bool,
}

impl Argument {
    pub(crate) fn new(position: usize, argument: &PatType, generics: &Generics, errors: &mut Errors) -> Self {
        let parameter = parameter(&argument.ty, generics);
        match parameter.as_ref().and_then(Parameter::objection) {
            // Of a borrow that is in it too, `lent` tells.
            Some(message) if owned(&argument.ty).is_none() => errors.at(&argument.ty, message),
            _ => {}
        }
        Self {
            attributes: argument.attrs.clone(),
            pattern: (*argument.pat).clone(),
            name: outer_name(position, &argument.pat),
            ty: (*argument.ty).clone(),
            lent: lent(&argument.ty, errors),
            of_parameter: parameter.is_some(),
        }
    }

    /// As the wrapped function declares it.
    pub(crate) fn outer(&self) -> TokenStream {
        let Self { attributes, name, ty, .. } = self;
        quote!(#(#attributes)* #name: #ty)
    }

    /// As the inner function declares it.
    pub(crate) fn inner(&self) -> TokenStream {
        let Self { attributes, pattern, ty, .. } = self;
        quote!(#(#attributes)* #pattern: #ty)
    }

    /// As the stand-in after an error declares it.
    pub(crate) fn ignored(&self) -> TokenStream {
        let Self { attributes, ty, .. } = self;
        quote!(#(#attributes)* _: #ty)
    }

    /// The statement that takes it over, at the call.
    pub(crate) fn take(&self, std: &Path) -> Option<TokenStream> {
        let Self { name, ty, .. } = self;
        let cfgs = self.cfgs();
        let Some(lent) = &self.lent else {
            let sent = if self.of_parameter { None } else { sent(ty, std) }?;
            return Some(quote!(#(#cfgs)* let #name: #sent = #name;));
        };
        let span = Span::mixed_site().located_at(lent.span());
        if let Type::Slice(_) = peel(lent) {
            // What misses then is the items' `Clone`, and nothing follows from that.
            return Some(quote_spanned!(span=> #(#cfgs)* let #name = <#lent>::to_vec(#name);));
        }
        Some(quote_spanned! {span=>
            #(#cfgs)*
            let #name = <#lent as #std::borrow::ToOwned>::to_owned(#name);
        })
    }

    /// The expression that hands it to the function that has the body.
    pub(crate) fn pass(&self, std: &Path) -> TokenStream {
        let cfgs = self.cfgs();
        let value = self.value(std);
        let value = if is_exclusive(&self.ty) { moved(&value) } else { value };
        quote!(#(#cfgs)* #value)
    }

    /// The expression that hands it on as it came.
    pub(crate) fn forward(&self) -> TokenStream {
        let Self { name, .. } = self;
        let cfgs = self.cfgs();
        quote!(#(#cfgs)* #name)
    }

    /// The statements that bind its pattern inside the closure that is the call.
    pub(crate) fn bind(&self, std: &Path) -> TokenStream {
        let Self { attributes, pattern, name, lent, .. } = self;
        let cfgs = self.cfgs();
        let value = self.value(std);
        let ty = lent.as_ref().map(|lent| quote!(: &#lent));
        let moved = (lent.is_none() && plain_name(pattern).is_none()).then(|| {
            // A pattern that leaves out a part would leave that part behind, not captured.
            let mutability = borrows_mutably(pattern).then(|| quote!(mut));
            quote!(#(#cfgs)* let #mutability #name = #name;)
        });
        // To say that it is not needed is what the user named it so for.
        let unused = plain_name(pattern).filter(|name| name.to_string().starts_with('_')).map(
            |_| quote!(#[allow(clippy::no_effect_underscore_binding, reason = "it is an argument's name")]),
        );
        quote! {
            #moved
            #(#attributes)*
            #unused
            let #pattern #ty = #value;
        }
    }

    fn value(&self, std: &Path) -> TokenStream {
        let Self { name, lent, .. } = self;
        match lent {
            None => quote!(#name),
            Some(lent) => {
                let span = Span::mixed_site().located_at(lent.span());
                // What owns these becomes a reference to them by itself, at less cost to the compiler.
                if is_str_or_slice(lent) {
                    return quote_spanned!(span=> &#name);
                }
                quote_spanned! {span=>
                    <<#lent as #std::borrow::ToOwned>::Owned
                        as #std::borrow::Borrow<#lent>>::borrow(&#name)
                }
            }
        }
    }

    /// Names that the pattern binds, where that can be told at a glance.
    pub(crate) fn binds(&self, word: &Ident) -> bool {
        let mut tokens = vec![quote::ToTokens::to_token_stream(&self.pattern)];
        while let Some(stream) = tokens.pop() {
            for tree in stream {
                match tree {
                    proc_macro2::TokenTree::Group(group) => tokens.push(group.stream()),
                    proc_macro2::TokenTree::Ident(ident) if ident == *word => return true,
                    _ => {}
                }
            }
        }
        false
    }

    /// What decides whether the argument is there must stand on every mention of it.
    fn cfgs(&self) -> Vec<TokenStream> {
        cfgs(&self.attributes)
    }
}

/// The pattern's own name; for one that has none, or says `_name` though the expansion does use it,
/// one that nobody else can see.
fn outer_name(position: usize, pattern: &Pat) -> Ident {
    let hidden = match plain_name(pattern) {
        Some(name) => match name.to_string().strip_prefix('_') {
            None => return name,
            Some(rest) => syn::parse_str::<Ident>(rest).ok(),
        },
        None => None,
    };
    match hidden {
        Some(mut name) => {
            name.set_span(Span::mixed_site());
            name
        }
        None => format_ident!("arg{}", position + 1, span = Span::mixed_site()),
    }
}

/// The name in `name` or `mut name`.
fn plain_name(pattern: &Pat) -> Option<Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            Some(pattern.ident.clone())
        }
        _ => None,
    }
}

/// Whether it is a `&mut T`.
pub(crate) fn is_exclusive(ty: &Type) -> bool {
    matches!(peel(ty), Type::Reference(reference) if reference.mutability.is_some())
}

/// The value of a variable that a closure has captured. A `&'static mut T` by its bare name would be reborrowed
/// from the closure, for less than `'static`.
pub(crate) fn moved(name: &TokenStream) -> TokenStream {
    quote!((#name,).0)
}

/// Whether `ref mut` is in it.
fn borrows_mutably(pattern: &Pat) -> bool {
    struct Seek(bool);
    impl VisitMut for Seek {
        fn visit_pat_ident_mut(&mut self, pattern: &mut syn::PatIdent) {
            self.0 |= pattern.by_ref.is_some() && pattern.mutability.is_some();
            visit_mut::visit_pat_ident_mut(self, pattern);
        }
    }
    let mut seek = Seek(false);
    seek.visit_pat_mut(&mut pattern.clone());
    seek.0
}

fn is_str_or_slice(ty: &Type) -> bool {
    match peel(ty) {
        Type::Slice(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    }
}

/// Whether `impl Trait` is somewhere in `ty`, so that `ty` cannot be written inside a body.
pub(crate) fn contains_impl(ty: &Type) -> bool {
    struct Seek(bool);
    impl VisitMut for Seek {
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut seek = Seek(false);
    seek.visit_type_mut(&mut ty.clone());
    seek.0
}

/// `ty` with `_` for each `impl Trait` in it: what can be written inside a body.
pub(crate) fn inferred(ty: &Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(_) = ty {
                *ty = syn::parse_quote!(_);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Infer.visit_type_mut(&mut ty);
    ty
}
