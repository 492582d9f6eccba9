//! Entries in words, as `log` and `show` tell them.

use crate::error::Failure;
use crate::journal::{self, Reader};
use crate::render::words;
use palinode_core::id::{BodyId, RunId};
use palinode_core::port::Stored;
use palinode_core::record::{Answer, Decision, Ending, Event, FoundThere, HostKeys, Rule, Sealed, ShownStates, Why};
use palinode_journal::index::{Catalog, Run};
use palinode_replay::driver::BodyReader;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a log shows: entries, and what it takes to tell them in words.
pub(crate) struct Found {
    pub(crate) entries: Vec<Stored>,
    pub(crate) runs: Vec<Run>,
    bodies: HashMap<BodyId, Arc<Sealed>>,
}

impl Found {
    /// Finds the bodies that the entries name.
    pub(crate) fn new(catalog: &mut Catalog<'_>, entries: Vec<Stored>) -> Result<Self, Failure> {
        let brought = entries.iter().flat_map(|stored| &stored.entry.bodies);
        let mut bodies: HashMap<_, _> = brought.map(|(id, sealed)| (*id, Arc::new(sealed.clone()))).collect();
        let named = entries.iter().flat_map(|stored| words_of(&stored.entry.event));
        // Equal words of a run are recorded once, by whichever entry was the first to need them.
        let elsewhere: BTreeSet<BodyId> = named.filter(|id| !bodies.contains_key(id)).collect();
        bodies.extend(catalog.bodies(&elsewhere)?);
        Ok(Self { entries, runs: catalog.runs().to_vec(), bodies })
    }

    /// The bodies that a run may open.
    pub(crate) fn bodies(&self, reader: &Reader, run: RunId) -> Option<BodyReader> {
        let keys = self.runs.iter().find(|known| known.run == run).map_or(run, |known| known.keys);
        BodyReader::over(reader, keys, self.bodies.clone()).ok()
    }

    /// The shortest name of a run.
    pub(crate) fn short(&self, run: RunId) -> String {
        journal::short_among(self.runs.iter().map(|known| known.run), run)
    }
}

/// The bodies whose words belong to an entry's description.
fn words_of(event: &Event) -> Vec<BodyId> {
    let taken =
        |found: Option<&FoundThere>| found.into_iter().flat_map(|found| found.taken.values().copied()).collect();
    let mut all: Vec<BodyId> = Vec::new();
    let one = match event {
        Event::RunOpened(opened) => {
            all = taken(opened.found.as_deref());
            opened.reason
        }
        Event::OwnerChanged { found, .. } => {
            all = taken(found.as_deref());
            None
        }
        Event::Outcome(outcome) => outcome.message,
        Event::Progress(told) => told.evidence,
        Event::Probed(probed) => probed.evidence,
        Event::RunClosed(closed) => closed.reason,
        Event::Resolved { reason, .. } | Event::Skipped { reason, .. } | Event::Paused { reason, .. } => *reason,
        // They are described without words of anybody.
        Event::Intent(_)
        | Event::GateSampled { .. }
        | Event::GateDecided { .. }
        | Event::TimerFired { .. }
        | Event::DriftFound { .. } => None,
    };
    all.extend(one);
    all
}

