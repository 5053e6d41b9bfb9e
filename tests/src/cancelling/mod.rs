//! C36 to C39: a cancellation reaches code that blocks; tokens, deadlines, shields.

mod checks;
mod deadlines;
mod hooks;
mod tokens;

pub use checks::*;
pub use deadlines::*;
pub use hooks::*;
pub use tokens::*;
