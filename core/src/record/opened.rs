//! How a run is opened, and what was found on its targets then.

use super::actor::{Actor, Owner, World};
use super::closed::LISTS_LIMIT;
use super::decision::Compensates;
use super::shown::ShownStates;
use crate::canon;
use crate::cluster::ClusterId;
use crate::id::{BlobId, BodyId, HostName, PlanDigest, ResourceKey, RunId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The first entry of a run: its plan, its rules, who started it and where it acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOpened {
    /// Name of the runbook.
    pub runbook: String,
    /// Digest of the plan.
    pub plan: PlanDigest,
    /// The public blob that holds the plan.
    pub plan_blob: BlobId,
    /// Version of the rules.
    pub rules: u32,
    /// Where it acts.
    pub world: World,
    /// Who started it.
    pub actor: Actor,
    /// The process that drives.
    pub owner: Owner,
    /// `--reason`.
    pub reason: Option<BodyId>,
    /// `--change`: number of a change request.
    pub change: Option<String>,
    /// For a rollback: what it takes back.
    pub compensates: Option<Compensates>,
    /// Whether it may overwrite drift.
    pub force: bool,
    /// The run whose data keys seal the bodies: itself, or for a rollback the run it began from.
    pub keys: RunId,
    /// On real hosts: the keys by which they were known when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
    /// The cluster that it acts on, if it acts on one: it is not continued on another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Box<ClusterId>>,
    /// What else was found where it acts, where anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<FoundThere>>,
}

/// What a process found where a run acts, when it opened the run or took it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct FoundThere {
    /// The machine ids of hosts (`/etc/machine-id`) that the run did not have recorded so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<HostKeys>,
    /// Claims that this process takes from other journals, by host, node or inventory: the words of each claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<String, BodyId>,
    /// Hosts that are other machines than recorded, and that a person said to go on with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub host_changed: BTreeSet<HostName>,
    /// Resources that this process may change back whatever someone made of them since. Of before format 1.7, which has
    /// `shown`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub forced: BTreeSet<ResourceKey>,
    /// What someone made of resources since, as a person was shown it: this process may change that back, and no other state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownStates>,
}

impl FoundThere {
    /// Itself, if there is anything in it.
    pub fn some(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// By which key each host was known: what ssh's strict check accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// Type and fingerprint, by host.
    Here(BTreeMap<HostName, String>),
    /// The public blob with them, where they are too many for an entry.
    Blob(BlobId),
}

impl HostKeys {
    /// The canonical bytes to store as a public blob, if there are too many for an entry.
    pub fn too_long(keys: &BTreeMap<HostName, String>) -> Result<Option<Vec<u8>>, canon::EncodeError> {
        let bytes = canon::encode(keys)?;
        Ok((bytes.len() > LISTS_LIMIT).then_some(bytes))
    }

    /// All of them; `public` fetches the blob.
    pub fn all(
        &self,
        public: impl FnOnce(BlobId) -> Result<Vec<u8>, crate::port::ReadError>,
    ) -> Result<BTreeMap<HostName, String>, HostKeysError> {
        match self {
            Self::Here(keys) => Ok(keys.clone()),
            Self::Blob(blob) => Ok(canon::decode(&public(*blob)?)?),
        }
    }
}

/// Why recorded host keys cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HostKeysError {
    /// The blob cannot be read.
    #[error(transparent)]
    Read(#[from] crate::port::ReadError),
    /// The blob holds something else.
    #[error("the recorded host keys cannot be understood")]
    Decode(#[from] canon::DecodeError),
}
