//! The journal's directory: its names, its format file, how it is created and found.

use crate::durable::{self, TEMP, damaged, unread};
use crate::files::{FileKind, FileLayer, Os, Root};
use crate::head::{HEAD, Head};
use crate::id::{ID_FILE, JournalId};
use crate::lock::{LOCK, LockRecord};
use crate::record::Wrong;
use crate::ring::Ring;
use palinode_core::event::FORMAT;
use palinode_core::id::{BlobId, RunId};
use palinode_core::port::ReadError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of a journal's directory, looked for upwards from the working folder.
pub const ROOT_NAME: &str = ".palinode";

pub(crate) const FORMAT_FILE: &str = "format";
pub(crate) const SEGMENTS: &str = "segments";
pub(crate) const BLOBS: &str = "blobs";
pub(crate) const KEYS: &str = "keys";
pub(crate) const INBOX: &str = "inbox";
pub(crate) const TORN: &str = "torn";
pub(crate) const JOBS: &str = "jobs";
pub(crate) const CLAIMS: &str = "claims";
pub(crate) const DIAGNOSTICS: &str = "diagnostics";

/// The part of the program that this crate's events are told by, in whatever file they are.
pub(crate) const LOG: &str = "palinode_journal";

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
        /// The cause.
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

fn create_with(files: Arc<dyn FileLayer>, dir: &Path, id: &JournalId) -> Result<(), CreateError> {
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
    let suffix = durable::temp_name().map_err(failed)?;
    let temp = Root { path: parent.join(format!("{}{suffix}", name.to_string_lossy())), files };
    let done = fill(&temp, id).and_then(|()| temp.files.rename(&temp.path, dir));
    if let Err(error) = done {
        // Best effort: a leftover under a temporary name harms nobody.
        let _ = temp.files.remove_all(&temp.path);
        return Err(if taken(&error) { CreateError::Exists(dir.to_owned()) } else { failed(error) });
    }
    temp.files.sync_dir(parent).map_err(failed)
}

fn fill(root: &Root, id: &JournalId) -> io::Result<()> {
    root.files.make_dir(&root.path)?;
    for dir in [SEGMENTS, BLOBS, KEYS, INBOX, TORN] {
        root.files.make_dir(&root.at(dir))?;
    }
    durable::write_new(root, FORMAT_FILE, format_text().as_bytes())?;
    durable::write_new(root, ID_FILE, id.text().as_bytes())?;
    durable::write_new(root, LOCK.file, &LOCK.fresh(&LockRecord::default())?)?;
    durable::write_new(root, HEAD.file, &HEAD.fresh(&Head::default())?)?;
    durable::write_new(root, &segment_file(1), &[])?;
    Ring::create(root)?;
    for dir in [SEGMENTS, KEYS] {
        root.sync_dir(dir)?;
    }
    root.files.sync_dir(&root.path)
}

/// The journal that a folder is in: its own `.palinode`, or that of the nearest folder above. `start` is an absolute path.
/// Whose it is is for [`crate::trust`] to say; one that may not be looked into is somebody's too.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let is_journal = |root: &PathBuf| match Os.kind(&root.join(FORMAT_FILE)) {
        Ok(kind) => kind == Some(FileKind::File),
        // The folder above may be one that nobody can look into; that is no journal.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied && root.symlink_metadata().is_ok(),
    };
    start.ancestors().map(|folder| folder.join(ROOT_NAME)).find(is_journal)
}

/// The content of the format file.
pub(crate) fn format_text() -> String {
    format!("palinode-journal {}.{}\n", FORMAT.0, FORMAT.1)
}

/// The version in the format file; none if there is no such file.
pub(crate) fn read_format(root: &Root) -> Result<Option<(u32, u32)>, ReadError> {
    let bytes = match root.read(FORMAT_FILE) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unread(FORMAT_FILE)(error)),
    };
    let wrong = || damaged(FORMAT_FILE, Wrong::at(0, "it is not `palinode-journal MAJOR.MINOR`"));
    let text = str::from_utf8(&bytes).map_err(|_| wrong())?;
    let version = text.strip_prefix("palinode-journal ").and_then(|rest| rest.strip_suffix('\n'));
    let (major, minor) = version.and_then(|version| version.split_once('.')).ok_or_else(wrong)?;
    let found = major.parse().ok().zip(minor.parse().ok()).ok_or_else(wrong)?;
    // `parse` takes signs and leading zeros; there is one way to write a version.
    if text == format!("palinode-journal {}.{}\n", found.0, found.1) { Ok(Some(found)) } else { Err(wrong()) }
}

/// File name of the segment whose first entry has this sequence.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The same with its folder, as errors name it.
pub(crate) fn segment_file(first: u64) -> String {
    format!("{SEGMENTS}/{}", segment_name(first))
}

/// What is in the segments folder.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// First sequences, ascending.
    pub(crate) firsts: Vec<u64>,
    /// Names that are no segment's.
    pub(crate) strange: Vec<String>,
}

/// Lists the segments.
pub(crate) fn segments(root: &Root) -> Result<Segments, ReadError> {
    let mut found = Segments::default();
    for name in names(root, SEGMENTS)? {
        let first = name.strip_suffix(".seg").and_then(|digits| digits.parse().ok());
        match first.filter(|first| *first > 0 && segment_name(*first) == name) {
            Some(first) => found.firsts.push(first),
            None if name.starts_with(TEMP) => {}
            None => found.strange.push(name),
        }
    }
    found.firsts.sort_unstable();
    Ok(found)
}

/// The names in a folder of the journal, sorted.
pub(crate) fn names(root: &Root, dir: &str) -> Result<Vec<String>, ReadError> {
    let items = root.files.list(&root.at(dir)).map_err(unread(dir))?;
    let mut names: Vec<_> = items.into_iter().map(|item| item.name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Folder and name of a blob.
pub(crate) fn blob_place(id: BlobId) -> (String, String) {
    let name = id.to_string();
    (name[..2].to_owned(), name)
}

/// A blob's file, as errors name it.
pub(crate) fn blob_file(id: BlobId) -> String {
    let (folder, name) = blob_place(id);
    format!("{BLOBS}/{folder}/{name}")
}

/// The key file of a run family, as errors name it.
pub(crate) fn key_file(run: RunId) -> String {
    format!("{KEYS}/{run}")
}
