//! What macros get of a method's `self`: in its words, in its format strings, and in its other literals.

use std::fmt::{self, Display};
use std::sync::Arc;

use anyloop::async_wrap;

#[derive(Clone)]
struct Table {
    name: &'static str,
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A macro of which nobody knows what it does with a literal; it formats what follows.
macro_rules! sql {
    ($text:literal $(, $value:expr)*) => {
        String::from($text) $(+ " " + &$value.to_string())*
    };
}

/// A macro of the user's own that formats.
macro_rules! shout {
    ($($arguments:tt)*) => {
        format!($($arguments)*).to_uppercase()
    };
}

impl Table {
    /// Only a macro that is known to format gets a literal that was changed.
    #[async_wrap]
    #[allow(clippy::dbg_macro, clippy::useless_concat, reason = "they are tested")]
    fn literals(&self) -> [String; 5] {
        [
            sql!("{self}"),
            sql!("{self}", self),
            dbg!("{self}").to_owned(),
            String::from(concat!("{self}")),
            stringify!("{self}").to_owned(),
        ]
    }

    #[async_wrap]
    fn brackets(&self) -> [String; 4] {
        [format!("{self}"), format!["{self:>2}"], format! {"{self}"}, std::format!["{self:}"]]
    }

    #[async_wrap]
    fn in_other_macros(&self) -> Vec<String> {
        assert!(self.name != "{self}", "{self}");
        vec![format!["{self}"], format! {"{{self}} {self}"}, shout!("{}", self)]
    }

    /// Functions in a macro that have a `self` of their own, and others.
    #[async_wrap]
    fn functions(&self) -> String {
        macro_rules! with_function {
            ($name:ident) => {{
                fn $name(text: &str) -> String {
                    format!("<{text}>")
                }
                $name(self.name) + &format!("{self}")
            }};
        }
        macro_rules! with_method {
            ($text:expr) => {{
                struct Own(&'static str);
                impl Own {
                    fn get<F: Fn(&str) -> String>(&self, change: F) -> String {
                        change(self.0)
                    }
                    fn new() -> Self {
                        Self("own")
                    }
                }
                let change: fn(&str) -> String = str::to_uppercase;
                Own::new().get(change) + $text + self.name
            }};
        }
        with_function!(bracketed) + &with_method!(self.name)
    }

    /// What moves into the call is `self` there too, whatever a macro does with it.
    #[async_wrap]
    fn moved(self) -> [String; 3] {
        [sql!("{self}"), shout!("{self}"), shout!["{self:>2}"]]
    }

    #[async_wrap]
    fn shared(self: Arc<Self>) -> String {
        shout!("{self}")
    }
}

#[test]
fn literals_stay_unless_they_are_formats() {
    let table = Table { name: "t" };
    assert_eq!(table.literals().run(), ["{self}", "{self} t", "{self}", "{self}", "\"{self}\""]);
}

#[test]
fn formats_are_known_in_any_bracket() {
    let table = Table { name: "t" };
    assert_eq!(table.brackets().run(), ["t", " t", "t", "t"]);
    assert_eq!(table.in_other_macros().run(), ["t", "{self} t", "T"]);
}

#[test]
fn functions_in_macros_have_their_own() {
    assert_eq!(Table { name: "t" }.functions().run(), "<t>tOWNtt");
}

#[test]
fn what_moves_keeps_its_name() {
    assert_eq!(Table { name: "t" }.moved().run(), ["{self}", "T", " T"]);
    assert_eq!(Arc::new(Table { name: "t" }).shared().run(), "T");
}
