//! C36: a cancellation reaches code that blocks.

mod checks;
mod hooks;

pub use checks::*;
pub use hooks::*;
