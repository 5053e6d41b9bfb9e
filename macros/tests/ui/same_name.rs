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

#[async_wrap]
fn open(n: u32) -> u32 {
    n
}

impl Store {
    #[async_wrap]
    fn open(n: u32) -> u32 {
        let pending = open(n);
        drop(pending);
        n
    }

    #[async_wrap(limit = 1)]
    fn width(n: u32) -> u32 {
        fn run(call: anyloop::Call<impl anyloop::Work<Output = u32>>) -> u32 {
            call.run()
        }
        run(width(n))
    }
}

#[async_wrap]
fn width(n: u32) -> u32 {
    n
}

fn main() {
    Store::load(1).run();
}
