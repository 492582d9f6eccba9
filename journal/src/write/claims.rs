//! Which runs may still have claims on targets: noted before the first claim, forgotten once they were given up. Whoever
//! opens the journal after a process that died in between finds the note, and gives them up.

use crate::file::atomic_file::place;
use crate::file::layer::Root;
use crate::format::layout::CLAIMS;
use crate::write::disk::DiskJournal;
use palinode_core::id::RunId;
use std::io;

impl DiskJournal {
    /// Notes that a run is about to claim targets; durable on return.
    pub fn note_claims(&self, run: RunId) -> io::Result<()> {
        let root = self.root_on_layer();
        match root.files.make_dir(&root.at(CLAIMS)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => root.sync_dir(".")?,
        }
        place(root, CLAIMS, CLAIMS, &run.to_string(), &[])
    }

    /// The runs whose claims nobody gave up yet.
    pub fn noted_claims(&self) -> io::Result<Vec<RunId>> {
        let root = self.root_on_layer();
        let items = match root.files.list(&root.at(CLAIMS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            items => items?,
        };
        let mut runs: Vec<RunId> = items.iter().filter_map(|item| item.name.to_str()?.parse().ok()).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    /// Forgets the note of a run. Not durable: a note too many only leads to one more look.
    pub fn forget_claims(&self, run: RunId) -> io::Result<()> {
        let root = self.root_on_layer();
        match root.files.remove(&root.at(CLAIMS).join(run.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn root_on_layer(&self) -> &Root {
        &self.reader.root
    }
}
