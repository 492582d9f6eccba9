//! The journal: makes entries durable, reads them back, and keeps sealed bodies.

use super::error::{BodyError, ReadError, RecordError};
use crate::id::{BlobId, BodyId, EntryId, Epoch, RunId, Seq, StepPath};
use crate::record::{Actor, Answer, Class, Draft, Entry, Owner, Sealed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An entry with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The hash of what was recorded, with all that came before it.
    pub id: EntryId,
    /// The entry.
    pub entry: Entry,
}

/// Entries in order, read lazily.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Stored, ReadError>> + 'a>;

/// Seals bodies of one run family and opens them again.
pub trait Vault: Send + Sync {
    /// Keyed digest of a plaintext.
    fn digest(&self, bytes: &[u8]) -> Result<BodyId, BodyError>;
    /// Seals a body. A long one is on stable storage as a blob when this returns; a short one rides in the entry.
    fn seal(&self, class: Class, bytes: &[u8]) -> Result<(BodyId, Sealed), BodyError>;
    /// Opens a body; checked against its id.
    fn open(&self, id: BodyId, sealed: &Sealed) -> Result<Vec<u8>, BodyError>;
}

/// The reading half of a journal. Readers need no lock and may run beside a live writer.
pub trait JournalRead {
    /// All entries from a sequence number on, in order, each checked against the chain.
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError>;
    /// A public blob, checked against its address.
    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError>;
    /// The vault of a run family, whose keys must exist.
    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError>;
}

/// The journal as its one owner sees it.
///
/// - `append` returns when every entry of the batch, and every entry posted before, is on stable storage. A batch is
///   all or nothing across a crash.
/// - `post` gives entries their place in order at once; they become durable with the next `append`.
/// - After any failed write the handle is poisoned.
/// - Sequence numbers have no gaps, and each entry names the one before by its hash.
pub trait Journal: JournalRead {
    /// Appends durably.
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError>;
    /// Appends without waiting.
    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError>;
    /// Stores a public blob durably.
    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError>;
    /// Creates the data keys of a new run family and returns its vault.
    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError>;
    /// Who owns it: this process.
    fn owner(&self) -> &Owner;
    /// The epoch of this ownership.
    fn epoch(&self) -> Epoch;
    /// Decisions that other processes handed in, oldest first. A file that is not a decision is set aside, not lost.
    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError>;
    /// Removes a decision from the inbox, after the entry that records it is durable.
    fn take(&mut self, name: &str) -> Result<(), RecordError>;
}

/// A decision with the name it has in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Its name.
    pub name: String,
    /// The decision.
    pub decision: HandedDecision,
}

/// What a person decides about a run, handed to the live driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedDecision {
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// What.
    pub verb: Verb,
    /// Who decided it, and from which machine.
    pub by: Actor,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The last entry of the journal that they saw: what happened to the step since then is news to them. None in what
    /// releases before 1.5 handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seq>,
}

/// The decisions a person can hand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Settle or retry a step.
    Answer {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// What became of the step, as that person says.
        answer: Answer,
    },
    /// Pass over a step.
    Skip {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
    },
    /// Finish what runs and pause.
    Pause,
}

/// Bodies as an executor sees them: what it reads from a target becomes a body, what it restores comes from one.
pub trait Bodies {
    /// Seals bytes for the entry that is being prepared.
    fn put(&self, class: Class, bytes: &[u8]) -> Result<BodyId, BodyError>;
    /// Opens a recorded body.
    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError>;
}
