//! What is wrong in a runbook, and where.

use std::fmt;

/// Line and column, both from 1; zeros where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct At {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// Something wrong in a runbook or in what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; line 0 when it is not in the text.
    pub at: At,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl Finding {
    pub(crate) fn new(at: At, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { at, what: what.into(), next: next.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.line > 0 {
            write!(f, "line {}, column {}: ", self.at.line, self.at.column)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Finding {}
