//! C10 to C18: what `ThreadPool` promises.

mod idle;
mod lend;
mod room;
mod shutdown;
mod threads;
mod turns;

pub use idle::*;
pub use lend::*;
pub use room::*;
pub use shutdown::*;
pub use threads::*;
pub use turns::*;

use anyloop_core::{Pool, PoolExt};

use crate::tools::{SetOnDrop, Signal};

/// Blocks `calls` threads of a pool until the guard is dropped, or its signal set.
fn block(pool: &(impl Pool + ?Sized), calls: usize) -> SetOnDrop {
    let gate = SetOnDrop(Signal::new());
    for _ in 0..calls {
        let (started, opened) = (Signal::new(), gate.0.clone());
        let starting = started.clone();
        pool.submit(move || {
            starting.set();
            opened.wait();
        })
        .detach();
        started.wait();
    }
    gate
}
