//! Why an inventory cannot be read.

use crate::shown::Shown as _;

/// Why an inventory cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {why}; {mend}", .file.shown(), .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct ReadError {
    /// The file or folder.
    pub file: String,
    /// The line, counted from 1; none if it is about the whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub mend: String,
}

impl ReadError {
    /// A file that cannot be read at all.
    pub(crate) fn no_file(path: &str, why: &str) -> Self {
        let next = "see that it is a plain file, and that you may read it";
        Self::new(path, None, format!("cannot be read: {why}"), next)
    }

    /// A folder whose names cannot be read.
    pub(crate) fn no_folder(path: &str, why: &str) -> Self {
        Self::new(path, None, format!("the folder cannot be read: {why}"), "see to its permissions")
    }

    /// A folder below too many others.
    pub(crate) fn too_deep(path: &str) -> Self {
        Self::new(path, None, "folders are too deep in each other", "see whether a link leads back")
    }

    pub(crate) fn new(file: &str, line: Option<usize>, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, why: why.into(), mend: mend.into() }
    }
}

/// What is wrong on a line, before it is known of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub(crate) line: Option<usize>,
    pub(crate) why: String,
    pub(crate) mend: &'static str,
}

impl Wrong {
    pub(crate) fn new(line: usize, why: impl Into<String>, mend: &'static str) -> Self {
        Self { line: Some(line), why: why.into(), mend }
    }

    pub(crate) fn anywhere(why: impl Into<String>, mend: &'static str) -> Self {
        Self { line: None, why: why.into(), mend }
    }

    pub(crate) fn within(self, file: &str) -> ReadError {
        ReadError::new(file, self.line, self.why, self.mend)
    }
}

/// A piece of a text, short enough for a message and safe to print.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.shown()
}
