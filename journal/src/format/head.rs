//! The head: how far the journal certainly goes, and which runs are open there.

use crate::format::record::{Kind, Wrong};
use palinode_core::id::{EntryId, RunId, Seq};
use palinode_core::port::Stored;
use palinode_core::record::{Event, FORMAT};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The head's file.
pub(crate) const HEAD: Kind = Kind { file: "head", slot: 1024, context: "palinode 2026-11 head v1" };

/// Written after a batch's sync, and itself not synced: it may lag, never lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The format's version, so that a changed format file is noticed.
    pub(crate) format: (u32, u32),
    /// Last acknowledged entry; 0 if there is none.
    pub(crate) seq: Seq,
    /// Its id.
    pub(crate) entry: EntryId,
    /// First sequence of the segment that holds it.
    pub(crate) segment: Seq,
    /// Where its batch ends in that segment.
    pub(crate) offset: u64,
    /// Open runs with the sequence of their first entry; none if there are too many for the slot.
    pub(crate) runs: Option<Vec<(RunId, Seq)>>,
}

impl Default for Head {
    fn default() -> Self {
        let runs = Some(Vec::new());
        Self { format: FORMAT, seq: Seq(0), entry: EntryId([0; 32]), segment: Seq(1), offset: 0, runs }
    }
}

/// Reads the newest slot. A live writer may be inside one slot while we look, so a second look is worth it.
pub(crate) fn newest<T: serde::de::DeserializeOwned>(
    kind: &Kind,
    mut read: impl FnMut() -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Result<crate::format::record::Slot<T>, Wrong>> {
    let mut found = kind.newest(&read()?);
    for _ in 0..3 {
        if found.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
        found = kind.newest(&read()?);
    }
    Ok(found)
}

/// The open runs at some entry, folded from the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs(BTreeMap<RunId, Seq>);

impl Runs {
    pub(crate) fn new(list: &[(RunId, Seq)]) -> Self {
        Self(list.iter().copied().collect())
    }

    pub(crate) fn apply(&mut self, stored: &Stored) {
        let entry = &stored.entry;
        match entry.event {
            Event::RunOpened(_) => drop(self.0.insert(entry.run, entry.seq)),
            Event::RunClosed(_) => drop(self.0.remove(&entry.run)),
            _ => {}
        }
    }

    /// In the order in which they were opened.
    pub(crate) fn list(&self) -> Vec<(RunId, Seq)> {
        let mut list: Vec<_> = self.0.iter().map(|(run, seq)| (*run, *seq)).collect();
        list.sort_unstable_by_key(|(_, seq)| *seq);
        list
    }
}
