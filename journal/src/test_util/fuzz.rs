//! Doors for the fuzz targets into what reads bytes from disk, without the disk. No part of the interface.

use crate::format::frame::{self, Builder, Found};
use crate::format::head::{HEAD, Head};
use crate::format::record::{self, Kind, Slot};
use crate::write::lock::{LOCK, LockRecord};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;

/// The places of a batch's entries, and where it ends.
pub type Batch = (Vec<Range<usize>>, usize);

/// The batch that begins at `at`; none if only zeros follow.
pub fn look(bytes: &[u8], at: usize, first: u64) -> Result<Option<Batch>, String> {
    match frame::look(bytes, at, first) {
        Found::Batch { entries, end } => Ok(Some((entries, end))),
        Found::End => Ok(None),
        Found::Broken(wrong) => Err(format!("byte {}: {}", wrong.offset, wrong.what)),
    }
}

/// Whether a later batch was completed behind a broken one, and where its commit is.
pub fn later_commit(bytes: &[u8], at: usize, first: u64) -> Option<usize> {
    frame::later_commit(bytes, at, first)
}

/// A batch as the journal writes it.
pub fn batch<'a>(entries: impl Iterator<Item = &'a [u8]>, first: u64) -> Vec<u8> {
    let mut builder = Builder::default();
    entries.for_each(|entry| builder.push(entry));
    builder.finish(first)
}

/// What is read from a two-slot file: for both slots and for the newest one, the generation and the slot's bytes as
/// the journal would write them.
#[derive(Debug)]
pub struct Slots {
    /// Each slot, or why it is not sound.
    pub each: [Result<(u64, Vec<u8>), String>; 2],
    /// The slot that counts; none if neither is sound.
    pub newest: Option<(u64, Vec<u8>)>,
}

/// Reads a head file.
pub fn head(bytes: &[u8]) -> Slots {
    slots::<Head>(&HEAD, bytes)
}

/// Reads the record of a lock file.
pub fn lock(bytes: &[u8]) -> Slots {
    slots::<LockRecord>(&LOCK, bytes)
}

fn slots<T: Serialize + DeserializeOwned>(kind: &Kind, bytes: &[u8]) -> Slots {
    let written = |slot: Slot<T>| {
        let mut bytes = record::seal(kind.context, &slot).expect("what was decoded can be encoded");
        bytes.resize(kind.slot.max(bytes.len()), 0);
        (slot.generation, bytes)
    };
    let each = kind.read::<T>(bytes).map(|slot| slot.map(written).map_err(|wrong| wrong.what));
    Slots { each, newest: kind.newest::<T>(bytes).ok().map(written) }
}
