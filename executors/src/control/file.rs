//! What every action on files does: reads, and writes only in place of what it read.

use crate::files::{FileContent, Files};
use palinode_core::inventory::Change;
use palinode_core::port::BodyError;
use palinode_core::record::Why;
use std::io;

/// Why an action did not finish well.
pub(crate) enum Stop {
    Said(Why, String),
    Body(BodyError),
}

impl Stop {
    /// A precondition did not hold; nothing was changed.
    pub(crate) fn before(message: String) -> Self {
        Self::Said(Why::Precondition, message)
    }

    pub(crate) fn io(file: &str, done: &str, error: &io::Error) -> Self {
        Self::Said(Why::ExitCode, format!("{file}: cannot be {done}: {error}"))
    }
}

impl From<BodyError> for Stop {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// The file, if it is there.
pub(crate) fn read(files: &dyn Files, file: &str) -> Result<Option<FileContent>, Stop> {
    files.read(file).map_err(|error| Stop::before(format!("{file}: cannot be read: {error}")))
}

/// Writes what was made of the content that was read; another content that came meanwhile stays.
pub(crate) fn swap(files: &dyn Files, file: &str, was: &FileContent, bytes: &[u8], mode: u32) -> Result<(), Stop> {
    match files.swap(file, &was.bytes, bytes, mode) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let words = format!("{file}: someone wrote it just now, and that was kept; look at it, then retry");
            Err(Stop::Said(Why::Conflict, words))
        }
        Err(error) => Err(Stop::io(file, "written", &error)),
    }
}

/// Writes the whole file, whatever is there.
pub(crate) fn write(files: &dyn Files, file: &str, bytes: &[u8], mode: u32) -> Result<(), Stop> {
    files.replace(file, bytes, mode).map_err(|error| Stop::io(file, "written", &error))
}

/// What was done, and below it one line for each change of meaning.
pub(crate) fn listed(head: String, changes: &[Change]) -> String {
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    if changes.is_empty() {
        return format!("{head}; nothing changed in meaning");
    }
    format!("{head}\n{}", changes.join("\n"))
}
