//! The contract of anyloop as one public test suite.
//!
//! Each clause is a function that takes a [`Subject`], a runtime and a pool under test, and panics where
//! they break it; the clauses themselves are in `docs/CONTRACT.md`. [`conformance!`] makes a `#[test]` of
//! each, for an adapter or a pool of your own:
//!
//! ```
//! use anyloop_conformance::{Subject, conformance};
//! use anyloop_smol::Smol;
//!
//! conformance! {
//!     smol {
//!         default_pool => Subject::new(Smol::new);
//!         native_pool => Subject::native(Smol::new);
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! gives `smol::native_pool::c03_dropping_...` and so on. A test that hangs fails after a minute.
//!
//! The clauses of [`tasks`], [`cancelling`], [`actors`], [`maps`], [`runs`], [`gathering`] and [`runtimes`] hold for every
//! runtime with every pool. Those of [`thread_pool`] are anyloop's own pool's; on others they assert what can be known of
//! them.

pub mod actors;
pub mod cancelling;
pub mod gathering;
pub mod maps;
pub mod runs;
pub mod runtimes;
pub mod subject;
pub mod tasks;
pub mod thread_pool;
pub mod tools;

mod suite;
mod watchdog;

pub use subject::Subject;
pub use watchdog::watched;
