//! Writing so that it stays written: private files, temporary names, synced renames.

use crate::file::layer::{FileKind, Root};
use crate::format::record::Wrong;
use palinode_core::port::{ReadError, RecordError};
use std::io;

/// Files under construction begin with this; they are never read, and removed when the journal is next opened.
pub(crate) const TEMP: &str = ".tmp-";

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name for a file under construction.
pub(crate) fn temp_name() -> io::Result<String> {
    Ok(format!("{TEMP}{}", hex(&random::<8>()?)))
}

/// A new private file with this content, synced; its name is not.
pub(crate) fn write_new(root: &Root, file: &str, bytes: &[u8]) -> io::Result<()> {
    let file = root.files.make_file(&root.at(file))?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()
}

/// Puts a file into `dir`, complete or not at all, replacing one of that name; its name is synced too. It is built in
/// `work`, which must be on the same file system.
pub(crate) fn place(root: &Root, work: &str, dir: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temp = format!("{work}/{}", temp_name()?);
    let to = root.at(dir).join(name);
    let placed = write_new(root, &temp, bytes).and_then(|()| root.files.rename(&root.at(&temp), &to));
    if placed.is_err() {
        // Best effort: what stays is removed when the journal is next opened.
        let _ = root.files.remove(&root.at(&temp));
    }
    placed.and_then(|()| root.sync_dir(dir))
}

/// Removes what a dead process was still building in this directory.
pub(crate) fn sweep(root: &Root, dir: &str) -> io::Result<()> {
    let dir = root.at(dir);
    for item in root.files.list(&dir)? {
        if item.kind == FileKind::File && item.name.to_string_lossy().starts_with(TEMP) {
            root.files.remove(&dir.join(item.name))?;
        }
    }
    Ok(())
}

/// An I/O error while reading a file of the journal.
pub(crate) fn unread(file: &str) -> impl FnOnce(io::Error) -> ReadError + '_ {
    move |cause| ReadError::Io { file: file.to_owned(), cause }
}

/// An I/O error while writing.
pub(crate) fn unwritten(what: &str) -> impl FnOnce(io::Error) -> RecordError + '_ {
    move |cause| RecordError::Failed { what: what.to_owned(), cause: Box::new(cause) }
}

/// What is wrong in a file, as the port names it.
pub(crate) fn damaged(file: &str, wrong: Wrong) -> ReadError {
    ReadError::Damaged { file: file.to_owned(), offset: wrong.offset, what: wrong.what }
}
