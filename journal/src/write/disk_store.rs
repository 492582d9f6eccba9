//! The place of a journal on disk: a folder.

use crate::format::id::JournalId;
use crate::read::reader::{JournalReader, OpenReadError};
use crate::write::create::{CreateError, create_as};
use crate::write::disk::DiskJournal;
use crate::write::inbox::{HandInError, hand_in};
use crate::write::open::OpenError;
use crate::write::options::Options;
use palinode_core::id::{RunId, Seq};
use palinode_core::port::{HandedDecision, Opened, OwnError, OwnerState, ReadError, Store, StoreRead, Stored};
use palinode_core::record::Owner;
use std::path::{Path, PathBuf};

/// A journal's folder, whether or not a journal is in it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskStore {
    root: PathBuf,
}

impl DiskStore {
    /// The journal in, or for, this folder. Nothing is looked at.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that the journal lies in, or would be made in.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Store for DiskStore {
    type Reader = JournalReader;
    type Journal = DiskJournal;
    type Id = JournalId;
    type ReadError = OpenReadError;
    type OpenError = OpenError;
    type CreateError = CreateError;
    type HandInError = HandInError;

    fn describe(&self) -> String {
        self.root.display().to_string()
    }

    fn exists(&self) -> bool {
        self.root.exists()
    }

    fn create(&self, id: &JournalId) -> Result<(), CreateError> {
        create_as(&self.root, id)
    }

    fn id(&self) -> Result<Option<JournalId>, OpenReadError> {
        self.reader()?.id()
    }

    fn reader(&self) -> Result<JournalReader, OpenReadError> {
        JournalReader::open(&self.root)
    }

    fn own(&self, owner: Owner) -> Result<Opened<DiskJournal>, OwnError<OpenError>> {
        DiskJournal::open(&self.root, owner, Options::default()).map_err(|error| match error {
            OpenError::Owned(by) => OwnError::Owned(by),
            error => OwnError::Failed(error),
        })
    }

    fn hand_in(&self, decision: &HandedDecision) -> Result<String, HandInError> {
        hand_in(&self.root, decision)
    }
}

impl StoreRead for JournalReader {
    fn describe(&self) -> String {
        self.root().display().to_string()
    }

    fn owner(&self) -> Result<OwnerState, ReadError> {
        self.owner()
    }

    fn open_runs(&self) -> Result<Vec<(RunId, Seq)>, ReadError> {
        self.open_runs()
    }

    fn last_opened(&self) -> Result<Option<(RunId, Seq)>, ReadError> {
        self.last_opened()
    }

    fn entries_at(&self, places: &[Seq]) -> Result<Vec<Stored>, ReadError> {
        self.entries_at(places)
    }
}
