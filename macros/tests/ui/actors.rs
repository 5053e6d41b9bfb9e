//! Blocks and methods of which an actor's handle cannot be made.

use std::collections::HashMap;
use std::sync::Arc;

use anyloop::async_wrap;

pub struct Db {
    rows: Vec<String>,
}

#[async_wrap(actor = AsyncDb)]
impl Db {
    pub fn open(path: &str) -> Self {
        Self { rows: vec![path.to_owned()] }
    }

    pub fn shared() -> Arc<Self> {
        Arc::new(Self::open(""))
    }

    pub fn pair() -> (Self, u8) {
        (Self::open(""), 1)
    }

    pub fn recovered(path: &mut String) -> Result<Self, &str> {
        Ok(Self::open(path))
    }

    pub fn insert(&mut self, row: String) {
        self.rows.push(row);
    }

    pub fn first(&self) -> Option<&str> {
        self.rows.first().map(String::as_str)
    }

    pub fn index(&self) -> HashMap<&str, usize> {
        HashMap::new()
    }

    pub fn fill(&mut self, rows: &mut Vec<String>) {
        self.rows.append(rows);
    }

    pub fn iter(&self) -> impl Iterator<Item = u8> + use<> {
        0..3
    }

    pub fn close(self) -> usize {
        self.rows.len()
    }

    pub fn boxed(self: Box<Self>) {}

    pub async fn already(&self) {}

    pub unsafe fn dangerous(&self) {}

    pub fn serve(&self) -> ! {
        loop {}
    }

    pub fn actor(&self) {}

    #[async_wrap(limit = 2)]
    pub fn limited(&self) {}

    #[async_wrap(skp)]
    pub fn misspelt(self) {}

    #[cfg(any())]
    pub fn absent(self) {}
}

async fn callers_see_a_handle() {
    let db = AsyncDb::open("x").await;
    db.insert(String::new()).await;
    let _: Option<String> = db.first().await.map(str::to_owned);
    let _: usize = db.close().await;
    db.already().await;
    db.limited().await;
    let _ = AsyncDb::recovered(&mut String::new()).await.is_ok();
}

#[async_wrap(actor = Helpers)]
impl Db {
    fn helper(&self) {}

    #[async_wrap(skip)]
    pub fn skipped(&self) {}
}

#[async_wrap(actor = Scheduled, pool = native, limit = 3)]
impl Db {
    pub fn scheduled(&self) {}
}

#[async_wrap(actor)]
impl Db {}

#[async_wrap(actor = "Handle")]
impl Db {}

#[async_wrap(actor = AsyncClone)]
impl Clone for Db {
    fn clone(&self) -> Self {
        Self { rows: Vec::new() }
    }
}

pub struct View<'a>(&'a str);

#[async_wrap(actor = AsyncView)]
impl<'a> View<'a> {
    pub fn get(&self) -> usize {
        self.0.len()
    }
}

#[async_wrap(actor = AsyncView)]
impl View<'_> {
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

fn main() {}
