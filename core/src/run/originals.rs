//! What the end of a rollback is held against: what the resources in its scope were before the run changed them.

use crate::action::UndoClass;
use crate::id::{ResourceKey, RunId, Seq};
use crate::record::Scope;
use crate::resource::{Fields, Kind, State};
use crate::run::compensate::{Changes, is_untouched, other_writers};
use crate::run::history::History;
use crate::run::leftover::owned;
use crate::run::rules::ending::Originals;
use crate::run::rules::version::Rules;
use crate::run::scope::{OpenImage, covers};
use crate::run::state::StepState;
use std::collections::{BTreeMap, BTreeSet};

/// The state that each resource in scope had before its first step, with the fields that any of them owns: what a
/// rollback made under `rules` is held against at its end. Resources written since by steps outside the scope are left out.
///
/// Since rules 6 those are left out, too, whose state an earlier step had changed by changing something else. What was
/// there before it is not known, and each undo looks by itself whether it brought back what its own step had found.
pub fn originals(history: &History, (run, rules): (RunId, Rules), scope: &Scope, open: OpenImage<'_>) -> Originals {
    let mut found = Originals::new();
    let Some(state) = history.runs.get(&run) else { return found };
    let mut first_at: BTreeMap<ResourceKey, Seq> = BTreeMap::new();
    let (mut changed, mut unknown) = (Changed::default(), BTreeSet::new());
    let mut mine: Vec<_> = state.steps().filter(|(ix, ..)| covers(state, scope, *ix)).collect();
    // Hosts side by side act in another order than they stand in the plan.
    if rules.first_in_time_counts() {
        mine.sort_by_key(|(.., known)| known.job.map(|(_, seq)| seq));
    }
    for (_, step, known) in mine {
        let (Some(intent), Some((_, seq))) = (&known.intent, known.job) else { continue };
        // What only steps without undo changed is listed, and does not count.
        if matches!(step.class, UndoClass::Read | UndoClass::NoUndo) || is_untouched(state.rules, known) {
            continue;
        }
        let Some(before) = open(&intent.before) else { continue };
        for place in owned(known) {
            let Some(state) = before.get(&place.key) else { continue };
            if let Some(slot) = found.get_mut(&place.key) {
                slot.1 = slot.1.join(place.fields);
            } else if let Some(first) = changed.first(&place.key, state).filter(|_| !unknown.contains(&place.key)) {
                found.insert(place.key.clone(), (first.clone(), place.fields));
                first_at.insert(place.key.clone(), seq);
            } else {
                unknown.insert(place.key.clone());
            }
        }
        if rules.first_look_at_what_overlaps_counts() {
            changed.learn(known, &Changes::of(known, open));
        }
    }
    let writers = other_writers(history, run, scope, &first_at, open);
    found.retain(|key, _| !writers.contains_key(key));
    found
}

/// What the steps so far changed, and with it more than what they named.
#[derive(Default)]
struct Changed {
    /// Paths by host.
    files: BTreeSet<(String, String)>,
    /// Hosts with packages that went.
    went: BTreeSet<String>,
    /// Hosts with packages that came, or that have another version.
    came: BTreeSet<String>,
    /// Hosts with units that start at boot, and did not before, or the other way round.
    boots: BTreeSet<String>,
    /// Hosts with repositories that are enabled, and were not before, or the other way round.
    repositories: BTreeSet<String>,
    /// What was only looked at, and changed along: as it was before.
    along: BTreeMap<ResourceKey, State>,
}

/// Where systemd keeps what says which units there are, and which of them start at boot.
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Where a package manager keeps what says which repositories there are.
const REPOSITORIES: [&str; 6] =
    ["/etc/yum.conf", "/etc/yum.repos.d", "/etc/yum/vars", "/etc/dnf/dnf.conf", "/etc/dnf/vars", "/etc/yum"];

