//! Reads `name = value, ..`, and says what is wrong with it.

use proc_macro2::Ident;
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Token, Visibility};

use crate::errors::Errors;

/// One attribute's options, as its messages list them.
pub(crate) struct Vocabulary {
    pub(crate) attribute: &'static str,
    /// Name, and how it is written.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// What people know from elsewhere, and what there is here.
    pub(crate) foreign: &'static [(&'static str, &'static str)],
}

/// What stands behind an option's name.
pub(crate) enum Value {
    /// `skip`: the word says it all.
    Nothing,
    /// `pub AsyncDb`: the name of an item to make.
    Item(Visibility, Ident),
    /// Anything else.
    Expr(Expr),
}

/// Splits `name = value, ..`, reporting what is unknown, twice there, or malformed. What is good is
/// returned in any case, so that a mistake in one option does not cause another message.
pub(crate) fn settings(
    args: proc_macro2::TokenStream,
    vocabulary: &Vocabulary,
    errors: &mut Errors,
) -> Vec<(Ident, Value)> {
    let mut found: Vec<(Ident, Value)> = Vec::new();
    let all = |input: ParseStream<'_>| -> Result<(), Error> {
        while !input.is_empty() {
            let (name, value) = setting(input, vocabulary)?;
            if !vocabulary.options.iter().any(|(known, _)| name == known) {
                errors.at(&name, vocabulary.unknown(&name.to_string()));
            } else if found.iter().any(|(earlier, _)| *earlier == name) {
                errors.at(&name, format!("`{name}` is given twice: keep one of the two"));
            } else {
                found.push((name, value));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = all.parse2(args) {
        errors.push(error);
    }
    found
}

fn setting(input: ParseStream<'_>, vocabulary: &Vocabulary) -> Result<(Ident, Value), Error> {
    let Ok(name) = input.call(Ident::parse_any) else {
        return Err(input.error(format!("expected `name = value`; {}", vocabulary.valid_options())));
    };
    let Some((_, form)) = vocabulary.options.iter().find(|(known, _)| name == known) else {
        if !input.peek(Token![=]) {
            return Err(Error::new(name.span(), vocabulary.unknown(&name.to_string())));
        }
        // Its value is read, so that what follows can be read too.
        input.parse::<Token![=]>()?;
        let value = value_of(&name, input)?;
        return Ok((name, value));
    };
    if name == form {
        return Ok((name, Value::Nothing));
    }
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), format!("`{name}` needs a value: `{form}`")));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        let place = quote_spanned!(equals.span=> #name #equals);
        return Err(Error::new_spanned(place, format!("`{name}` needs a value: `{form}`")));
    }
    let value = value_of(&name, input)?;
    Ok((name, value))
}

fn value_of(name: &Ident, input: ParseStream<'_>) -> Result<Value, Error> {
    if name == "actor" { item(input) } else { Ok(Value::Expr(input.parse()?)) }
}

/// `AsyncDb` or `pub AsyncDb`.
fn item(input: ParseStream<'_>) -> Result<Value, Error> {
    let visibility = input.parse()?;
    match input.parse::<Ident>() {
        Ok(name) => Ok(Value::Item(visibility, name)),
        Err(error) => Err(Error::new(
            error.span(),
            "`actor` is the name of the handle to make: `actor = AsyncDb`, or `actor = pub AsyncDb`",
        )),
    }
}

impl Vocabulary {
    fn valid_options(&self) -> String {
        let forms: Vec<String> = self.options.iter().map(|(_, form)| format!("`{form}`")).collect();
        format!("`{}` takes {}", self.attribute, forms.join(", "))
    }

    fn unknown(&self, name: &str) -> String {
        let hint = if let Some((_, instead)) = self.foreign.iter().find(|(word, _)| *word == name) {
            format!("; {instead}")
        } else if let Some((known, _)) = self.options.iter().find(|(known, _)| within_two_edits(name, known))
        {
            format!("; did you mean `{known}`?")
        } else {
            String::new()
        };
        format!("unknown option `{name}`: {}{hint}", self.valid_options())
    }
}

/// Whether two insertions, removals or replacements at most turn `a` into `b`.
fn within_two_edits(a: &str, b: &str) -> bool {
    let b: Vec<char> = b.chars().collect();
    // The distances from what was read of `a` to each prefix of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()] <= 2
}
