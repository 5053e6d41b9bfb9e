//! A pause of one poll, on any runtime.

use std::task::Poll;

/// Lets other tasks of the runtime go first, once. Needs no runtime of ours.
///
/// ```
/// # pollster::block_on(async {
/// anyloop_core::yield_now().await;
/// # });
/// ```
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
