//! Where a call was made is told as the user's place, not as one of anyloop's.

use std::sync::{Arc, Mutex, mpsc};

use anyloop::{PoolExt, ThreadPool, Warning, async_wrap, on_warning};

/// The attribute makes the call.
const PLACE: u32 = line!() + 1;
#[async_wrap]
fn wrapped() {}

/// There is one such warning in a process.
#[test]
fn a_wrapped_call_that_is_dropped_is_told_by_its_function() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        if let Warning::DroppedInQueue { place, .. } = warning {
            hearing.lock().unwrap().push((place.file(), place.line()));
        }
    })
    .unwrap();
    let pool = ThreadPool::new(1).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let blocked = pool.submit(move || released.recv().is_err());
    drop(wrapped().on(&pool).start());
    drop(release);
    assert!(blocked.wait().unwrap());
    assert_eq!(*heard.lock().unwrap(), [(file!(), PLACE)]);
}
