//! A judge of rollbacks that is not Palinode: it looks at a whole machine before a run and after its rollback.
//!
//! What differs, and is not named as a residue, is a fault; so is a residue of something that does not differ.

mod books;

pub use books::{Book, book};

use crate::hosts::Hosts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All that a rollback has to bring back of a machine: paths, units, processes, packages, mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey(BTreeMap<(String, String), Value>);

/// Something of a machine that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is about: `path`, `names`, `unit`, `processes`, `package`, `altered` or `mount`.
    pub what: String,
    /// Its name there.
    pub name: String,
    /// What it was; none if it was not there.
    pub was: Option<Value>,
    /// What it is.
    pub is: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(f, "{} {}: {} is now {}", self.what, self.name, text(&self.was), text(&self.is))
    }
}

impl Difference {
    /// A unit that had failed comes back as one that is stopped.
    fn is_back_as_stopped(&self) -> bool {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        self.what == "unit" && text(&self.was).replacen("failed", "inactive", 1) == text(&self.is)
    }
}

/// A residue that a rollback named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The key of the resource, without the host.
    pub key: String,
    /// What was lost, in the words of the record.
    pub loss: String,
}

impl Survey {
    /// Looks at a machine, without the network.
    #[track_caller]
    pub fn of(hosts: &Hosts, name: &str) -> Self {
        let script = format!("cd / && exec python3 - <<'END'\n{}\nEND\n", include_str!("survey.py"));
        let text = hosts.inside(name, &script).exits(0).stdout;
        let mut found: BTreeMap<(String, String), Value> = BTreeMap::new();
        for line in text.lines() {
            let row: (String, String, Value) = serde_json::from_str(line).expect("the survey prints lists");
            // Several packages, and several mounts, have one name.
            let seen = found.entry((row.0, row.1)).or_insert(Value::Array(Vec::new()));
            seen.as_array_mut().expect("it was made a list").push(row.2);
        }
        Self(found)
    }

    /// What differs in another one, taken later.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let keys: BTreeSet<_> = self.0.keys().chain(later.0.keys()).collect();
        let of = |survey: &Self, key| survey.0.get(key).cloned();
        keys.into_iter()
            .filter(|key| self.0.get(*key) != later.0.get(*key))
            .map(|key| Difference { what: key.0.clone(), name: key.1.clone(), was: of(self, key), is: of(later, key) })
            .filter(|found| !found.is_back_as_stopped())
            .collect()
    }
}

/// The residues that the end of the rollback names, from the events of a journal.
pub fn residues(events: &[Value], host: &str) -> Vec<Named> {
    let closed = events.iter().rev().find_map(|event| event.get("RunClosed"));
    let listed = closed.and_then(|closed| closed["residues"].as_array()).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    listed
        .iter()
        .map(|residue| {
            let key = text(&residue["key"]);
            let key = key.strip_prefix(&format!("{host}/")).map_or(key.clone(), str::to_owned);
            Named { key, loss: text(&residue["loss"]) }
        })
        .collect()
}

/// Differences that no residue names, and residues of what does not differ.
pub fn judge(differences: &[Difference], residues: &[Named]) -> Vec<String> {
    // Of what came with a step that is passed over, or whose effect nobody knows, anything may differ.
    let anything = residues.iter().any(|named| named.key.starts_with("step:"));
    let mut wrong: Vec<String> = differences
        .iter()
        .filter(|found| !anything && !residues.iter().any(|named| covers(named, found)))
        .map(|found| format!("no residue names it: {found}"))
        .collect();
    wrong.extend(
        residues
            .iter()
            .filter(|named| !named.key.starts_with("step:") && !differences.iter().any(|found| covers(named, found)))
            .map(|named| format!("a residue names what does not differ: {} {}", named.key, named.loss)),
    );
    wrong
}

fn covers(named: &Named, found: &Difference) -> bool {
    let below = |path: &str| {
        let inside = found.name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        matches!(found.what.as_str(), "path" | "names" | "mount" | "altered") && inside
    };
    if let Some(path) = named.key.strip_prefix("file:") {
        // What one name of a file loses, its other names lose with it.
        let shared = |value: &Option<Value>| {
            value.as_ref().is_some_and(|list| list.to_string().contains(&format!("\"{path}\"")))
        };
        return below(path) || found.what == "names" && (shared(&found.was) || shared(&found.is));
    }
    if let Some(unit) = named.key.strip_prefix("unit/") {
        let full = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
        return matches!(found.what.as_str(), "unit" | "processes") && found.name == full;
    }
    if let Some(package) = named.key.strip_prefix("package/") {
        return found.what == "package" && found.name == package;
    }
    named.key.starts_with("repository/") && below("/etc/yum.repos.d")
}
