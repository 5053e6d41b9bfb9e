//! Functions that cannot be wrapped.

use anyloop::async_wrap;

#[async_wrap]
async fn already() {}

#[async_wrap]
const fn constant() -> u8 {
    1
}

#[async_wrap]
unsafe fn dangerous(pointer: usize) {}

#[async_wrap]
extern "C" fn foreign() {}

trait Store {
    #[async_wrap]
    fn load(&self, key: &str) -> Option<String>;
}

/// What else it could not be is not told of.
#[async_wrap]
async fn already_and_borrowing(text: &mut str) -> &str {
    text
}

#[async_wrap]
unsafe fn dangerous_and_borrowing(bytes: &mut [u8]) -> &u8 {
    &bytes[0]
}

async fn callers_see_a_call(store: impl Store) {
    already().await;
    let _: u8 = constant().await;
    foreign();
    store.load("").await;
}

#[async_wrap]
fn main() {}
