//! A simulated disk: what is written, what is durable, and every way a power cut may mix the two.
//!
//! It is a [`FileLayer`](crate::FileLayer) in memory that keeps two states of each file and folder: the live one, which
//! programs see, and the durable one, which a power cut leaves. What it promises is what POSIX and a disk with atomic
//! sectors promise, and no more:
//!
//! - What was written to a file is durable after that file's sync, and not before. Until then each sector of 512 bytes
//!   may hold what is durable or what any unsynced write left in it, whatever its neighbours hold; and the length may
//!   be any that the file had since its last sync. So a file whose name is durable may be empty, too short, or zeros.
//! - A name is durable after its folder's sync. Until then each making, removing and renaming may or may not have
//!   happened, in any combination. A rename within one folder happens as a whole. One between two folders is two
//!   changes, each durable with its own folder: after a cut there may be both names, or neither.
//! - A sync of a file that fails leaves nothing of it durable, and the next one that succeeds does not either: Linux
//!   takes pages for clean once their write was tried. Lengths and names can be synced again after a failure.
//!
//! [`SimDisk::freeze_at_sync`] cuts the power at a sync; [`SimDisk::images`] are the disks that this may leave.
//! [`SimDisk::fail`] and [`SimDisk::set_capacity`] let single operations fail; [`SimDisk::killed`] is the disk that
//! the next process finds when only the process died.

mod disk;
mod images;
mod layer;
mod operation;
mod state;
#[cfg(test)]
mod tests;

pub use disk::SimDisk;
pub use images::{Bound, Images};
pub use operation::Operation;
