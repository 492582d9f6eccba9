//! The journal's directory: its names, its format file, how it is created and found.

use crate::file::atomic_file::{TEMP, damaged, unread};
use crate::file::layer::{FileKind, FileLayer, Os, Root};
use crate::format::record::Wrong;
use palinode_core::id::{BlobId, RunId};
use palinode_core::port::ReadError;
use palinode_core::record::FORMAT;
use std::io;
use std::path::{Path, PathBuf};

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
