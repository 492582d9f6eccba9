//! What a check of an inventory finds.

use crate::check::facts::At;
use serde::Serialize;

/// Something in an inventory that will not do what it seems to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
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
