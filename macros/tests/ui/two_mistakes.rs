//! Two mistakes give two messages.

use anyloop::async_wrap;

#[async_wrap(limit = 0)]
fn both(text: Option<&str>, n: &mut u8) {}

fn main() {}