/// Whether one path is the other, or is below it.
fn overlaps(one: &str, other: &str) -> bool {
    let below = |one: &str, other: &str| {
        let rest = one.trim_end_matches('/').strip_prefix(other.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(one, other) || below(other, one)
}

fn is_in(folders: &[&str], path: &str) -> bool {
    folders.iter().any(|folder| overlaps(folder, path))
}

/// Whether a change of this path may be one of that unit: it has its name, or names no unit.
fn is_about(path: &str, unit: &str) -> bool {
    let Some(rest) = UNITS.iter().find_map(|folder| path.strip_prefix(folder)?.strip_prefix('/')) else {
        return is_in(&UNITS, path);
    };
    let first = rest.split('/').next().unwrap_or_default();
    let suffixes = ["", ".service"];
    let of = |name: &str| suffixes.iter().any(|suffix| format!("{unit}{suffix}") == name);
    // A template is the file of all its instances, and what a folder `.d` or a link in `.wants` says is one unit's.
    let template = || unit.split_once('@').is_some_and(|(name, _)| first.starts_with(&format!("{name}@.")));
    let is_file = !first.ends_with(".wants") && !first.ends_with(".requires") && !first.is_empty();
    !is_file || of(first.strip_suffix(".d").unwrap_or(first)) || template()
}

impl Changed {
    fn learn(&mut self, known: &StepState, changes: &Changes) {
        let state = |key: &ResourceKey| {
            let of = |image: &Option<crate::resource::Image>| image.as_ref()?.get(key).cloned();
            (of(&changes.before), of(&changes.after))
        };
        for place in owned(known).filter(|place| changes.has(place)) {
            match place.key.kind() {
                Some(Kind::File(host, path)) => {
                    self.files.insert((host.to_owned(), path.to_owned()));
                }
                Some(Kind::Package(host, _)) => {
                    let went = matches!(state(&place.key), (Some(_), Some(State::Absent)));
                    if went { &mut self.went } else { &mut self.came }.insert(host.to_owned());
                }
                Some(Kind::Unit(host, _)) => {
                    let at_boot = |state: &Option<State>| match state {
                        Some(State::Unit { enabled, .. }) => Some(enabled.clone()),
                        _ => None,
                    };
                    let (before, after) = state(&place.key);
                    if after.is_none() || at_boot(&before) != at_boot(&after) {
                        self.boots.insert(host.to_owned());
                    }
                }
                Some(Kind::Repository(host, _) | Kind::Release(host)) => {
                    self.repositories.insert(host.to_owned());
                }
                Some(
                    Kind::Boot(_)
                    | Kind::Node(_)
                    | Kind::Pods(_)
                    | Kind::ConfigMap(..)
                    | Kind::Object { .. }
                    | Kind::Pod(..)
                    | Kind::Csr(_)
                    | Kind::Step(_),
                )
                | None => {}
            }
        }
        let looked_at = known.intent.iter().flat_map(|intent| &intent.footprint);
        for place in looked_at.filter(|place| place.fields == Fields::Evidence) {
            if let (Some(before), after) = state(&place.key)
                && after.as_ref() != Some(&before)
            {
                self.along.entry(place.key.clone()).or_insert(before);
            }
        }
    }

    /// What a resource was before the steps so far, if it is known: its own step found it as `found`.
    fn first<'a>(&'a self, key: &ResourceKey, found: &'a State) -> Option<&'a State> {
        if let Some(before) = self.along.get(key) {
            return Some(before);
        }
        let has = |hosts: &BTreeSet<String>, host: &str| hosts.contains(host);
        let files = |host: &str, is: &dyn Fn(&str) -> bool| self.files.iter().any(|(on, path)| on == host && is(path));
        let is_changed = match key.kind() {
            Some(Kind::File(host, path)) => {
                // Of a file that is there still, a package that went took nothing.
                let may_be_gone = matches!(found, State::Absent | State::Tree { .. });
                files(host, &|other| overlaps(path, other) && other != path)
                    || has(&self.came, host)
                    || has(&self.went, host) && may_be_gone
                    || has(&self.boots, host) && is_in(&UNITS, path)
                    || has(&self.repositories, host) && is_in(&REPOSITORIES, path)
            }
            // The units of packages that go are looked at with them.
            Some(Kind::Unit(host, unit)) => has(&self.came, host) || files(host, &|path| is_about(path, unit)),
            Some(Kind::Repository(host, _) | Kind::Release(host)) => {
                has(&self.came, host) || has(&self.went, host) || files(host, &|path| is_in(&REPOSITORIES, path))
            }
            Some(
                Kind::Package(..)
                | Kind::Boot(_)
                | Kind::Node(_)
                | Kind::Pods(_)
                | Kind::ConfigMap(..)
                | Kind::Object { .. }
                | Kind::Pod(..)
                | Kind::Csr(_)
                | Kind::Step(_),
            )
            | None => false,
        };
        (!is_changed).then_some(found)
    }
}

#[cfg(test)]
#[path = "originals_tests.rs"]
mod tests;
