//! Writes tokens the way people write types, for messages.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// `Option<&str>`, where the tokens by themselves would print as `Option < & str >`.
pub(crate) fn display(node: impl ToTokens) -> String {
    let mut text = String::new();
    write(node.into_token_stream(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    // Two words in a row need a space between them.
    let mut after_word = text.chars().last().is_some_and(char::is_alphanumeric);
    let mut after_lifetime = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                if after_lifetime {
                    text.push(' ');
                }
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                after_word = true;
                after_lifetime = false;
            }
            TokenTree::Punct(punct) => {
                match (punct.as_char(), punct.spacing()) {
                    (',' | ';', _) => text.extend([punct.as_char(), ' ']),
                    (':', Spacing::Alone) if !text.ends_with(':') => text.push_str(": "),
                    ('+' | '=', _) => text.extend([' ', punct.as_char(), ' ']),
                    ('-', Spacing::Joint) => text.push_str(" -"),
                    ('>', _) if text.ends_with(" -") => text.push_str("> "),
                    (character, _) => text.push(character),
                }
                after_word = punct.as_char() == '>' && !text.ends_with(' ');
                after_lifetime = false;
            }
            word => {
                if after_word {
                    text.push(' ');
                }
                after_lifetime = text.ends_with('\'');
                text.push_str(&word.to_string());
                after_word = true;
            }
        }
    }
}
