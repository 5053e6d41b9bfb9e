//! The attribute under another name, in a block that has it too: the block cannot know that it is the same.

use anyloop::async_wrap as wrap;

#[derive(Clone)]
struct Db;

#[wrap]
impl Db {
    #[wrap(skip)]
    fn skipped() {}

    #[wrap]
    fn twice(&self) {}

    #[wrap(limit = 1)]
    #[inline]
    fn limited(&self) -> u8 {
        1
    }

    #[async_wrap(skip)]
    fn by_its_name(&self) {}
}

#[wrap(actor = Handle)]
impl Db {
    #[wrap(name = other)]
    pub fn named(&self) -> u8 {
        2
    }

    #[wrap(skip)]
    pub fn left_out(&self) {}
}

async fn callers_see_them() {
    Db.twice().await;
    let _: u8 = Db.limited().await;
    Db.by_its_name();
}

fn main() {}
