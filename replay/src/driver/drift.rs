//! What someone changed since it was recorded: in words, and looked for before a person agrees to overwrite it.

use super::bodies::BodyWriter;
use super::drifted::Drifted;
use super::{DriveError, Driver};
use palinode_core::action::Action;
use palinode_core::chain::chain;
use palinode_core::id::{BodyId, ResourceKey};
use palinode_core::port::{Bodies as _, Executor, Journal};
use palinode_core::resource::{Fields, Footprint, Image, State, tree};
use palinode_core::run::plan::{Step, Work};
use palinode_core::run::rules::prepare::{Drift, drifts, joined, settled};
use std::collections::{BTreeMap, BTreeSet};

/// So many paths of a directory are named.
const NAMED: usize = 5;

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    /// What differs between what was recorded and what was found; and whether a reboot of ours came in between.
    pub(super) fn differs(&self, drift: &Drift, desk: &BodyWriter) -> String {
        let mut all = match (&drift.expected, &drift.found) {
            (State::Tree { list: Some(was), .. }, State::Tree { list: Some(is), .. }) => self.paths(*was, *is, desk),
            _ => Vec::new(),
        };
        if all.is_empty() {
            all = drift.expected.difference(&drift.found);
        }
        let mut words = all.join(", ");
        if let Some((run, step)) = self.history.rebooted_since(self.run, &drift.key) {
            let by = if run == self.run { String::new() } else { format!(" of run {}", run.short()) };
            words.push_str(&format!("; its host was rebooted since, by {step}{by}, and booting may have changed it"));
        }
        words
    }

    /// The paths of a directory that differ; none if one of the lists cannot be opened.
    fn paths(&self, was: BodyId, is: BodyId, desk: &BodyWriter) -> Vec<String> {
        let text = |id| desk.get(id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (Some(was), Some(is)) = (text(was), text(is)) else { return Vec::new() };
        let (mut told, count) = tree::differences(&was, &is, NAMED);
        if count > told.len() {
            told.push(format!("and {} more", count - told.len()));
        }
        told
    }

    /// What the step had that this one takes back.
    fn owned_by(&self, step: &Step) -> Vec<Footprint> {
        let Some(undoes) = &step.undoes else { return Vec::new() };
        let of = self.history.runs.get(&undoes.run).and_then(|run| run.step(run.find(&undoes.step)?));
        of.and_then(|(_, known)| known.intent.as_ref()).map(|intent| intent.footprint.clone()).unwrap_or_default()
    }

    /// Looks what someone changed of all that these steps of a rollback change back. Of a resource that several of them
    /// change only the first finds what was recorded last.
    pub async fn drifted(&self, steps: &[&Step]) -> Result<Drifted, DriveError> {
        let mut known: BTreeSet<ResourceKey> = BTreeSet::new();
        let mut asked: Vec<(&Step, &Action, Vec<Footprint>)> = Vec::new();
        for step in steps.iter().filter(|step| step.undoes.is_some()) {
            let Work::Act(action) = &step.work else { continue };
            let mut places = action.footprint(&step.target);
            // What the step found beside its own: the rest of a transaction, what is behind links. A file is put back alone.
            if !matches!(action, Action::FileRestore(_)) {
                places.extend(self.owned_by(step));
            }
            let mut places = joined(places);
            places.retain(|place| place.fields != Fields::Evidence && known.insert(place.key.clone()));
            asked.push((step, action, places));
        }
        let mut by_host: BTreeMap<Option<String>, Vec<ResourceKey>> = BTreeMap::new();
        for key in known {
            by_host.entry(key.host().map(str::to_owned)).or_default().push(key);
        }
        let desk = BodyWriter::new(&self.shelf);
        let (mut image, mut drifted) = (Image::new(), Drifted::default());
        for keys in by_host.into_values() {
            match self.executor.observe(&keys, &desk).await {
                Ok(seen) => image.extend(seen),
                Err(error) => drifted.unseen.push(chain(&error)),
            }
        }
        let mut opened = BTreeMap::new();
        for (step, action, places) in asked {
            let mine: Image =
                places.iter().filter_map(|place| Some((place.key.clone(), image.get(&place.key)?.clone()))).collect();
            if settled(action, &step.accepts, &mine) {
                continue;
            }
            for place in places {
                let one = std::slice::from_ref(&place);
                let last = |key: &ResourceKey| self.last_recorded(key, &mut opened);
                for drift in drifts(&self.history, self.run, (step, action), (one, &mine), last)? {
                    let words = self.differs(&drift, &desk);
                    drifted.found.push((drift.key, words));
                }
            }
        }
        Ok(drifted)
    }
}
