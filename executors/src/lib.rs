//! What touches a target: the ports of [`palinode_core::port`] for real worlds.
//!
//! Rules are not made here. An executor looks at a target, does what a typed action says, and reports what happened in
//! words an operator can act on; what follows from that is decided in core.
//!
//! So far there is the control side, the machine Palinode itself runs on: [`InventoryFiles`] edits inventories and takes
//! edits back. It reads and replaces whole [`Files`], on disk ([`DiskFiles`]) or in memory ([`MemFiles`]), so that a
//! rehearsal and a real run go through the same code.

mod control;
mod files;
mod host;
mod real;
mod ssh;

pub use control::InventoryFiles;
pub use files::{DiskFiles, FILE_LIMIT, FileContent, Files, MemFiles};
pub use real::{Real, Unready};
pub use ssh::{Claim, Fleet, LinkError};
