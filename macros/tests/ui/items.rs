//! Items that are not functions.

use anyloop::async_wrap;

#[async_wrap]
pub struct Store;

#[async_wrap]
trait Load {
    fn load(&self);
}

#[async_wrap]
static CALLBACK: fn(u8) = |_| ();

#[async_wrap]
mod inner {
    pub fn function() {}
}

#[anyloop::main]
struct Main;

fn main() {
    let _ = Store;
    inner::function();
}
