//! How `self` is taken over at the call.
//!
//! What moves into the closure that is the call keeps its name. Of a `self` that is cloned, `self` in there
//! would still be the caller's: so the body's is renamed (see `body`), and bound to the call's own.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, PathArguments, ReceiverKind, Type};

use crate::argument::{is_exclusive, moved};
use crate::borrow::{is_static, owned, peel};
use crate::display::display;
use crate::errors::Errors;
use crate::sent::private_of;

/// What a `self` that was cloned is called inside the call. The compiler's messages name it.
pub(crate) const RENAMED: &str = "__clone_of_self";

/// A method's `self`.
pub(crate) struct Receiver<'a> {
    receiver: &'a syn::Receiver,
    /// The `T` of a `&T` that is cloned at the call.
    cloned: Option<Type>,
}

impl<'a> Receiver<'a> {
    pub(crate) fn new(receiver: &'a syn::Receiver, errors: &mut Errors) -> Self {
        let cloned = match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, None) if !is_static(lifetime.as_ref()) => {
                let span = receiver.self_token.span;
                Some(syn::parse_quote_spanned!(span=> Self))
            }
            ReceiverKind::Reference(_, lifetime, Some(_)) if !is_static(lifetime.as_ref()) => {
                errors.at(receiver, MUTABLE);
                None
            }
            ReceiverKind::Typed(_, ty) => typed(receiver, ty, errors),
            // `self`, and `&'static self`.
            _ => None,
        };
        Self { receiver, cloned }
    }

    /// Whether the call has a clone, by another name.
    pub(crate) fn is_cloned(&self) -> bool {
        self.cloned.is_some()
    }

    /// As a wrapped method declares it that has the body in it.
    pub(crate) fn outer(&self) -> TokenStream {
        if self.is_cloned() { self.forwarding() } else { self.receiver.to_token_stream() }
    }

    /// As a method declares it that only hands it on: without the `mut` of `mut self`.
    pub(crate) fn forwarding(&self) -> TokenStream {
        let mut receiver = self.receiver.clone();
        receiver.mutability = None;
        receiver.into_token_stream()
    }

    /// The statement that takes it over, at the call.
    pub(crate) fn take(&self, std: &Path) -> Option<TokenStream> {
        let name = self.name();
        let this = self.receiver.self_token;
        let cloned = self.cloned.as_ref()?;
        let private = private_of(std);
        let span = Span::mixed_site().located_at(cloned.span());
        Some(quote_spanned!(span=> let #name = <#cloned as #private::Lent>::taken_over(#this);))
    }

    /// The statement that binds the body's name for it, inside the closure that is the call.
    pub(crate) fn bind(&self) -> TokenStream {
        match &self.cloned {
            Some(_) => {
                let name = self.name();
                quote!(let ref #name = #name;)
            }
            None => {
                // A body that uses a part of it would leave the rest behind, not captured.
                let this = self.receiver.self_token;
                quote!(let _ = &#this;)
            }
        }
    }

    /// The expression that hands it to the function that it is forwarded to.
    pub(crate) fn pass(&self) -> TokenStream {
        match &self.cloned {
            Some(_) => {
                let name = self.name();
                quote!(&#name)
            }
            None => {
                let this = self.receiver.self_token.to_token_stream();
                if self.is_exclusive() { moved(&this) } else { this }
            }
        }
    }

    /// Whether it is a `&'static mut Self`.
    fn is_exclusive(&self) -> bool {
        match &self.receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
            ReceiverKind::Typed(_, ty) => is_exclusive(ty),
            _ => false,
        }
    }

    /// It resolves where the user's `self` does, within a `macro_rules!` too.
    fn name(&self) -> Ident {
        Ident::new(RENAMED, self.receiver.self_token.span)
    }
}

const MUTABLE: &str = "a call runs later, elsewhere, and cannot change what its caller holds: take \
     `self` and return it, `self: Arc<Self>` or `&self` with the state behind a `Mutex`, or give the \
     object a thread of its own: `#[async_wrap(actor = NAME)]` on the `impl` block";

/// Judges `self: Type`.
fn typed(receiver: &syn::Receiver, ty: &Type, errors: &mut Errors) -> Option<Type> {
    let (referent, lent) = match peel(ty) {
        Type::Reference(reference) if !is_static(reference.lifetime.as_ref()) => {
            if reference.mutability.is_some() {
                errors.at(receiver, MUTABLE);
                return None;
            }
            (peel(&reference.elem), true)
        }
        other => (other, false),
    };
    if owned(referent).is_some() {
        errors.at(
            receiver,
            format!(
                "`{}` holds a borrow, which a call may outlive: take `self`, `&self` (it is cloned) \
                 or `self: Arc<Self>`",
                display(ty),
            ),
        );
    } else if is_rc(referent) {
        errors.at(receiver, "an `Rc` cannot move to another thread: take `self: Arc<Self>`");
    } else if lent {
        return Some(referent.clone());
    }
    None
}

/// Whether `ty` is `Rc<..>` or `Pin<Rc<..>>`.
fn is_rc(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    if last.ident == "Rc" {
        return true;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    last.ident == "Pin"
        && arguments
            .args
            .iter()
            .any(|argument| matches!(argument, syn::GenericArgument::Type(inner) if is_rc(peel(inner))))
}
