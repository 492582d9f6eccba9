//! What an inventory comes to: hosts, groups, typed variables, and the file and line of each.

pub(crate) mod error;
pub(crate) mod estate;
pub(crate) mod layer;
pub(crate) mod reading;
mod report;
pub(crate) mod value;

pub use error::{ReadError, Wrong};
pub use layer::Layer;
pub use reading::{GroupView, Reading, Said, Setting};
pub use value::Value;
