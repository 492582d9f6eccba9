//! The lock: one owner at a time, known by name, and its epoch.
//!
//! Ownership is a flock on the file; the record in it only says whose. The kernel drops the flock with the process, so
//! a dead owner needs no ceremony and a live one cannot be mistaken for dead.

use crate::file::atomic_file::{damaged, unread};
use crate::file::layer::{Handle, Identity, Root};
use crate::format::head::newest;
use crate::format::record::Kind;
use palinode_core::id::Epoch;
use palinode_core::port::ReadError;
use palinode_core::record::Owner;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// The lock's file.
pub(crate) const LOCK: Kind = Kind { file: "lock", slot: 512, context: "palinode 2026-11 lock v1" };

/// A look at the lock takes it for a moment; a writer waits that long before it believes in an owner.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// Who holds, or held, the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockRecord {
    pub(crate) owner: Option<Owner>,
    pub(crate) epoch: Epoch,
    /// Whether the owner let go in good order, with everything written.
    pub(crate) released: bool,
}

/// Who owns a journal now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerState {
    /// Nobody: the last owner, if there was one, let go in good order.
    None,
    /// A living process.
    Alive {
        /// The process; none in the moment before it has written its name.
        owner: Option<Owner>,
        /// Its epoch.
        epoch: Epoch,
    },
    /// A process that died without letting go.
    Dead {
        /// The process.
        owner: Owner,
        /// Its epoch.
        epoch: Epoch,
    },
}

/// A held lock.
#[derive(Debug)]
pub(crate) struct Lock {
    file: Box<dyn Handle>,
    generation: u64,
    pub(crate) record: LockRecord,
}

fn record(root: &Root) -> Result<(u64, LockRecord), ReadError> {
    let slot = newest(&LOCK, || root.read(LOCK.file)).map_err(unread(LOCK.file))?;
    slot.map(|slot| (slot.generation, slot.value)).map_err(|wrong| damaged(LOCK.file, wrong))
}

impl Lock {
    /// Takes the lock; none if a living process has it. The record is still the one of the owner before.
    pub(crate) fn acquire(root: &Root) -> Result<Option<Self>, ReadError> {
        for _ in 0..TRIES {
            if let Some(file) = root.files.lock(&root.at(LOCK.file)).map_err(unread(LOCK.file))? {
                let (generation, record) = record(root)?;
                return Ok(Some(Self { file, generation, record }));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(None)
    }

    /// Which file is locked, whatever its name is now.
    pub(crate) fn identity(&self) -> io::Result<Option<Identity>> {
        self.file.identity()
    }

    /// Writes a new record over the older of the two, and syncs it.
    pub(crate) fn write(&mut self, record: LockRecord) -> io::Result<()> {
        self.generation += 1;
        LOCK.write(&*self.file, self.generation, &record)?;
        self.file.sync_data()?;
        self.record = record;
        Ok(())
    }
}

/// Who owns the journal. Needs no lock of its own.
pub(crate) fn look(root: &Root) -> Result<OwnerState, ReadError> {
    // The lock is let go at once: the record is read without it.
    let alive = root.files.is_locked(&root.at(LOCK.file)).map_err(unread(LOCK.file))?;
    let (_, record) = record(root)?;
    let LockRecord { owner, epoch, released } = record;
    Ok(match owner {
        owner if alive => OwnerState::Alive { owner: owner.filter(|_| !released), epoch },
        Some(owner) if !released => OwnerState::Dead { owner, epoch },
        _ => OwnerState::None,
    })
}
