//! The port to the place that keeps a journal: a folder on disk, memory, or an engine such as etcd.
//!
//! [`Journal`] and [`JournalRead`] are about the entries of a journal that is open. A [`Store`] is about the journal as a
//! whole: whether it is there, who owns it, and how another process reaches its owner.

use crate::id::{Epoch, RunId, Seq};
use crate::port::{Cause, HandedDecision, Journal, JournalRead, ReadError, Stored};
use crate::record::Owner;
use crate::shown::Shown as _;
use std::fmt;

/// Who owns a journal now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerState {
    /// No process. The last owner, if there was one, let go in good order.
    None,
    /// A living process.
    Alive {
        /// The process; none in the moment before it has written its name.
        owner: Option<Owner>,
        /// Grows with each owner of the journal.
        epoch: Epoch,
    },
    /// A process that died without letting go.
    Dead {
        /// By host, boot, pid and start time.
        owner: Owner,
        /// Grows with each owner of the journal.
        epoch: Epoch,
    },
}

/// The owner before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// By host, boot, pid and start time.
    pub owner: Owner,
    /// Grows with each owner of the journal.
    pub epoch: Epoch,
    /// Whether it let go in good order; else it died, and every intent without outcome is in doubt.
    pub released: bool,
}

/// An incomplete batch that was cut off the end and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Where the bytes are kept, as the store names it.
    pub file: String,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A journal that this process owns, and what it found when it took it.
pub struct Opened<J> {
    /// The journal.
    pub journal: J,
    /// The owner before; none if the journal never had one.
    pub previous: Option<Previous>,
    /// What was cut from its end.
    pub torn: Option<Torn>,
}

/// A living process that has the journal, so that this one may not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal is owned by {}, epoch {epoch}; wait for it, or hand it a decision with `pause`, `resolve` or `skip`",
    name(.owner.as_ref())
)]
pub struct OwnedBy {
    /// The process; none in the moment before it has written its name.
    pub owner: Option<Owner>,
    /// Grows with each owner of the journal.
    pub epoch: Epoch,
}

fn name(owner: Option<&Owner>) -> String {
    match owner {
        Some(owner) => format!("process {} on {}", owner.pid, owner.host.shown()),
        None => "a process that is just starting".to_owned(),
    }
}

/// Why a journal could not be taken for writing.
#[derive(Debug, thiserror::Error)]
pub enum OwnError<E: std::error::Error + 'static> {
    /// Another process has it. Nothing is wrong with the journal.
    #[error(transparent)]
    Owned(OwnedBy),
    /// It is not there, cannot be read, or cannot be written.
    #[error(transparent)]
    Failed(E),
}

/// What a reader of a stored journal tells beyond its entries. All of it is read as it stands when it is asked for.
pub trait StoreRead: JournalRead {
    /// Says where the journal is, as [`Store::describe`].
    fn describe(&self) -> String;
    /// Who owns the journal.
    fn owner(&self) -> Result<OwnerState, ReadError>;
    /// The open runs and where each begins, oldest first. Costs less than reading the history.
    fn open_runs(&self) -> Result<Vec<(RunId, Seq)>, ReadError>;
    /// The run that was opened last and where it begins; none in an empty journal.
    fn last_opened(&self) -> Result<Option<(RunId, Seq)>, ReadError>;
    /// The entries at these places, which ascend. Places behind the end are left out.
    fn entries_at(&self, places: &[Seq]) -> Result<Vec<Stored>, ReadError>;
}

/// Notes of whose claims may still stand on targets: written before the first claim of a run, and forgotten once they were
/// given up. The next owner finds the notes of a process that died in between.
pub trait ClaimNotes {
    /// Notes that a run is about to claim targets; durable on return.
    fn note_claims(&self, run: RunId) -> Result<(), Cause>;
    /// The runs whose claims were not given up yet.
    fn noted_claims(&self) -> Result<Vec<RunId>, Cause>;
    /// Forgets the note of a run. Not durable: a note too many only leads to one more look.
    fn forget_claims(&self, run: RunId) -> Result<(), Cause>;
}

/// The place of one journal, which need not be there yet. Holding a value locks and opens nothing.
pub trait Store {
    /// Reads without a lock, also beside a live owner.
    type Reader: StoreRead;
    /// The journal as its owner writes it. Dropping it lets it go.
    type Journal: Journal + ClaimNotes;
    /// What targets know the journal by: the same wherever it is moved to.
    type Id: fmt::Display + Clone;
    /// Why it could not be opened for reading.
    type ReadError: std::error::Error + 'static;
    /// Why it could not be taken for writing, where that is no other owner.
    type OpenError: std::error::Error + 'static;
    /// Why it could not be made.
    type CreateError: std::error::Error + 'static;
    /// Why a decision could not be handed in.
    type HandInError: std::error::Error + 'static;

    /// Says where the journal is, in words for a person and not escaped: a path, or an address and a key.
    fn describe(&self) -> String;
    /// Tells whether something is at the place. It need not be a sound journal, nor one at all.
    fn exists(&self) -> bool;
    /// Makes an empty journal, which targets will know by `id`. A cut leaves all of it or none.
    fn create(&self, id: &Self::Id) -> Result<(), Self::CreateError>;
    /// What targets know the journal by; none in one that was made before journals had ids.
    fn id(&self) -> Result<Option<Self::Id>, Self::ReadError>;
    /// Opens it for reading.
    fn reader(&self) -> Result<Self::Reader, Self::ReadError>;
    /// Takes it for writing, in a new epoch. The owner before, if it died, is taken over.
    fn own(&self, owner: Owner) -> Result<Opened<Self::Journal>, OwnError<Self::OpenError>>;
    /// Hands a decision to the owner; durable on return. Gives the name that it has in the inbox.
    fn hand_in(&self, decision: &HandedDecision) -> Result<String, Self::HandInError>;
}
