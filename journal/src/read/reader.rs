//! Reading without a lock, also beside a live writer.

use crate::body::blob::{Blobs, DiskBlobs};
use crate::body::key_ring::Ring;
use crate::body::vault::{ReadOnly, SealingVault};
use crate::file::atomic_file::{damaged, unread};
use crate::file::layer::{FileLayer, Os, Root};
use crate::format::head::{HEAD, Head, Runs, newest};
use crate::format::id::{self, JournalId};
use crate::format::layout::{self, segment_file};
use crate::format::record::Wrong;
use crate::read::entries::DiskEntries;
use crate::read::read_ahead::Ahead;
use crate::read::segment::Scan;
use crate::write::lock;
use palinode_core::id::{BlobId, EntryId, RunId, Seq};
use palinode_core::port::{BodyError, Entries, JournalRead, OwnerState, ReadError, Vault};
use palinode_core::record::{Entry, Event, FORMAT};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a journal could not be opened for reading.
#[derive(Debug, thiserror::Error)]
pub enum OpenReadError {
    /// There is none.
    #[error("there is no journal at {0}; name one with --journal, or begin one with `palinode run` or `exec`")]
    None(PathBuf),
    /// Written by an incompatible version.
    #[error("the journal has format {found}, this program reads {major}.x; use a version of palinode that reads it",
        major = FORMAT.0)]
    Format {
        /// The version found.
        found: String,
    },
    /// Damaged or unreadable.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Checks that this program may read the journal; gives its minor version.
pub(crate) fn check_format(root: &Root) -> Result<u32, OpenReadError> {
    let (major, minor) = layout::read_format(root)?.ok_or_else(|| OpenReadError::None(root.path.clone()))?;
    if major == FORMAT.0 { Ok(minor) } else { Err(OpenReadError::Format { found: format!("{major}.{minor}") }) }
}

/// The newest head, as it is now.
pub(crate) fn read_head(root: &Root) -> Result<Head, ReadError> {
    let slot = newest(&HEAD, || root.read(HEAD.file)).map_err(unread(HEAD.file))?;
    slot.map(|slot| slot.value).map_err(|wrong| damaged(HEAD.file, wrong))
}

/// Reads a journal.
#[derive(Debug, Clone)]
pub struct JournalReader {
    pub(crate) root: Root,
}

impl JournalReader {
    /// Opens the journal in this directory. Takes no lock and writes nothing.
    pub fn open(dir: &Path) -> Result<Self, OpenReadError> {
        Self::open_on(Os::shared(), dir)
    }

    /// [`Self::open`] on a layer.
    pub fn open_on(files: Arc<dyn FileLayer>, dir: &Path) -> Result<Self, OpenReadError> {
        let root = Root::new(files, dir);
        check_format(&root)?;
        Ok(Self::at(root))
    }

    pub(crate) fn at(root: Root) -> Self {
        Self { root }
    }

    /// The folder that the journal lies in, as it was opened.
    pub fn root(&self) -> &Path {
        &self.root.path
    }

    /// What targets know it by. None in a journal of before format 1.5.
    pub fn id(&self) -> Result<Option<JournalId>, OpenReadError> {
        Ok(id::read(&self.root, check_format(&self.root)?)?)
    }

    /// Who owns the journal now.
    pub fn owner(&self) -> Result<OwnerState, ReadError> {
        lock::look(&self.root)
    }

    /// The last acknowledged entry that the head names; the journal may go a little further.
    pub fn head(&self) -> Result<(Seq, EntryId), ReadError> {
        read_head(&self.root).map(|head| (head.seq, head.entry))
    }

    /// The open runs and where each begins, oldest first. Reads the head and what follows it, not the history.
    pub fn open_runs(&self) -> Result<Vec<(RunId, Seq)>, ReadError> {
        let head = read_head(&self.root)?;
        let (mut runs, from) = match &head.runs {
            Some(list) => (Runs::new(list), Seq(head.seq.0.saturating_add(1))),
            None => (Runs::default(), Seq(1)),
        };
        for stored in self.entries(from)? {
            runs.apply(&stored?);
        }
        Ok(runs.list())
    }

    /// The run that was opened last and where it begins; none in an empty journal. Reads backwards, segment by segment,
    /// no further than that.
    pub fn last_opened(&self) -> Result<Option<(RunId, Seq)>, ReadError> {
        let mut behind = u64::MAX;
        for first in layout::segments(&self.root)?.firsts.into_iter().rev() {
            let mut last = None;
            for stored in self.entries(Seq(first))? {
                let Entry { seq, run, event, .. } = stored?.entry;
                if seq.0 >= behind {
                    break;
                }
                if matches!(event, Event::RunOpened(_)) {
                    last = Some((run, seq));
                }
            }
            if last.is_some() {
                return Ok(last);
            }
            behind = first;
        }
        Ok(None)
    }

    pub(crate) fn entries(&self, from: Seq) -> Result<DiskEntries, ReadError> {
        let from = from.0.max(1);
        // The head first: whatever it names must be in the segments that are listed after it.
        let head = read_head(&self.root)?;
        let mut segments: VecDeque<u64> = layout::segments(&self.root)?.firsts.into();
        let scan = if from > head.seq.0 {
            segments.retain(|first| *first > head.segment.0);
            let prev = Some(head.entry);
            Scan::open_at(&self.root, head.segment.0, head.offset, head.seq.0 + 1, prev)?
        } else {
            let start = segments.partition_point(|first| *first <= from);
            let first = start.checked_sub(1).map(|index| segments[index]);
            let missing = || damaged(&segment_file(from), Wrong::at(0, "the segment is missing"));
            let first = first.ok_or_else(missing)?;
            segments.drain(..start);
            Scan::open(&self.root, first, None)?
        };
        Ok(DiskEntries { root: self.root.clone(), head, segments, scan, from, done: false })
    }

    pub(crate) fn sealing(&self, keys: RunId, blobs: Arc<dyn Blobs>) -> Result<SealingVault, BodyError> {
        let found = Ring::open(&self.root)?.load(&self.root, keys)?;
        let found = found.ok_or_else(|| ReadError::Missing(format!("keys of run {keys}")))?;
        Ok(SealingVault::new(found, blobs))
    }

    fn blobs(&self) -> DiskBlobs {
        DiskBlobs { root: self.root.clone(), poisoned: Arc::default() }
    }
}

impl JournalRead for JournalReader {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        let entries = Box::new(self.entries(from)?);
        if !entries.is_long() {
            return Ok(entries);
        }
        Ok(match Ahead::of(entries) {
            Ok(ahead) => Box::new(ahead),
            Err(entries) => entries,
        })
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.blobs().get(id)
    }

    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        Ok(Arc::new(self.sealing(keys, Arc::new(ReadOnly(Arc::new(self.blobs()))))?))
    }
}
