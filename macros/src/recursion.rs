//! Whether a body calls its own function.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// Where `body` calls `name`, or passes it on as in `.map(name)`, if it does.
///
/// `x.name()` and `Self::name()` are something else: the wrapped method. A body that mentions `Self`
/// is not a free function's, and then a bare `name` is not the function that is being wrapped either.
/// `bound` says that an argument has the name.
pub(crate) fn call_of_itself(body: &TokenStream, name: &Ident, bound: bool) -> Option<Ident> {
    let name = name.to_string();
    // Most bodies do not. The compiler writes down a text faster than tokens can be looked at one by one.
    if !body.to_string().contains(&name) {
        return None;
    }
    let mut seen = Seen { rebound: bound, ..Seen::default() };
    seen.read(body.clone(), Around::Other, &name);
    if seen.self_type {
        return None;
    }
    let passed = seen.passed.filter(|_| !seen.rebound);
    seen.called.or(passed)
}

#[derive(Default)]
struct Seen {
    /// `name(..)` or `name::<..>(..)`.
    called: Option<Ident>,
    /// `.map(name)`.
    passed: Option<Ident>,
    /// `let name`, `|name|`, `Some(name)`: the name also means something else.
    rebound: bool,
    /// `Self`.
    self_type: bool,
}

/// What the tokens at hand are the arguments of.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    /// `function(..)`
    Function,
    /// `Some(..)`: a constructor, or a pattern.
    Constructor,
    Other,
}

impl Seen {
    fn read(&mut self, tokens: TokenStream, around: Around, name: &str) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (i, tree) in trees.iter().enumerate() {
            let before = &trees[..i];
            match tree {
                TokenTree::Group(group) => {
                    let inside = match before.last() {
                        Some(TokenTree::Ident(word)) if group.delimiter() == Delimiter::Parenthesis => {
                            called_as(word)
                        }
                        _ => Around::Other,
                    };
                    self.read(group.stream(), inside, name);
                }
                TokenTree::Ident(word) => {
                    let text = word.to_string();
                    if text == "Self" {
                        self.self_type = true;
                    } else if text == name {
                        self.judge(word, around, before, &trees[i + 1..]);
                    }
                }
                _ => {}
            }
        }
    }

    fn judge(&mut self, word: &Ident, around: Around, before: &[TokenTree], after: &[TokenTree]) {
        if bar(before.last()) && is_call(after) {
            // `|x| name(x)`, where the parameters come first.
            self.called = self.called.take().or_else(|| (!self.rebound).then(|| word.clone()));
        } else if binds(before, after) {
            self.rebound = true;
        } else if selects(before) {
            // `x.name` and `path::name`: not this function.
        } else if is_call(after) {
            self.called = Some(word.clone());
        } else if around == Around::Constructor {
            self.rebound = true;
        } else if around == Around::Function && ends_argument(after) {
            self.passed = Some(word.clone());
        }
    }
}

fn called_as(word: &Ident) -> Around {
    if word.to_string().starts_with(char::is_uppercase) { Around::Constructor } else { Around::Function }
}

/// `let name`, `fn name`, `|name`, `name|`, ...
fn binds(before: &[TokenTree], after: &[TokenTree]) -> bool {
    let keyword = |tree: Option<&TokenTree>| match tree {
        Some(TokenTree::Ident(word)) => {
            ["let", "mut", "ref", "for", "fn", "static", "const"].iter().any(|keyword| word == keyword)
        }
        _ => false,
    };
    bar(before.last()) || bar(after.first()) || keyword(before.last())
}

fn bar(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == '|')
}

/// `.name` or `::name`, but not the range `..name`.
fn selects(before: &[TokenTree]) -> bool {
    let [rest @ .., TokenTree::Punct(last)] = before else {
        return false;
    };
    let doubled = matches!(rest.last(), Some(TokenTree::Punct(first))
        if first.as_char() == last.as_char() && first.spacing() == Spacing::Joint);
    match last.as_char() {
        '.' => !doubled,
        ':' => doubled,
        _ => false,
    }
}

/// `(..)` or `::<..>` follows.
fn is_call(after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Parenthesis,
        [TokenTree::Punct(colon), TokenTree::Punct(_), TokenTree::Punct(less), ..] => {
            colon.as_char() == ':' && less.as_char() == '<'
        }
        _ => false,
    }
}

fn ends_argument(after: &[TokenTree]) -> bool {
    match after.first() {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ',',
        Some(_) => false,
    }
}
