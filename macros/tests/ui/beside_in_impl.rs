//! `name` on an associated function that looks like a free one, where a free one of its name is in scope.

use anyloop::async_wrap;

fn width() -> u8 {
    2
}

struct Db;

impl Db {
    #[async_wrap(name = width_async)]
    fn width() -> u8 {
        1
    }
}

trait Table {
    #[async_wrap(name = width_async)]
    fn width() -> u8;
}

async fn callers_see_it() {
    let _: u8 = Db::width_async().await;
}

fn main() {}
