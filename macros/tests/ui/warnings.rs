//! What the compiler warns of in a function, it warns of once when the function is wrapped.

#![deny(unused)]

use anyloop::async_wrap;

#[async_wrap]
pub fn argument(owned: u8, borrowed: &str, (a, b): (u8, u8)) -> u8 {
    a
}

#[async_wrap]
pub fn mutable(mut n: u8) -> u8 {
    n
}

#[async_wrap]
pub fn recursive(n: u8, unused: u8) -> u8 {
    recursive(n, 0)
}

#[async_wrap]
pub fn variable() {
    let unused = 1;
}

#[async_wrap]
fn never_called(n: u8) -> u8 {
    n
}

#[async_wrap]
#[must_use]
pub fn plain() {}

#[async_wrap]
#[must_use = "with a reason"]
pub fn with_a_reason() {}

fn main() {
    plain();
    with_a_reason();
}
