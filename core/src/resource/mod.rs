//! Resources, their state, and images: what was there before an action and what is there after it.

mod difference;
mod image;
mod key;
mod object_ref;
mod state;
#[cfg(test)]
mod tests;
pub mod tree;

pub use image::{Footprint, Image, Loss, Residue};
pub use key::{CONTROL, Kind};
pub use object_ref::ObjectRef;
pub use state::{Above, Active, Fields, Nevra, Node, Pod, State};
pub use tree::Apart;
