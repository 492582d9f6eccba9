//! What the index says of itself.

use palinode_core::id::{EntryId, Seq};
use serde::{Deserialize, Serialize};

/// What the index holds is laid out like this; another number is built anew.
pub(crate) const LAYOUT: u32 = 1;

/// How far the index goes, and how much was put in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) layout: u32,
    /// The last entry in it.
    pub(crate) seq: Seq,
    /// Its id.
    pub(crate) entry: EntryId,
    /// Pairs of keys and values, those of the runs and this one apart.
    pub(crate) pairs: u64,
    /// The sum of their digests.
    pub(crate) digest: u64,
    /// Runs.
    pub(crate) runs: u64,
    /// The sum of their digests.
    pub(crate) runs_digest: u64,
}

impl Default for Meta {
    fn default() -> Self {
        let entry = EntryId([0; 32]);
        Self { layout: LAYOUT, seq: Seq(0), entry, pairs: 0, digest: 0, runs: 0, runs_digest: 0 }
    }
}

/// A pair's part of the sum.
pub(crate) fn digest(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(value);
    u64::from_le_bytes(*hasher.finalize().as_bytes().first_chunk().unwrap_or(&[0; 8]))
}
