//! Which runs may still have claims on targets: noted before the first claim, forgotten once they were given up. Whoever
//! opens the journal after a process that died in between finds the note, and gives them up.

use crate::file::atomic_file::place;
use crate::file::layer::Root;
use crate::format::layout::CLAIMS;
use crate::write::disk::DiskJournal;
use palinode_core::id::RunId;
use palinode_core::port::{Cause, ClaimNotes};
use std::io;

impl ClaimNotes for DiskJournal {
    fn note_claims(&self, run: RunId) -> Result<(), Cause> {
        let root = self.root_on_layer();
        match root.files.make_dir(&root.at(CLAIMS)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => root.sync_dir(".")?,
        }
        Ok(place(root, CLAIMS, CLAIMS, &run.to_string(), &[])?)
    }

    fn noted_claims(&self) -> Result<Vec<RunId>, Cause> {
        let root = self.root_on_layer();
        let items = match root.files.list(&root.at(CLAIMS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            items => items?,
        };
        let mut runs: Vec<RunId> = items.iter().filter_map(|item| item.name.to_str()?.parse().ok()).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    fn forget_claims(&self, run: RunId) -> Result<(), Cause> {
        let root = self.root_on_layer();
        match root.files.remove(&root.at(CLAIMS).join(run.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => Ok(done?),
        }
    }
}

impl DiskJournal {
    fn root_on_layer(&self) -> &Root {
        &self.reader.root
    }
}
