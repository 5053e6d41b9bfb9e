//! Makes the adapters that are compiled in known to the choice of the current runtime.

/// Costs one load once it was done.
pub(crate) fn register() {
    #[cfg(any(feature = "tokio", feature = "smol", feature = "async-std", feature = "futures"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            #[cfg(feature = "tokio")]
            anyloop_tokio::Tokio::register();
            #[cfg(feature = "smol")]
            anyloop_smol::Smol::register();
            #[cfg(feature = "async-std")]
            anyloop_async_std::AsyncStd::register();
            #[cfg(feature = "futures")]
            anyloop_futures::FuturesPool::register();
        });
    }
}
