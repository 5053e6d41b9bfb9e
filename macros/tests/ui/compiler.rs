//! The compiler's own messages are shown where the mistake is.

use anyloop::async_wrap;

struct NotClone;

#[async_wrap]
fn argument(n: u8, value: &NotClone) {}

#[async_wrap]
fn not_static<T: Send>(value: T) {
    drop(value);
}

impl NotClone {
    #[async_wrap]
    fn method(&self) {}
}

#[derive(Clone)]
struct Counter(u8);

impl Counter {
    #[async_wrap]
    fn add(&self) {
        self.0 += 1;
    }

    #[async_wrap]
    fn consume(self) {
        self.0 += 1;
    }
}

#[async_wrap]
fn mistake_in_the_body(text: &str) -> usize {
    text
}

#[async_wrap]
fn too_much() {
    1
}

#[async_wrap]
fn too_little() -> usize {
    1;
}

#[async_wrap]
fn recursive_and_wrong(n: u8) -> usize {
    recursive_and_wrong(n - 1);
}

fn main() {}
