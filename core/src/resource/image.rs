//! Images, footprints, and what is lost.

use super::state::{Fields, State};
use crate::id::ResourceKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// States by resource: what an action found, or left.
pub type Image = BTreeMap<ResourceKey, State>;

/// One resource an action declares, and the fields that count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// By its key: the host or cluster, and what it is there.
    pub key: ResourceKey,
    /// The fields of it that the action owns.
    pub fields: Fields,
}

impl Footprint {
    /// The resource with the given fields.
    pub fn new(key: ResourceKey, fields: Fields) -> Self {
        Self { key, fields }
    }
}

/// The kinds of loss that no inverse mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The pod's emptyDir data went with the eviction.
    EmptyDir,
    /// The pod was evicted; it or its successor runs where the scheduler put it.
    Moved,
    /// The pod had no controller and is gone for good.
    BarePod,
    /// The object exists again, under a new UID.
    NewUid,
    /// Whatever ran on the node by then was evicted once more.
    EvictedAgain,
    /// The resource differs from what it was, and nothing in the plan was to restore it.
    Differs,
    /// It is not known what the step changed.
    UnknownEffect,
    /// The step's undo did not end done: skipped, failed, or never begun.
    NotUndone,
    /// The resource was not looked at before it was changed.
    NotSeenBefore,
    /// It is not known to be on the host's disk: a power cut may lose it.
    NotSynced,
    /// The unit runs and nothing starts it again: it is masked, or it was made for as long as it runs.
    StaysStopped,
    /// The stopped unit had left processes behind, which are ended.
    LeftProcesses,
    /// The unit starts at boot in a way that `systemctl disable` does not bring back.
    EnabledOtherwise,
    /// A socket, which no archive holds.
    Socket,
    /// The file had other names (hard links), and is one of its own since.
    OtherNames,
    /// The file had holes, which are filled.
    Holes,
}

impl Loss {
    /// The loss in words, as they stand behind the resource's key.
    pub fn words(self) -> &'static str {
        match self {
            Self::EmptyDir => "emptyDir data lost with an eviction",
            Self::Moved => "evicted; runs where the scheduler put it",
            Self::BarePod => "had no controller; gone for good",
            Self::NewUid => "exists again under a new UID",
            Self::EvictedAgain => "whatever runs there by then is evicted once more, emptyDir data included",
            Self::Differs => "differs from what it was",
            Self::UnknownEffect => "not known what it changed",
            Self::NotUndone => "was not taken back",
            Self::NotSeenBefore => "was not looked at before it was changed, so nothing puts it back",
            Self::NotSynced => "not known to be on the host's disk",
            Self::StaysStopped => "stays stopped: masked or transient, so nothing starts it again",
            Self::LeftProcesses => "had left processes behind, which are ended",
            Self::EnabledOtherwise => "is enabled for good: how it started at boot before is not put back",
            Self::Socket => "a socket, which only the program that listens there makes again",
            Self::OtherNames => "had other names (hard links), and is a file of its own since",
            Self::Holes => "had holes, which are filled",
        }
    }
}

/// What a rollback could not restore.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residue {
    /// What it is about.
    pub key: ResourceKey,
    /// What was lost.
    pub loss: Loss,
}

impl fmt::Display for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.loss.words())
    }
}
