//! Replaces `Self` in a signature that moves into another type's `impl` block.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Type, TypePath, parse_quote};

use crate::borrow::peel;
use crate::tokens::located;

/// The type that `Self` stands for.
pub(crate) struct SelfType<'a>(pub(crate) &'a Type);

impl SelfType<'_> {
    /// Whether `ty` is the type, by whichever of the two names.
    pub(crate) fn is(&self, ty: &Type) -> bool {
        let ty = peel(ty);
        matches!(ty, Type::Path(path) if path.path.is_ident("Self"))
            || ty.to_token_stream().to_string() == self.0.to_token_stream().to_string()
    }

    /// Whether `ty` has the type somewhere in it.
    pub(crate) fn is_in(&self, ty: &Type) -> bool {
        struct Seek<'a>(&'a SelfType<'a>, bool);
        impl VisitMut for Seek<'_> {
            fn visit_type_mut(&mut self, ty: &mut Type) {
                self.1 |= self.0.is(ty);
                visit_mut::visit_type_mut(self, ty);
            }
        }
        let mut seek = Seek(self, false);
        seek.visit_type_mut(&mut ty.clone());
        seek.1
    }

    /// The type, with the place of the `Self` that it replaces.
    fn at(&self, span: Span) -> TokenStream {
        located(self.0.to_token_stream(), span)
    }

    fn qualified(&self, path: &mut syn::Path, qself: &mut Option<syn::QSelf>) {
        // `Self::Item` has become `<Type>::Item`.
        let Some(first) = path.segments.first().filter(|first| qself.is_none() && first.ident == "Self")
        else {
            return;
        };
        let ty = self.at(first.ident.span());
        let rest = path.segments.iter().skip(1);
        let replaced: TypePath = parse_quote!(<#ty>::#(#rest)::*);
        *qself = replaced.qself;
        *path = replaced.path;
    }
}

impl VisitMut for SelfType<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self") => {
                let replaced = self.at(path.path.segments[0].ident.span());
                *ty = parse_quote!(#replaced);
            }
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_type_path_mut(&mut self, path: &mut TypePath) {
        self.qualified(&mut path.path, &mut path.qself);
        visit_mut::visit_type_path_mut(self, path);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Path(path) = expr {
            self.qualified(&mut path.path, &mut path.qself);
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}
