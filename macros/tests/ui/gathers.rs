//! What a gather cannot be asked for.

use anyloop::{async_wrap, gather, try_gather};

#[async_wrap]
fn fetch(id: u32) -> u32 {
    id
}

async fn limited_tuple() {
    gather((fetch(1), fetch(2))).limit(2).await;
}

async fn limited_tuple_of_results() {
    let ready = async { Ok::<_, ()>(1) };
    let _ = try_gather((ready, async { Ok(2) })).limit(1).await;
}

fn main() {}
