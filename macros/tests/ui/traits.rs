//! A trait whose methods give no calls.

use anyloop::async_wrap;

#[derive(Clone)]
struct Db(u8);

trait Store {
    fn load(&self, key: &str) -> u8;
    fn store(&self);
}

#[async_wrap]
impl Store for Db {
    fn load(&self, _: &str) -> u8 {
        self.0
    }

    fn store(&self) {}
}

fn main() {}
