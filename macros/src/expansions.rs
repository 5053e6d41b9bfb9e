//! What representative items become, to be read: one file each in `tests/expansions`.
//!
//! `UPDATE_EXPECT=1 cargo test -p anyloop-macros --lib` writes the files anew.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::async_wrap;

/// Compares what something expanded to, laid out as people write it, to the file.
fn check(expanded: TokenStream, expected: ExpectFile) {
    let parsed = syn::parse2(expanded).expect("what it expands to is Rust");
    expected.assert_eq(&prettyplease::unparse(&parsed));
}

/// A method by itself is shown inside the block that it stands in.
fn check_method(expanded: TokenStream, expected: ExpectFile) {
    check(quote!(impl Db { #expanded }), expected);
}

#[test]
fn a_function() {
    let item = quote! {
        /// The rows of a file.
        pub fn fetch(path: &str, id: u32, mut rows: Vec<String>) -> std::io::Result<Vec<String>> {
            rows.push(std::fs::read_to_string(path)?);
            Ok(rows)
        }
    };
    check(async_wrap(quote!(), item), expect_file!["../tests/expansions/function.rs"]);
}

#[test]
fn a_function_that_gives_nothing() {
    let item = quote! {
        #[must_use]
        fn remove((from, to): (usize, usize), _names: &[String], _options: Options) {
            println!("{from} {to}");
        }
    };
    check(async_wrap(quote!(), item), expect_file!["../tests/expansions/unit.rs"]);
}

#[test]
fn a_function_that_calls_itself() {
    let item = quote! {
        fn depth<T: Node>(node: T, names: &[String]) -> usize {
            1 + node.children().map(|child| depth(child, names)).max().unwrap_or(0)
        }
    };
    check(async_wrap(quote!(), item), expect_file!["../tests/expansions/recursion.rs"]);
}

#[test]
fn options() {
    let with = |args: TokenStream| {
        let item = quote! {
            fn hash(text: String) -> u64 {
                text.len() as u64
            }
        };
        async_wrap(args, item)
    };
    check(with(quote!(pool = native)), expect_file!["../tests/expansions/native.rs"]);
    check(with(quote!(pool = POOLS[0], limit = 4)), expect_file!["../tests/expansions/limit.rs"]);
    check(with(quote!(name = hash_async)), expect_file!["../tests/expansions/name.rs"]);
}

#[test]
fn a_method() {
    let method = quote! {
        fn load<'a>(self: Arc<Self>, key: &'a str) -> String {
            let key: &'a str = key.trim();
            format!("{self:?}/{key}/{}", self.root)
        }
    };
    check_method(async_wrap(quote!(), method), expect_file!["../tests/expansions/method.rs"]);
}

#[test]
fn a_method_that_stays() {
    let method = quote! {
        pub fn load(&self, key: &str) -> String {
            self.rows[key].clone()
        }
    };
    check_method(
        async_wrap(quote!(name = load_async), method),
        expect_file!["../tests/expansions/method_name.rs"],
    );
}

#[test]
fn a_block() {
    let block = quote! {
        impl Db {
            const WIDTH: usize = 4;

            fn read(&self, name: &str) -> String {
                self.path(name)
            }

            #[async_wrap(pool = cpu, limit = 1)]
            #[instrument]
            fn count() -> usize {
                Self::WIDTH
            }

            #[async_wrap(skip)]
            fn path(&self, name: &str) -> String {
                format!("{}/{name}", self.root)
            }
        }
    };
    check(async_wrap(quote!(limit = 4), block), expect_file!["../tests/expansions/block.rs"]);
}

#[test]
fn an_actor() {
    let block = quote! {
        /// Rows by their names.
        impl Db {
            pub fn open(path: &Path) -> io::Result<Self> {
                Ok(Self { rows: read(path)? })
            }

            /// One row.
            pub fn get(&mut self, key: &str) -> Option<String> {
                self.rows.get(key).cloned()
            }

            pub fn version() -> u32 {
                1
            }

            fn helper(&self) {}
        }
    };
    check(async_wrap(quote!(actor = AsyncDb), block), expect_file!["../tests/expansions/actor.rs"]);
}
