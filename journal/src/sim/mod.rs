//! A simulated disk: what is written, what is durable, and every way a power cut may mix the two.
//!
//! It is a [`FileLayer`] in memory that keeps two states of each file and folder: the live one, which programs see,
//! and the durable one, which a power cut leaves. What it promises is what POSIX and a disk with atomic sectors
//! promise, and no more:
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

mod images;
mod layer;
mod state;
#[cfg(test)]
mod tests;

pub use images::{Bound, Images};

use crate::file::layer::FileLayer;
use state::{Fault, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kinds of operations that are counted and can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading, listing, opening, looking at a lock.
    Read,
    /// Writing to a file.
    Write,
    /// Cutting or lengthening a file.
    SetLen,
    /// The sync of a file.
    Sync,
    /// The sync of a folder.
    SyncDir,
    /// Making a file.
    MakeFile,
    /// Making a folder.
    MakeDir,
    /// Giving another name.
    Rename,
    /// Removing a file or folder.
    Remove,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Sync,
        Self::SyncDir,
        Self::MakeFile,
        Self::MakeDir,
        Self::Rename,
        Self::Remove,
    ];
}

/// A simulated disk. A clone is the same disk; what `images` and `killed` give are others.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk with nothing but the folder `/`.
    pub fn new() -> Self {
        Self::default()
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As a layer for the journal.
    pub fn layer(&self) -> Arc<dyn FileLayer> {
        Arc::new(self.clone())
    }

    /// How many operations of a kind were tried.
    pub fn count(&self, operation: Operation) -> u64 {
        self.state().counts[operation as usize]
    }

    /// How many syncs of files and folders were tried.
    pub fn syncs(&self) -> u64 {
        self.count(Operation::Sync) + self.count(Operation::SyncDir)
    }

    /// How many operations of any kind were tried.
    pub fn operations(&self) -> u64 {
        self.state().counts.iter().sum()
    }

    /// Cuts the power when the sync with this number begins, counted from 1 over the disk's life: it and every later
    /// operation fail, and nothing becomes durable any more.
    pub fn freeze_at_sync(&self, sync: u64) {
        self.state().freeze_at_sync = Some(sync);
    }

    /// The same at the operation of any kind with this number.
    pub fn freeze_at_operation(&self, operation: u64) {
        self.state().freeze_at_operation = Some(operation);
    }

    /// Cuts the power now.
    pub fn freeze(&self) {
        self.state().frozen = true;
    }

    /// Whether the power is cut.
    pub fn is_frozen(&self) -> bool {
        self.state().frozen
    }

    /// Lets the operation of this kind with this number fail once with an I/O error, counted from 1 over the disk's
    /// life.
    pub fn fail(&self, operation: Operation, number: u64) {
        self.state().faults.push(Fault { operation, number, keep: 0 });
    }

    /// Lets the write with this number fail after so many bytes.
    pub fn fail_short(&self, number: u64, keep: usize) {
        self.state().faults.push(Fault { operation: Operation::Write, number, keep });
    }

    /// Lets whatever needs more room than this fail, as on a full disk, until there is more; a write leaves the part
    /// that had room.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// How many bytes the files have.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// The disk that the next process finds when this one is killed now, or was when the disk froze: everything
    /// written is there, and what was not synced still is not.
    pub fn killed(&self) -> Self {
        Self::of(self.state().killed())
    }

    /// The disks that a power cut may leave now, or did when the disk froze.
    pub fn images(&self, bound: Bound) -> Images {
        Images::of(&self.state(), bound)
    }
}
