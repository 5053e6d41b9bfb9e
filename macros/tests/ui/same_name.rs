//! An associated function that calls a free one of the same name, by that bare name.

use anyloop::async_wrap;

fn load(n: u32) -> u32 {
    n
}

struct Store;

impl Store {
    #[async_wrap]
    fn load(n: u32) -> u32 {
        load(n)
    }
}

fn main() {
    Store::load(1).run();
}
