//! Entries: one record of the journal each, and the version of the stored forms.
//!
//! Stored forms are MessagePack with named fields in the canonical form of [`crate::canon`]. What is public stands in
//! the event: keys, verdicts, states of units, packages, nodes and boots, the structure of inverses. What came from a
//! host, a file or a person as free text is a *body*: sealed, and named in the event by its keyed digest.

use super::body::Sealed;
use super::event::Event;
use crate::canon;
use crate::id::{BlobId, BodyId, Context, EntryId, Epoch, Micros, PlanDigest, RunId, Seq};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const ENTRY_CONTEXT: &str = "palinode 2026-11 entry v1";

const PLAN_CONTEXT: &str = "palinode 2026-11 plan v1";

const BLOB_CONTEXT: &str = "palinode 2026-11 blob v1";

/// Id of an entry: BLAKE3 with a context of its own over the stored bytes.
pub fn entry_id(bytes: &[u8]) -> EntryId {
    static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context::new(ENTRY_CONTEXT));
    EntryId(CONTEXT.hash(bytes))
}

/// Digest of a plan's canonical bytes.
pub fn plan_digest(bytes: &[u8]) -> PlanDigest {
    PlanDigest(blake3::derive_key(PLAN_CONTEXT, bytes))
}

/// Address of a blob's stored bytes.
pub fn blob_id(bytes: &[u8]) -> BlobId {
    BlobId(blake3::derive_key(BLOB_CONTEXT, bytes))
}

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position, from 1, without gaps.
    pub seq: Seq,
    /// The run it belongs to.
    pub run: RunId,
    /// The owner's epoch when it was written.
    pub epoch: Epoch,
    /// When: UTC, or the world's virtual time in a lab run.
    pub time: Micros,
    /// In a lab run, the wall time beside.
    pub wall: Option<Micros>,
    /// Id of the entry before; zeros for the first.
    pub prev: EntryId,
    /// What happened.
    pub event: Event,
    /// The sealed bodies that this entry brings.
    pub bodies: BTreeMap<BodyId, Sealed>,
}

impl Entry {
    /// The canonical stored bytes.
    pub fn encode(&self) -> Result<Vec<u8>, canon::EncodeError> {
        canon::encode(self)
    }

    /// Reads stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, canon::DecodeError> {
        canon::decode(bytes)
    }
}

/// What an entry will be once the journal gives it its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The run it belongs to.
    pub run: RunId,
    /// Microseconds since 1970, by the clock of the world that it acts in.
    pub time: Micros,
    /// In a lab run, the wall time beside.
    pub wall: Option<Micros>,
    /// What happened.
    pub event: Event,
    /// The sealed bodies that it brings.
    pub bodies: BTreeMap<BodyId, Sealed>,
}
