//! `name`, where it cannot be.

use anyloop::async_wrap;

#[async_wrap(name = "other")]
fn quoted() {}

#[async_wrap(name = a::b)]
fn path() {}

#[async_wrap(name)]
fn without_value() {}

#[async_wrap(name = async_async)]
async fn already() {}

#[async_wrap(name = dangerous_async)]
unsafe fn dangerous() {}

#[async_wrap(name = mutable_async)]
fn mutable(count: &mut u8) {
    *count += 1;
}

#[async_wrap(name = trimmed_async)]
fn trimmed(text: &str) -> &str {
    text.trim()
}

#[async_wrap(skip)]
fn skipped() {}

#[async_wrap(actor = pub Handle)]
fn actor() {}

async fn callers_see_both() {
    mutable(&mut 1);
    mutable_async(&mut 1).await;
    let _: usize = trimmed("").len();
    let _: &str = trimmed_async("").await;
    already().await;
}

fn main() {}