/// An entry in a few words.
pub(crate) fn describe(event: &Event, bodies: Option<&BodyReader>, short: &dyn Fn(RunId) -> String) -> String {
    let open = |id: BodyId| match bodies.map(|bodies| bodies.open(id)) {
        Some(Ok(bytes)) => {
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            text.lines().next().unwrap_or_default().to_owned()
        }
        Some(Err(error)) => format!("({error})"),
        None => "(cannot be opened)".to_owned(),
    };
    let said = |reason: Option<BodyId>| reason.map(|id| format!(": {}", open(id))).unwrap_or_default();
    let known = |keys: Option<&HostKeys>| match keys {
        Some(HostKeys::Here(keys)) => format!(", host keys: {}", words::host_keys(keys)),
        Some(HostKeys::Blob(_)) => ", host keys of many hosts".to_owned(),
        None => String::new(),
    };
    let found = |found: Option<&FoundThere>| {
        let Some(found) = found else { return String::new() };
        let taken = found.taken.iter().map(|(what, id)| format!(", {what} taken over from: {}", open(*id)));
        let changed = found.host_changed.iter().map(|host| format!(", {host} is another machine than recorded"));
        let (here, more) = match &found.shown {
            Some(ShownStates::Here(shown)) => (Some(shown), ""),
            Some(ShownStates::Blob(_)) => (None, ", may overwrite what someone changed of many resources"),
            None => (None, ""),
        };
        let forced = found.forced.iter().chain(here.into_iter().flat_map(BTreeMap::keys));
        let forced = forced.map(|key| format!(", may overwrite what someone changed of {key}"));
        taken.chain(changed).chain(forced).chain([more.to_owned()]).collect::<String>()
    };
    match event {
        Event::RunOpened(opened) => {
            let back = opened
                .compensates
                .as_ref()
                .map(|back| format!(", takes back {}", words::taken_back(&back.scope, &short(back.run))));
            let change = opened.change.as_ref().map(|change| format!(", change {change}")).unwrap_or_default();
            format!(
                "{} by {}{change}{}{}{}{}",
                opened.runbook,
                words::actor(&opened.actor),
                back.unwrap_or_default(),
                known(opened.host_keys.as_ref()),
                found(opened.found.as_deref()),
                said(opened.reason)
            )
        }
        Event::OwnerChanged { owner, actor, force, host_keys, found: there, .. } => {
            let force = if *force { ", may overwrite drift" } else { "" };
            let known = known(host_keys.as_deref());
            let found = found(there.as_deref());
            format!("process {} on {}, by {}{force}{known}{found}", owner.pid, owner.host, words::actor(actor))
        }
        Event::Intent(intent) => match intent.attempt {
            1 => intent.action.words(),
            attempt => format!("{}, attempt {attempt}", intent.action.words()),
        },
        Event::Progress(told) => words::told(&told.what, told.evidence.map(open).as_deref()),
        Event::Outcome(outcome) => {
            let ending = match outcome.ending {
                Ending::Unknown if outcome.why == Some(Why::Conflict) => "did not begin",
                Ending::Succeeded => "succeeded",
                Ending::Failed => "failed",
                Ending::Unknown => "in doubt",
            };
            let why = outcome.why.map(|why| format!(", {}", words::failed(why, outcome.code))).unwrap_or_default();
            let captures: Vec<String> =
                outcome.captures.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
            format!("{ending}{why}{}{}", captures.concat(), said(outcome.message))
        }
        Event::Probed(probed) => {
            let rule = match probed.rule {
                Rule::Job => "the job's own word",
                Rule::Probe => "a look at the target",
                Rule::Repeat => "safe to repeat",
                Rule::Ask => "nothing decides",
            };
            let decision = match probed.decision {
                Decision::Succeeded => "it happened",
                Decision::Failed => "it failed",
                Decision::Wait => "it is still running",
                Decision::Again => "again",
                Decision::FailedPartial => "a part of it happened: failed",
                Decision::Ask => "ask the operator",
            };
            let code =
                words::code(Some(Why::ExitCode), probed.code).map(|code| format!(": {code}")).unwrap_or_default();
            format!("{decision} ({rule}){code}{}", said(probed.evidence))
        }
        Event::Resolved { answer, by, reason, overruled, .. } => {
            let answer = match answer {
                Answer::Applied => "it happened",
                Answer::NotApplied => "it did not happen",
                Answer::Partial => "a part of it happened",
                Answer::Retry => "try again",
            };
            let against = if *overruled { ", against its recorded failure" } else { "" };
            format!("{answer}{against}, says {}{}", words::actor(by), said(*reason))
        }
        Event::Skipped { why, by, reason, .. } => {
            let by = by.as_ref().map(|by| format!(", {}", words::actor(by))).unwrap_or_default();
            format!("{}{by}{}", words::skip(why), said(*reason))
        }
        Event::GateSampled { pass, facts, .. } => {
            format!("{}; {}", if *pass { "holds" } else { "does not hold" }, words::facts(facts))
        }
        Event::GateDecided { passed, .. } => if *passed { "open" } else { "failed for good" }.to_owned(),
        Event::TimerFired { .. } => "its time was up".to_owned(),
        Event::Paused { why, by, reason } => {
            let by = by.as_ref().map(|by| format!(", {}", words::actor(by))).unwrap_or_default();
            format!("{}{by}{}", words::pause(why), said(*reason))
        }
        Event::DriftFound { key, expected, found, what, .. } => match what {
            Some(what) => format!("{key}: {}", open(*what)),
            None => words::changed(key, expected, found),
        },
        Event::RunClosed(closed) => {
            let residues = if closed.lists.is_some() {
                ", many residues".to_owned()
            } else if closed.residues.is_empty() {
                String::new()
            } else {
                format!(", {} residues", closed.residues.len())
            };
            let by = closed.by.as_ref().map(|by| format!(", by {}", words::actor(by))).unwrap_or_default();
            format!("{}{residues}{by}{}", words::end(closed.end), said(closed.reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::record::{Actor, Owner};

    /// Its words may have been recorded with an earlier entry: then they are looked for by their id.
    #[test]
    fn whom_something_was_taken_from_belongs_to_the_words_of_an_entry() {
        let text = String::new;
        let actor = Actor { user: text(), sudo_user: None, login_uid: None, host: text(), boot: text() };
        let owner = Owner { host: text(), boot: text(), pid: 1, started: 1 };
        let words = BodyId([7; 32]);
        let taken = [("a.demo".to_owned(), words)].into();
        let found = Some(Box::new(FoundThere {
            machines: None,
            taken,
            host_changed: Default::default(),
            forced: Default::default(),
            shown: None,
        }));
        let event = Event::OwnerChanged { owner, gap: None, actor, force: false, host_keys: None, found };
        assert_eq!(words_of(&event), [words]);
    }
}
