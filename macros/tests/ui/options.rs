//! Options that are not there, and values that they cannot have.

use std::sync::LazyLock;

use anyloop::{ThreadPool, async_wrap};

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::global().clone());

#[async_wrap(pol = POOL)]
fn misspelt() {}

#[async_wrap(timeout = 5, limit = 2)]
fn unknown() {}

#[async_wrap(native)]
fn bare() {}

#[async_wrap(max_threads = 4)]
fn foreign() {}

#[async_wrap(pool = POOL, pool = native)]
fn twice() {}

#[async_wrap(limit)]
fn without_value() {}

#[async_wrap(limit = )]
fn with_nothing() {}

#[async_wrap(limit = 0)]
fn zero() {}

#[async_wrap(limit = -1)]
fn negative() {}

#[async_wrap(limit = "2")]
fn quoted() {}

#[async_wrap(crate = "anyloop")]
fn quoted_path() {}

#[async_wrap("pool")]
fn not_a_name() {}

#[async_wrap(pool = POOL limit = 2)]
fn without_comma() {}

#[async_wrap(pool = POOL.limit(2))]
fn view_for_each() {}

// A method of somebody's own.
#[async_wrap(pool = (Own.limit(2)))]
fn own_method() {}

struct Own;

impl Own {
    fn limit(&self, _: usize) -> &'static ThreadPool {
        ThreadPool::global()
    }
}

async fn callers_see_a_call() {
    view_for_each().await;
    own_method().await;
    misspelt().await;
    unknown().await;
    zero().await;
    not_a_name().await;
}

fn main() {}
