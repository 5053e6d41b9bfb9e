//! Methods of a block that cannot be wrapped: each says so, and the others are wrapped.

use std::rc::Rc;

use anyloop::{ThreadPool, async_wrap};

#[derive(Clone)]
struct Db {
    rows: Vec<String>,
    pool: ThreadPool,
}

#[async_wrap]
impl Db {
    async fn already(&self) {}

    const fn constant() -> u8 {
        1
    }

    unsafe fn dangerous(&self) {}

    extern "C" fn foreign() {}

    fn insert(&mut self, row: String) {
        self.rows.push(row);
    }

    fn first(&self) -> Option<&str> {
        self.rows.first().map(String::as_str)
    }

    fn fill(&self, rows: &mut Vec<String>) {}

    fn counted(self: Rc<Self>) {}

    fn serve(&self) -> ! {
        loop {}
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    #[cfg(any())]
    fn absent(&mut self) {}

    #[async_wrap(limit = 0)]
    fn limited(&self) {}

    #[async_wrap(skp)]
    fn misspelt(&mut self) {}

    #[async_wrap(actor = Handle)]
    fn misplaced(&self) {}

    #[async_wrap]
    #[async_wrap(skip)]
    fn twice(&self) {}
}

#[async_wrap(pool = self.pool)]
impl Db {
    fn open() -> u8 {
        1
    }
}

#[async_wrap(name = other)]
impl Db {
    fn named(&self) {}
}

#[async_wrap(skip)]
impl Db {
    fn skipped(&self) {}
}

trait Store {
    fn load(&self) -> u8;
}

#[async_wrap]
impl Store for Db {
    #[async_wrap(name = load_async)]
    fn load(&self) -> u8 {
        1
    }
}

#[async_wrap]
impl std::fmt::Display for Db {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Db")
    }
}

#[async_wrap(limit = 1)]
impl From<u8> for Db {
    fn from(_: u8) -> Self {
        unimplemented!()
    }
}

async fn callers_see_calls(mut db: Db) {
    db.insert(String::new()).await;
    let _: usize = db.len().await;
    let _: u8 = Db::constant().await;
    let _: u8 = Db::open().await;
    db.limited().await;
    db.named().await;
    db.skipped().await;
}

fn main() {}
