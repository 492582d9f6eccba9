//! Forged journals: entries altered at will, then encoded, hashed, chained and batched anew, so that every byte of the
//! copy is as it should be and only the story is another.

use crate::owner::owner;
use crate::story::{SMALL, copy_all};
use palinode_core::id::Seq;
use palinode_core::port::{Journal, JournalRead};
use palinode_core::record::{Draft, Entry};
use palinode_journal::{DiskJournal, JournalReader, create};
use std::path::Path;

/// The entries of a journal, and the public blobs that an alteration adds.
pub struct Forgery {
    /// The entries, in order; sequences and links are made anew when it is written.
    pub entries: Vec<Entry>,
    reader: JournalReader,
    /// Public blobs to put beside the old ones.
    pub blobs: Vec<Vec<u8>>,
}

impl Forgery {
    /// The story that a journal tells.
    pub fn of(dir: &Path) -> Self {
        let reader = JournalReader::open(dir).expect("the journal can be read");
        let entries = reader.read(Seq(1)).expect("the journal can be read");
        let entries = entries.map(|stored| stored.expect("the journal is sound").entry).collect();
        Self { entries, reader, blobs: Vec::new() }
    }

    /// A public blob of the journal.
    pub fn public(&self, id: palinode_core::id::BlobId) -> Vec<u8> {
        self.reader.public(id).expect("the blob is there")
    }

    /// Writes it as a journal of its own, with the keys and blobs of the one it came from. Entries of a new epoch are
    /// written by another process, as they were.
    pub fn write(&self, dir: &Path) {
        create(dir).expect("a journal can be made");
        for folder in ["blobs", "keys"] {
            copy_all(&self.reader.root().join(folder), &dir.join(folder));
        }
        let open = || DiskJournal::open(dir, owner(7), SMALL).expect("the journal can be opened").journal;
        let mut journal = open();
        for blob in &self.blobs {
            journal.put_public(blob).expect("a blob can be put");
        }
        for entry in &self.entries {
            while journal.epoch() < entry.epoch {
                journal.close().expect("the journal can be closed");
                journal = open();
            }
            let Entry { run, time, wall, event, bodies, .. } = entry.clone();
            journal.append(vec![Draft { run, time, wall, event, bodies }]).expect("an entry can be appended");
        }
        journal.close().expect("the journal can be closed");
    }
}
