//! `pool`, `limit` and `crate`.

use std::sync::LazyLock;

use anyloop::{Pool, ThreadPool, async_wrap};
use pollster::block_on;

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(1).unwrap());
const LIMIT: usize = 2;

#[async_wrap(pool = POOL)]
fn on_a_static(text: &str) -> usize {
    text.len()
}

#[async_wrap(pool = POOL, limit = LIMIT + 1,)]
fn limited(n: u32) -> u32 {
    n
}

#[async_wrap(limit = 1)]
fn alone<T: Send + 'static>(value: T) -> T {
    value
}

#[async_wrap(pool = tenant.pool(), crate = anyloop)]
fn chosen_by_argument(tenant: &Tenant, n: u32) -> u32 {
    tenant.0 + n
}

#[async_wrap(pool = if global { ThreadPool::global() as &dyn Pool } else { &*POOL })]
fn chosen(global: bool) -> bool {
    global
}

#[async_wrap(limit = 2)]
fn recursive(n: u32) -> u32 {
    if n == 0 { 0 } else { 1 + recursive(n - 1) }
}

#[derive(Clone)]
struct Tenant(u32);

impl Tenant {
    fn pool(&self) -> ThreadPool {
        POOL.clone()
    }

    #[async_wrap(pool = self.pool(), limit = 3)]
    fn method(&self) -> u32 {
        self.0
    }
}

#[test]
fn pools_and_limits() {
    assert_eq!(block_on(on_a_static("abc")), 3);
    assert_eq!(block_on(limited(7)), 7);
    assert_eq!(block_on(alone("x")), "x");
    assert_eq!(block_on(chosen_by_argument(&Tenant(1), 2)), 3);
    assert!(block_on(chosen(true)));
    assert!(!block_on(chosen(false)));
    assert_eq!(block_on(recursive(3)), 3);
    assert_eq!(block_on(Tenant(5).method()), 5);
}

#[async_wrap(pool = native)]
fn on_the_runtime_s_own(n: u32) -> u32 {
    n
}

mod renamed {
    pub(crate) use ::anyloop as other;
}

#[async_wrap(crate = crate::renamed::other, pool = POOL)]
fn through_another_path(text: &str) -> usize {
    text.len()
}

macro_rules! exported {
    ($name:ident) => {
        #[async_wrap(crate = $crate::renamed::other)]
        fn $name(text: &str) -> usize {
            text.len()
        }
    };
}

exported!(through_a_macro);

#[test]
fn paths() {
    assert_eq!(on_the_runtime_s_own(1).run(), 1);
    assert_eq!(block_on(through_another_path("ab")), 2);
    assert_eq!(block_on(through_a_macro("ab")), 2);
}
