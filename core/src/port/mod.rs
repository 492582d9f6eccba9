//! The ports: a journal that makes entries durable, and an executor that looks at the world and acts on it.

mod error;
mod executor;
mod journal;
mod store;

pub use error::{BodyError, Cause, LookError, ReadError, RecordError};
pub use executor::{
    Captures, Control, Ended, Executor, Finished, Halted, Job, JobStatus, Remains, Report, Sample, Survey,
};
pub use journal::{Bodies, Entries, Handed, HandedDecision, Journal, JournalRead, Stored, Vault, Verb};
pub use store::{ClaimNotes, Opened, OwnError, OwnedBy, OwnerState, Previous, Store, StoreRead, Torn};
