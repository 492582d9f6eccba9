//! The kinds of operations.

/// The kinds of operations that are counted and can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading, listing, opening, looking at a lock.
    Read,
    /// Writing to a file.
    Write,
    /// Cutting or lengthening a file.
    SetLen,
    /// The sync of a file.
    Sync,
    /// The sync of a folder.
    SyncDir,
    /// Making a file.
    MakeFile,
    /// Making a folder.
    MakeDir,
    /// Giving another name.
    Rename,
    /// Removing a file or folder.
    Remove,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Sync,
        Self::SyncDir,
        Self::MakeFile,
        Self::MakeDir,
        Self::Rename,
        Self::Remove,
    ];
}
