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

async fn callers_see_a_call(store: impl Store) {
    already().await;
    let _: u8 = constant().await;
    foreign();
    store.load("").await;
}

#[async_wrap]
fn main() {}
