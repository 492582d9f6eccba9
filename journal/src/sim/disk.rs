//! The handle on a simulated disk.

use super::operation::Operation;
use super::state::{Fault, State};
use crate::file::layer::FileLayer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

    pub(super) fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
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
}
