//! The item that an attribute stands on, cut into its parts.
//!
//! The body is kept as tokens: it goes into the expansion as it came, with its spans, even while
//! someone is still typing it and it does not parse.

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, Signature, Token, Visibility, braced, token};

/// A function or method.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// `#![..]` at the start of the body.
    pub(crate) inner_attributes: Vec<Attribute>,
    /// A trait's method may have none.
    pub(crate) body: Option<Body>,
}

/// What stands between the braces.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) statements: TokenStream,
    braces: token::Brace,
}

impl Body {
    /// A block of `statements`, in messages and in the edition's rules the user's.
    pub(crate) fn block(&self, statements: TokenStream) -> TokenStream {
        let mut block = Group::new(Delimiter::Brace, statements);
        block.set_span(self.braces.span.join());
        block.into_token_stream()
    }
}

/// As it came.
impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, inner_attributes, body } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature));
        match body {
            None => tokens.extend(quote!(;)),
            Some(body) => body.braces.surround(tokens, |inside| {
                let statements = &body.statements;
                inside.extend(quote!(#(#inner_attributes)* #statements));
            }),
        }
    }
}

impl Function {
    /// As [`Parse`] does it, but syn reads no more than what stands before the body: most tokens are in that.
    fn split(item: TokenStream) -> Result<Self, Error> {
        let mut trees: Vec<TokenTree> = item.into_iter().collect();
        let body = match trees.pop() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
            last => {
                trees.extend(last);
                return <Self as Parse>::parse.parse2(trees.into_iter().collect());
            }
        };
        trees.push(Punct::new(';', Spacing::Alone).into());
        let mut function = <Self as Parse>::parse.parse2(trees.into_iter().collect())?;
        let statements = body.stream();
        let starts_with_attribute = matches!(statements.clone().into_iter().next(), Some(TokenTree::Punct(first)) if first.as_char() == '#');
        let statements = if starts_with_attribute {
            let read = |input: ParseStream<'_>| {
                Ok((input.call(Attribute::parse_inner)?, input.parse::<TokenStream>()?))
            };
            let (inner_attributes, statements) = read.parse2(statements)?;
            function.inner_attributes = inner_attributes;
            statements
        } else {
            statements
        };
        function.body = Some(Body { statements, braces: token::Brace { span: body.delim_span() } });
        Ok(function)
    }

    /// Takes `item` apart; one that is not a function gives an error with the text `refusal`.
    pub(crate) fn parse(item: TokenStream, refusal: &str) -> Result<Self, Error> {
        if is_function(&item) {
            return Self::split(item);
        }
        let keyword = keyword_of(item);
        Err(Error::new_spanned(keyword, refusal))
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let (inner_attributes, body) = if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            (Vec::new(), None)
        } else {
            let inside;
            let braces = braced!(inside in input);
            let inner_attributes = inside.call(Attribute::parse_inner)?;
            let statements = inside.parse()?;
            let body = Body { statements, braces };
            (inner_attributes, Some(body))
        };
        Ok(Self { attributes, visibility, signature, inner_attributes, body })
    }
}

/// Whether `fn name` stands outside all brackets; `fn(u8)` is a type, and a method is inside its block.
fn is_function(item: &TokenStream) -> bool {
    let mut after_fn = false;
    for tree in item.clone() {
        match tree {
            TokenTree::Ident(word) if word == "fn" => after_fn = true,
            TokenTree::Ident(_) if after_fn => return true,
            // A macro_rules `$name:ident` can arrive in an invisible group.
            TokenTree::Group(name) if after_fn && name.delimiter() == Delimiter::None => {
                return true;
            }
            _ => after_fn = false,
        }
    }
    false
}

/// The word that says what an item is, such as `impl`; where that cannot be told, the item.
fn keyword_of(item: TokenStream) -> TokenStream {
    let start = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let keyword: TokenTree = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(keyword)
    };
    match start.parse2(item.clone()) {
        Ok(keyword) => keyword.into_token_stream(),
        Err(_) => item,
    }
}
