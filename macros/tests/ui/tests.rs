//! `#[test]`'s options, and what it cannot be on. The tests' own crate is not a test build.

#[anyloop::test(runtime = 1)]
async fn one_runtime() {}

#[anyloop::test]
fn not_async() {}

#[anyloop::test]
#[test]
async fn twice() {}

#[anyloop::test]
async fn argument(n: u8) {}

fn main() {}
