//! What is wrong in a runbook, and where.

use std::fmt;

/// Line and column, both from 1; zeros where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct At {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

/// What a finding means, for whoever must not tell the same in other words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Meaning {
    /// Only what its words say.
    #[default]
    Told,
    /// A name is not known, and this one was probably meant.
    Misspelt(String),
    /// A field of this name is missing.
    Missing(String),
    /// The YAML there cannot be read.
    Unreadable,
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
    /// What it means.
    pub(crate) meant: Meaning,
}

impl Finding {
    pub(crate) fn new(at: At, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { at, what: what.into(), next: next.into(), meant: Meaning::Told }
    }

    /// A name that is not known, for which `near` was probably meant; if none is near, `next` says what to do.
    pub(crate) fn unknown(at: At, what: impl Into<String>, near: Option<&str>, next: &str) -> Self {
        match near {
            Some(near) => Self {
                meant: Meaning::Misspelt(near.to_owned()),
                ..Self::new(at, what, format!("did you mean `{near}`?"))
            },
            None => Self::new(at, what, next),
        }
    }

    /// A field that is not there.
    pub(crate) fn missing(at: At, name: &str) -> Self {
        let meant = Meaning::Missing(name.to_owned());
        Self { meant, ..Self::new(at, format!("`{name}` is missing"), format!("add `{name}`")) }
    }

    /// YAML that cannot be read, and why.
    pub(crate) fn unreadable(at: At, why: impl fmt::Display, next: &str) -> Self {
        Self { meant: Meaning::Unreadable, ..Self::new(at, format!("the YAML cannot be read: {why}"), next) }
    }

    /// Whether it says that a name is not known for which this one was probably meant.
    pub(crate) fn is_misspelt(&self, name: &str) -> bool {
        matches!(&self.meant, Meaning::Misspelt(near) if near == name)
    }

    /// Whether it says that this field is not there, or is under another name.
    pub(crate) fn is_missing(&self, name: &str) -> bool {
        self.is_misspelt(name) || matches!(&self.meant, Meaning::Missing(field) if field == name)
    }

    /// Whether nothing is known of what stands there.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.meant == Meaning::Unreadable
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
