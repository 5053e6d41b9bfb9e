//! C36 to C39: a cancellation reaches code that blocks; tokens, deadlines, shields.

mod checks;
mod hooks;
mod tokens;

pub use checks::*;
pub use hooks::*;
pub use tokens::*;
