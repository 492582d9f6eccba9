//! What an inventory comes to: hosts, groups, typed variables, and the file and line of each.

pub(crate) mod error;
pub(crate) mod estate;
mod reading;
mod report;
pub(crate) mod value;

pub use error::ReadError;
pub(crate) use reading::hosts_of;
pub use reading::{GroupView, Layer, Reading, Said, Setting};
pub use value::Value;
