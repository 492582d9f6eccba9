//! Two inventories: what an edit meant, and one host's edits taken back while later ones stay.

pub(crate) mod difference;
pub(crate) mod meaning;
pub(crate) mod merge;
