//! Every clause, on every runtime that anyloop has an adapter for, with the default pool and with the one
//! that the runtime brings.

use anyloop_async_std::AsyncStd;
use anyloop_conformance::{Subject, conformance};
use anyloop_core::{AnyPool, AnyRuntime, NativePool, Pool, Runtime};
use anyloop_futures::FuturesPool;
use anyloop_smol::Smol;
use anyloop_tokio::Tokio;

fn multi_thread() -> Tokio {
    Tokio::new().expect("a runtime")
}

fn current_thread() -> Tokio {
    Tokio::new_current_thread().expect("a runtime")
}

fn futures() -> FuturesPool {
    FuturesPool::new().expect("a runtime")
}

fn any_tokio() -> AnyRuntime {
    multi_thread().to_any()
}

fn any_smol() -> AnyRuntime {
    Smol::new().to_any()
}

fn brought(runtime: &AnyRuntime) -> AnyPool {
    runtime.native().expect("the runtime brings a pool")
}

/// tokio's blocking pool is as wide as its runtime was built to have it.
fn tokio_of_width(width: usize) -> AnyPool {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(width).build();
    let runtime = Tokio::from(runtime.expect("a runtime"));
    let pool = runtime.native();
    // The runtime lives as long as the pool.
    AnyPool::from_fn(move |job| {
        let _alive = &runtime;
        pool.execute(job)
    })
}

conformance! {
    tokio_multi_thread {
        default_pool => Subject::new(multi_thread);
        native_pool => Subject::native(multi_thread).narrow(tokio_of_width);
    }
    tokio_current_thread {
        default_pool => Subject::new(current_thread).needs_driving();
        native_pool => Subject::native(current_thread).narrow(tokio_of_width).needs_driving();
    }
    smol {
        default_pool => Subject::new(Smol::new);
        native_pool => Subject::native(Smol::new);
    }
    async_std {
        default_pool => Subject::new(AsyncStd::new);
        native_pool => Subject::native(AsyncStd::new);
    }
    futures_thread_pool {
        default_pool => Subject::new(futures);
        native_pool => Subject::native(futures);
    }
    any_runtime_over_tokio {
        default_pool => Subject::new(any_tokio);
        native_pool => Subject::with_pool(any_tokio, brought).narrow(tokio_of_width);
    }
    any_runtime_over_smol {
        default_pool => Subject::new(any_smol);
        native_pool => Subject::with_pool(any_smol, brought);
    }
}
