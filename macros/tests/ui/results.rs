//! Results that a call cannot give.

use std::borrow::Cow;

use anyloop::async_wrap;

#[async_wrap]
fn reference(text: &str) -> &str {
    text.trim()
}

#[async_wrap]
fn named<'a>(items: &'a [u8]) -> Option<&'a [u8]> {
    Some(items)
}

#[async_wrap]
fn cow(text: &str) -> Cow<'_, str> {
    text.into()
}

#[async_wrap]
fn opaque(items: &[u8]) -> impl Iterator<Item = u8> + '_ {
    items.iter().copied()
}

#[async_wrap]
fn never() -> ! {
    loop {}
}

#[derive(Clone)]
struct Store(String);

impl Store {
    #[async_wrap]
    fn get(&self) -> &str {
        &self.0
    }
}

async fn callers_see_a_call() {
    let _: usize = reference("").await.len();
    named(&[]).await;
    never().await;
    Store(String::new()).get().await;
}

fn main() {}
