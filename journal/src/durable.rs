//! Writing so that it stays written: private files, temporary names, synced renames.

use crate::record::Wrong;
use palinode_core::port::{ReadError, RecordError};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

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

/// A new private directory.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// A new private file; refuses to open what is there.
pub(crate) fn make_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A new private file with this content, synced; its name is not.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = make_file(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file into `dir`, complete or not at all, replacing one of that name; its name is synced too. It is built in
/// `work`, which must be on the same file system.
pub(crate) fn place(work: &Path, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temp = work.join(temp_name()?);
    let placed = write_new(&temp, bytes).and_then(|()| fs::rename(&temp, dir.join(name)));
    if placed.is_err() {
        // Best effort: what stays is removed when the journal is next opened.
        let _ = fs::remove_file(&temp);
    }
    placed.and_then(|()| sync_dir(dir))
}

/// Removes what a dead process was still building in this directory.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.file_name().to_string_lossy().starts_with(TEMP) && item.file_type()?.is_file() {
            fs::remove_file(item.path())?;
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
