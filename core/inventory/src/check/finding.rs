//! What a check of an inventory finds.

use crate::model::Said;
use serde::Serialize;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl At {
    pub(crate) fn new(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line }
    }

    pub(crate) fn of(said: &Said<'_>) -> Self {
        Self::new(said.file, said.line)
    }
}

/// Something in an inventory that will not do what it seems to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, counted from 1; 0 for what a script printed.
    pub line: usize,
    /// A short name of the kind of finding, which stays the same in later versions.
    pub kind: &'static str,
    /// What is there, and what it leads to.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl Finding {
    pub(crate) fn new(at: &At, kind: &'static str, what: String, next: impl Into<String>) -> Self {
        Self { file: at.file.clone(), line: at.line, kind, what, next: next.into() }
    }
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The files that were looked at.
    pub looked_at: Vec<String>,
    /// The traps, by file and line.
    pub findings: Vec<Finding>,
    /// What cannot be told, and why: it is neither good nor bad.
    pub unknown: Vec<Finding>,
}
