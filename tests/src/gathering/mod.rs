//! C20 to C28: gathering, of any number of any children.

mod children;
mod completed;
mod dropped;
mod error;
mod limit;
mod nested;
mod order;
mod panic;
mod policies;
mod until;

pub use completed::*;
pub use dropped::*;
pub use error::*;
pub use limit::*;
pub use nested::*;
pub use order::*;
pub use panic::*;
pub use policies::*;
pub use until::*;
