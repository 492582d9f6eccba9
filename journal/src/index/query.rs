//! What is asked for, and whether an entry is it.

use super::terms::{hosts, resources};
use palinode_core::id::{Micros, RunId, StepPath};
use palinode_core::record::{Entry, Event};
use std::collections::BTreeSet;

/// A selection of entries: those that fit every part that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Entries of one of these runs; of all runs, if empty.
    pub runs: BTreeSet<RunId>,
    /// About a step whose path begins like this.
    pub step: Option<String>,
    /// About this host: its steps, steps that act for it, rollbacks of it.
    pub host: Option<String>,
    /// About steps that carry out this action.
    pub action: Option<String>,
    /// That name a resource whose key begins like this.
    pub resource: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Not before this time, by the entry's own clock.
    pub since: Option<Micros>,
    /// Not after this time.
    pub until: Option<Micros>,
}

/// Steps of runs.
pub(crate) type Steps = BTreeSet<(RunId, StepPath)>;

impl Query {
    /// Whether every entry fits.
    pub(crate) fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an entry's time fits.
    pub(crate) fn in_time(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| since <= entry.time) && self.until.is_none_or(|until| entry.time <= until)
    }

    /// Whether run, host and step fit: what an entry has in common with every other about its step.
    fn in_place(&self, entry: &Entry) -> bool {
        let step = entry.event.step();
        (self.runs.is_empty() || self.runs.contains(&entry.run))
            && self.host.as_deref().is_none_or(|host| hosts(&entry.event).contains(host))
            && (self.step.as_deref()).is_none_or(|path| step.is_some_and(|step| step.as_str().starts_with(path)))
    }

    /// Whether everything but the time fits. `steps` are those that carry out the action that is asked for.
    pub(crate) fn fits(&self, entry: &Entry, steps: &Steps) -> bool {
        self.in_place(entry)
            && self.kind.as_deref().is_none_or(|kind| entry.event.kind() == kind)
            && (self.resource.as_deref())
                .is_none_or(|path| resources(&entry.event).iter().any(|key| key.as_str().starts_with(path)))
            && (self.action.is_none()
                || entry.event.step().is_some_and(|step| steps.contains(&(entry.run, step.clone()))))
    }

    /// The step of an intent that carries out the action that is asked for.
    pub(crate) fn carries(&self, entry: &Entry) -> Option<(RunId, StepPath)> {
        match &entry.event {
            Event::Intent(intent) if self.action.as_deref() == Some(intent.action.name()) && self.in_place(entry) => {
                Some((entry.run, intent.step.clone()))
            }
            _ => None,
        }
    }
}
