//! What an entry is about, as the words that it is found by.

use palinode_core::id::{ResourceKey, StepPath};
use palinode_core::record::{Entry, Event, PauseWhy, Scope};
use std::collections::BTreeSet;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Run,
    Kind,
    Host,
    Step,
    Action,
    Resource,
    /// Entries with a resource key that is too long to be a word.
    Long,
}

impl Field {
    /// How it stands in the index.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Run => b'r',
            Self::Kind => b'k',
            Self::Host => b'h',
            Self::Step => b's',
            Self::Action => b'a',
            Self::Resource => b'o',
            Self::Long => b'l',
        }
    }
}

/// Longer words are not kept.
pub(crate) const LONGEST: usize = 512;

/// The host that a step's path begins with, or the section that stands in its place.
fn place(step: &StepPath) -> Option<&str> {
    let path = step.as_str();
    path.strip_prefix("undo/").unwrap_or(path).split('/').next()
}

/// The hosts that an event is about.
pub(crate) fn hosts(event: &Event) -> BTreeSet<&str> {
    let mut hosts = BTreeSet::new();
    hosts.extend(event.step().and_then(place));
    match event {
        Event::Intent(intent) => hosts.extend(intent.target.host.as_ref().map(|host| host.as_str())),
        Event::RunOpened(opened) => match opened.compensates.as_ref().map(|back| &back.scope) {
            Some(Scope::Host(host)) => hosts.extend([host.as_str()]),
            Some(Scope::Step(step)) => hosts.extend(place(step)),
            Some(Scope::Run) | None => {}
        },
        Event::Paused { why: PauseWhy::Blocked(step), .. } => hosts.extend(place(step)),
        _ => {}
    }
    hosts
}

/// The resources that an event names. Long lists of a closed run rest in a blob and are not looked at.
pub(crate) fn resources(event: &Event) -> BTreeSet<&ResourceKey> {
    match event {
        Event::Intent(intent) => {
            let losses = intent.losses.iter().map(|loss| &loss.key);
            intent.footprint.iter().map(|place| &place.key).chain(intent.before.keys()).chain(losses).collect()
        }
        Event::Outcome(outcome) => outcome.after.keys().collect(),
        Event::Probed(probed) => probed.observed.keys().collect(),
        Event::DriftFound { key, .. } | Event::Paused { why: PauseWhy::Drift(key), .. } => BTreeSet::from([key]),
        Event::RunClosed(closed) => {
            let differences = closed.differences.iter().map(|difference| &difference.key);
            let residues = closed.residues.iter().map(|residue| &residue.key);
            differences.chain(residues).chain(&closed.passed).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// All words of an entry.
pub(crate) fn each(entry: &Entry, put: &mut dyn FnMut(Field, &str)) {
    put(Field::Run, &entry.run.to_string());
    put(Field::Kind, entry.event.kind());
    for host in hosts(&entry.event) {
        put(Field::Host, host);
    }
    if let Some(step) = entry.event.step() {
        put(Field::Step, step.as_str());
    }
    if let Event::Intent(intent) = &entry.event {
        put(Field::Action, intent.action.name());
    }
    let mut long = false;
    for key in resources(&entry.event) {
        if key.as_str().len() <= LONGEST {
            put(Field::Resource, key.as_str());
        } else {
            long = true;
        }
    }
    if long {
        put(Field::Long, "");
    }
}
