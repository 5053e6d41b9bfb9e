//! C20 and C22 to C24: gathering, of any number of any children.

mod children;
mod dropped;
mod error;
mod order;
mod panic;

pub use dropped::*;
pub use error::*;
pub use order::*;
pub use panic::*;
