//! What in an inventory reads otherwise than it looks, with the next step for each.

pub(crate) mod finding;
pub(crate) mod inventory;
mod names;
mod nodes;
mod spelled;
mod traps;
