//! Tasks: C01 to C08, on every runtime and every pool.

mod begin;
mod blocking;
mod cancel;
mod destructors;
mod end;
mod once;
mod panics;
mod stop;

pub use begin::*;
pub use blocking::*;
pub use cancel::*;
pub use destructors::*;
pub use end::*;
pub use once::*;
pub use panics::*;
pub use stop::*;
