//! What can fail behind a port, as the rules above need to tell it apart.

use crate::id::BodyId;

/// An error from behind a port: what failed, and the cause. Implementations bring their own types; the rules above
/// only need to know which of the few reactions fits.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the journal could not record. Whatever it is, the run stops before the next effect.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Disk full, I/O error, lost store. The handle is poisoned: every later call fails too.
    #[error("cannot record: {what}")]
    Failed {
        /// What was being written.
        what: String,
        /// What the layer below said.
        #[source]
        cause: Cause,
    },
    /// An earlier write failed, so what is on disk is unknown to this handle.
    #[error("cannot record: an earlier write failed; open the journal anew")]
    Poisoned,
    /// One entry is too long to store.
    #[error("cannot record: an entry of {0} bytes is longer than {limit} bytes", limit = crate::record::ENTRY_LIMIT)]
    TooLong(usize),
    /// The value has no canonical form.
    #[error("cannot record: the entry has no canonical form")]
    Encode(#[from] crate::canon::EncodeError),
    /// This handle does not own the journal, or owns it no more.
    #[error("cannot record: this process does not own the journal")]
    NotOwner,
    /// The journal was moved, removed or replaced while this handle had it: what is there now is not what it owns.
    #[error(
        "cannot record: the journal was moved or replaced while this process wrote it; {file} is not the file any more that it opened"
    )]
    Replaced {
        /// The file, relative to the journal.
        file: String,
    },
}

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is on disk is not what was written: file and offset say where.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file, relative to the journal.
        file: String,
        /// Offset of the first wrong byte that can be named.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An I/O error.
    #[error("cannot read {file}")]
    Io {
        /// By its path.
        file: String,
        /// What the layer below said.
        #[source]
        cause: std::io::Error,
    },
    /// No such thing in the journal.
    #[error("the journal has no {0}")]
    Missing(String),
}

/// Why a body could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Its data key was erased; its digest and place in the history stay.
    #[error("its key was erased")]
    Erased,
    /// The journal has no body of that id.
    #[error("the journal has no body {0}")]
    Missing(BodyId),
    /// Reading it failed or it is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Writing it failed.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Why a target could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It cannot be reached now.
    #[error("cannot reach {target}")]
    Unreachable {
        /// A host, a node, or the API, by its name.
        target: String,
        /// What the layer below said.
        #[source]
        cause: Option<Cause>,
    },
    /// The target answered, and the answer is an error: unknown host, missing privilege.
    #[error("cannot look at {target}: {why}")]
    Refused {
        /// A host, a node, or the API, by its name.
        target: String,
        /// In the words of what answered; escape them before printing.
        why: String,
    },
    /// A body could not be sealed or opened.
    #[error("cannot keep what was found")]
    Body(#[from] BodyError),
}
