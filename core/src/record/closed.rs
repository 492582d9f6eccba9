//! How a run is closed, and what its end is claimed by.

use super::actor::Actor;
use super::decision::{Difference, RunEnd};
use super::limits::ENTRY_LIMIT;
use crate::canon;
use crate::id::{BlobId, BodyId, ResourceKey};
use crate::resource::Residue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lists of a closed run beyond this many bytes rest in a blob.
pub(super) const LISTS_LIMIT: usize = ENTRY_LIMIT / 2;

/// The end of a run, with the comparison that the claim of its end rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClosed {
    /// How it ended.
    pub end: RunEnd,
    /// Steps by state.
    pub steps: BTreeMap<String, u64>,
    /// What a rollback could not restore.
    pub residues: Vec<Residue>,
    /// Resources that are not what they were.
    pub differences: Vec<Difference>,
    /// Resources that only steps without undo changed: listed, not counted.
    pub passed: Vec<ResourceKey>,
    /// The public blob with these three lists, where they are too long for an entry: they are empty here then.
    #[serde(default)]
    pub lists: Option<BlobId>,
    /// Who closed it, when it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// Words of that person, `--reason`, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<BodyId>,
}

/// The lists of a run that was closed, as they stand in a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lists {
    residues: Vec<Residue>,
    differences: Vec<Difference>,
    passed: Vec<ResourceKey>,
}

impl RunClosed {
    /// Takes lists out that are too long to stand in the entry: a drained cluster leaves more residues than an entry
    /// holds. The bytes are to be stored as a public blob, whose address is then put in [`Self::lists`].
    pub fn take_lists(&mut self) -> Result<Option<Vec<u8>>, canon::EncodeError> {
        if canon::encode(self)?.len() <= LISTS_LIMIT {
            return Ok(None);
        }
        let lists = Lists {
            residues: std::mem::take(&mut self.residues),
            differences: std::mem::take(&mut self.differences),
            passed: std::mem::take(&mut self.passed),
        };
        canon::encode(&lists).map(Some)
    }

    /// Puts the lists of a blob back in.
    pub(crate) fn put_lists(&mut self, bytes: &[u8]) -> Result<(), canon::DecodeError> {
        let lists: Lists = canon::decode(bytes)?;
        (self.residues, self.differences, self.passed) = (lists.residues, lists.differences, lists.passed);
        Ok(())
    }
}
