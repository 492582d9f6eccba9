//! What someone changed since it was recorded, in words; and the last recorded state that it is held against.

use super::bodies::BodyStore;
use palinode_core::id::{BodyId, ResourceKey, RunId};
use palinode_core::port::{Bodies, BodyError, JournalRead};
use palinode_core::record::{ImageRef, ShownState};
use palinode_core::resource::{Image, State, tree};
use palinode_core::run::history::{History, Recorded};
use std::collections::BTreeMap;

/// At most this many paths of a directory are named.
const NAMED: usize = 5;

/// What differs between what was recorded and what was found; and whether a reboot of ours came in between.
pub(super) fn differs(
    history: &History,
    run: RunId,
    (key, expected, found): (&ResourceKey, &State, &State),
    bodies: &dyn Bodies,
) -> String {
    let mut words = between(expected, found, bodies);
    if let Some((by, step)) = history.rebooted_since(run, key) {
        let by = if by == run { String::new() } else { format!(" of run {}", by.short()) };
        words.push_str(&format!("; its host was rebooted since, by {step}{by}, and booting may have changed it"));
    }
    words
}

/// What to add where a person agreed to overwrite a state, and it is another one by now. Empty where that is not so.
pub(super) fn changed_again(shown: Option<&ShownState>, found: &State, bodies: &dyn Bodies) -> String {
    match shown.filter(|shown| !shown.is_still(found)) {
        Some(shown) => format!("; it changed again after it was shown: {}", between(&shown.state, found, bodies)),
        None => String::new(),
    }
}

/// What differs between two states: of directories the paths, if their lists can be opened.
fn between(was: &State, is: &State, bodies: &dyn Bodies) -> String {
    let mut all = match (was, is) {
        (State::Tree { list: Some(was), .. }, State::Tree { list: Some(is), .. }) => paths(*was, *is, bodies),
        _ => Vec::new(),
    };
    if all.is_empty() {
        all = was.difference(is);
    }
    match all.is_empty() {
        true => format!("was {was}, is {is}"),
        false => all.join(", "),
    }
}

/// The paths of a directory that differ; none if one of the lists cannot be opened.
fn paths(was: BodyId, is: BodyId, bodies: &dyn Bodies) -> Vec<String> {
    let text = |id| bodies.get(id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (Some(was), Some(is)) = (text(was), text(is)) else { return Vec::new() };
    let (mut named, count) = tree::differences(&was, &is, NAMED);
    if count > named.len() {
        named.push(format!("and {} more", count - named.len()));
    }
    named
}

/// The last recorded state of a resource, as this run would have recorded it. `opened` keeps long images open.
pub(super) fn last_recorded(
    history: &History,
    journal: &impl JournalRead,
    store: &BodyStore,
    (run, key): (RunId, &ResourceKey),
    opened: &mut BTreeMap<BodyId, Image>,
) -> Result<Option<State>, BodyError> {
    let Some(recorded) = history.last(run, key) else { return Ok(None) };
    let mut open = |recorded: &Recorded| open(history, journal, store, (run, key, recorded), opened);
    let state = open(recorded)?;
    match &recorded.content {
        Some(content) => {
            let content = open(content)?;
            Ok(state.map(|state| content.iter().fold(state, |state, content| state.with_content_of(content))))
        }
        None => Ok(state),
    }
}

/// What one record has of a resource, as this run would have recorded it.
fn open(
    history: &History,
    journal: &impl JournalRead,
    store: &BodyStore,
    (run, key, recorded): (RunId, &ResourceKey, &Recorded),
    opened: &mut BTreeMap<BodyId, Image>,
) -> Result<Option<State>, BodyError> {
    let keys_of = |run: RunId| history.runs.get(&run).map_or(run, |state| state.opened.keys);
    // Content is named by a digest under its run's keys: another run's content must be named anew.
    let (keys, own) = (keys_of(recorded.run), keys_of(run));
    let vault = || if keys == own { Ok(store.vault.clone()) } else { journal.vault(keys) };
    let state = match &*recorded.image {
        ImageRef::Here(image) => image.get(key).cloned(),
        ImageRef::Sealed { body, .. } => {
            if !opened.contains_key(body) {
                opened.insert(*body, store.image_with(&*vault()?, &recorded.image)?);
            }
            opened.get(body).and_then(|image| image.get(key).cloned())
        }
    };
    match state {
        Some(state) if keys != own => {
            let vault = vault()?;
            state.with_bodies(|id| store.vault.digest(&store.open_with(&*vault, id)?)).map(Some)
        }
        state => Ok(state),
    }
}
