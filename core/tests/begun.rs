//! What the first poll of a call comes to, in which it begins.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use anyloop_core::{AnyPool, Call, CancelToken, InlinePool, TaskError, ThreadPool};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Makes a call of its own as it is dropped, as what closes a connection does.
struct CallsAsItGoes;

impl Drop for CallsAsItGoes {
    fn drop(&mut self) {
        pollster::block_on(Call::new(|| ()).on(&ThreadPool::global()));
    }
}

#[test]
fn a_call_that_has_ended_where_it_began_is_ready_at_once() {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(Call::new(|| 1).on(&InlinePool)).poll(&mut context), Poll::Ready(1));
    let refusing = AnyPool::from_fn(|job| {
        drop(job);
        Ok(())
    });
    let kept = CallsAsItGoes;
    let refused = Call::new(move || drop(kept)).on(&refusing).settle();
    assert!(matches!(pin!(refused).poll(&mut context), Poll::Ready(Err(TaskError::Shutdown))));
}

/// Nobody would ever wake who awaits it.
#[test]
fn a_call_that_never_begins_is_ready_whatever_its_pool_does_as_it_is_dropped() {
    let token = CancelToken::new();
    token.cancel();
    let kept = CallsAsItGoes;
    let pool = AnyPool::from_fn(move |job| {
        let _ = &kept;
        job.run();
        Ok(())
    });
    let call = Call::new(|| ()).on(&pool).with_token(&token).settle();
    drop(pool);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(call).poll(&mut context), Poll::Ready(Err(TaskError::Cancelled))));
}

/// The waker goes along with the closure: it is called although nothing was polled since.
#[test]
fn a_call_that_begins_in_a_poll_wakes_who_polled_it() {
    let pool = ThreadPool::new(1).unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut call = pin!(Call::new(move || released.recv().is_err()).on(&pool));
    assert_eq!(call.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    drop(release);
    pollster::block_on(pool.shutdown()).unwrap();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(call.poll(&mut Context::from_waker(&waker)), Poll::Ready(true));
}
