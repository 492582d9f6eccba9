//! Making a journal: under another name, and renamed when it is whole.

use crate::body::key_ring::Ring;
use crate::file::atomic_file;
use crate::file::layer::{FileLayer, Os, Root};
use crate::format::head::{HEAD, Head};
use crate::format::id::{ID_FILE, JournalId};
use crate::format::layout::{BLOBS, FORMAT_FILE, INBOX, KEYS, SEGMENTS, TORN, format_text, segment_file};
use crate::write::lock::{LOCK, LockRecord};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a journal could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Something is there already.
    #[error("cannot create a journal at {0}: something is there already; open it, or choose another place")]
    Exists(PathBuf),
    /// An I/O error.
    #[error("cannot create a journal at {path}; make sure that its folder is there and can be written")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the layer below said.
        #[source]
        cause: io::Error,
    },
}

/// Creates an empty journal: under a temporary name, synced, then renamed, so that a cut leaves all of it or none.
pub fn create(dir: &Path) -> Result<(), CreateError> {
    create_on(Os::shared(), dir)
}

/// [`create`] on a layer.
pub fn create_on(files: Arc<dyn FileLayer>, dir: &Path) -> Result<(), CreateError> {
    let failed = |cause| CreateError::Io { path: dir.to_owned(), cause };
    create_with(files, dir, &JournalId::random().map_err(failed)?)
}

/// [`create`] with an id that was chosen before: what a target was asked in its name holds for the journal that is made.
pub fn create_as(dir: &Path, id: &JournalId) -> Result<(), CreateError> {
    create_with(Os::shared(), dir, id)
}

pub(crate) fn create_with(files: Arc<dyn FileLayer>, dir: &Path, id: &JournalId) -> Result<(), CreateError> {
    let failed = |cause| CreateError::Io { path: dir.to_owned(), cause };
    let taken = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory)
            || error.kind() == io::ErrorKind::AlreadyExists
    };
    if files.kind(dir).map_err(failed)?.is_some() {
        return Err(CreateError::Exists(dir.to_owned()));
    }
    let name = dir.file_name().ok_or_else(|| failed(io::Error::other("the path ends in no name")))?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let suffix = atomic_file::temp_name().map_err(failed)?;
    let temp = Root { path: parent.join(format!("{}{suffix}", name.to_string_lossy())), files };
    let done = fill(&temp, id).and_then(|()| temp.files.rename(&temp.path, dir));
    if let Err(error) = done {
        // Best effort: a leftover under a temporary name harms nobody.
        let _ = temp.files.remove_all(&temp.path);
        return Err(if taken(&error) { CreateError::Exists(dir.to_owned()) } else { failed(error) });
    }
    temp.files.sync_dir(parent).map_err(failed)
}

pub(crate) fn fill(root: &Root, id: &JournalId) -> io::Result<()> {
    root.files.make_dir(&root.path)?;
    for dir in [SEGMENTS, BLOBS, KEYS, INBOX, TORN] {
        root.files.make_dir(&root.at(dir))?;
    }
    atomic_file::write_new(root, FORMAT_FILE, format_text().as_bytes())?;
    atomic_file::write_new(root, ID_FILE, id.text().as_bytes())?;
    atomic_file::write_new(root, LOCK.file, &LOCK.fresh(&LockRecord::default())?)?;
    atomic_file::write_new(root, HEAD.file, &HEAD.fresh(&Head::default())?)?;
    atomic_file::write_new(root, &segment_file(1), &[])?;
    Ring::create(root)?;
    for dir in [SEGMENTS, KEYS] {
        root.sync_dir(dir)?;
    }
    root.files.sync_dir(&root.path)
}
