//! What a spawned future may await. A compiler that has to prove it `Send` forgets what lifetime a closure
//! had, and must not need it: calls that return or capture `&'static` data are fine.

mod facade_support;

use std::sync::LazyLock;
use std::time::Duration;

use anyloop::{
    BlockOn, Limiter, Smol, ThreadPool, async_wrap, gather, spawn, spawn_blocking, timeout, to_thread,
};
use facade_support::bounded;

#[async_wrap]
fn length(text: &'static str) -> usize {
    text.len()
}

#[async_wrap]
fn same(text: &'static str) -> &'static str {
    text
}

static ONE: Limiter = Limiter::new(1);
static DB: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(1).unwrap());

#[test]
fn wrapped_functions_of_static_data() {
    bounded(|| {
        Smol::new().block_on(async {
            assert_eq!(spawn(async { length("four").await }).await.unwrap(), 4);
            assert_eq!(spawn(async { same("a").await }).await.unwrap(), "a");
            assert_eq!(spawn(async { same("a").settle().await.unwrap() }).await.unwrap(), "a");
            assert_eq!(spawn(async { same("a").start().await.unwrap() }).await.unwrap(), "a");
            assert_eq!(spawn(async { same("a").on(&DB).limit(&ONE).await }).await.unwrap(), "a");
            assert_eq!(spawn(async { gather(["a", "b"].map(same)).await }).await.unwrap(), ["a", "b"]);
            assert_eq!(spawn(async { gather((length("a"), same("b"))).await }).await.unwrap(), (1, "b"));
        });
    });
}

#[test]
fn closures_over_static_data() {
    let text: &'static str = "text";
    bounded(move || {
        Smol::new().block_on(async move {
            assert_eq!(spawn(async move { to_thread(|| "a").await }).await.unwrap(), "a");
            assert_eq!(spawn(async move { to_thread(move || text.len()).await }).await.unwrap(), 4);
            assert_eq!(spawn(async move { to_thread(move || vec![text]).await }).await.unwrap(), ["text"]);
            assert!(spawn(async move { to_thread(move || text).settle().await }).await.unwrap().is_ok());
            assert!(spawn(async move { to_thread(move || text).start().await }).await.unwrap().is_ok());
            assert!(spawn(async move { spawn_blocking(move || text).await }).await.unwrap().is_ok());
            let limited = spawn(async move { to_thread(move || text).on(&DB).limit(&ONE).await });
            assert_eq!(limited.await.unwrap(), "text");
            let timed = spawn(async move { timeout(Duration::MAX, to_thread(move || text)).await });
            assert_eq!(timed.await.unwrap(), Ok("text"));
            let both = spawn(async move { gather((to_thread(move || text), to_thread(|| 1))).await });
            assert_eq!(both.await.unwrap(), ("text", 1));
            let many = spawn(async move { gather((0..3).map(move |_| to_thread(move || text))).await });
            assert_eq!(many.await.unwrap(), ["text"; 3]);
        });
    });
}
