//! Receivers that a call cannot take over.

use std::pin::Pin;
use std::rc::Rc;

use anyloop::async_wrap;

#[derive(Clone)]
struct Store(u8);

impl Store {
    #[async_wrap]
    fn mutable(&mut self) {}

    #[async_wrap]
    fn typed_mutable(self: &mut Self) {}

    #[async_wrap]
    fn pinned(self: Pin<&mut Self>) {}

    #[async_wrap]
    fn counted(self: Rc<Self>) {}

    #[async_wrap]
    fn counted_reference(self: &Rc<Self>) {}
}

async fn callers_see_a_call(mut store: Store) {
    store.mutable().await;
    Pin::new(&mut store).pinned().await;
    Rc::new(store).counted().await;
}

fn main() {}
