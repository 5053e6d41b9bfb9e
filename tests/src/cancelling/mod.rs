//! C36 to C39: a cancellation reaches code that blocks; tokens, deadlines, shields.

mod checks;
mod deadlines;
mod hooks;
mod shields;
mod storm;
mod tokens;

pub use checks::*;
pub use deadlines::*;
pub use hooks::*;
pub use shields::*;
pub use storm::*;
pub use tokens::*;
