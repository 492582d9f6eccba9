//! What came of looking at a host or a cluster, and the lines that are told about it.

use super::judge::Level;

/// What came of looking; of what was seen, the facts.
pub(crate) enum Look<Facts> {
    /// It was looked at.
    Seen(Box<Facts>),
    /// It answered, and did not let us look: a host lets no root in, a cluster refuses the credentials.
    Refused(String),
    /// It could not be looked at.
    Unreached(String),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What was looked at.
    pub(crate) about: &'static str,
    pub(crate) level: Level,
    /// What was found; as the other side told it, so escape it.
    pub(crate) what: String,
    /// What to type or do.
    pub(crate) next: Option<String>,
}
