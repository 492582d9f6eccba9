//! What in an inventory reads otherwise than it looks, with the next step for each.

pub(crate) mod facts;
pub(crate) mod finding;
pub(crate) mod traps;
mod types;
