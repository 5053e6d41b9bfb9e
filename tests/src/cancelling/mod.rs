//! C36: a cancellation reaches code that blocks.

mod hooks;

pub use hooks::*;
