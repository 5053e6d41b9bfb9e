//! tokio's clock can be paused, for tests, and then jumps ahead to the next timer whenever the runtime has
//! nothing to do. It must not jump while a call is outstanding on a pool that tokio does not know of.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use anyloop_core::Hold;
use tokio::runtime::{Handle, Id};

/// tokio holds its clock back while one of its own blocking closures is outstanding, so one is parked
/// for as long as calls are.
struct Parked {
    /// Dropping it lets the parked closure end.
    #[expect(dead_code, reason = "held for its destructor alone")]
    release: mpsc::Sender<()>,
}

/// The parked closure of each runtime that has one; entries of those that have gone are cleared away.
static PARKED: Mutex<Vec<(Id, Weak<Parked>)>> = Mutex::new(Vec::new());

/// Only for a runtime of the current-thread flavour: no other can pause its clock.
pub(crate) fn hold(handle: &Handle) -> Option<Hold> {
    let _entered = handle.enter();
    if !is_paused() {
        return None;
    }
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.retain(|(_, parked)| parked.strong_count() > 0);
    let known = parked.iter().find(|(id, _)| *id == handle.id());
    if let Some(known) = known.and_then(|(_, parked)| parked.upgrade()) {
        return Some(Hold::new(known));
    }
    let (release, released) = mpsc::channel::<()>();
    let fresh = Arc::new(Parked { release });
    parked.push((handle.id(), Arc::downgrade(&fresh)));
    drop(parked);
    handle.spawn_blocking(move || {
        // Ends when the sender is dropped: nothing is ever sent.
        let _ = released.recv();
    });
    Some(Hold::new(fresh))
}

/// tokio has no question for it, but a paused clock stands still while the system's goes on.
fn is_paused() -> bool {
    let frozen = tokio::time::Instant::now();
    let start = Instant::now();
    loop {
        if tokio::time::Instant::now() != frozen {
            return false;
        }
        // The system's clock has ticked, and tokio's was read before and after it.
        if Instant::now() > start {
            return tokio::time::Instant::now() == frozen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_is_recognized() {
        assert!(is_paused());
        tokio::time::resume();
        assert!(!is_paused());
    }

    #[tokio::test]
    async fn a_running_clock_is_recognized() {
        for _ in 0..10_000 {
            assert!(!is_paused());
        }
    }
}
