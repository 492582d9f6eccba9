//! From a plan's step to the action, the resources and the drift of an attempt.

use crate::action::{Accept, Accepted, Action, Target, Undo, units};
use crate::id::{BodyId, Label, ResourceKey, RunId};
use crate::record::ImageRef;
use crate::resource::{Fields, Footprint, Image, Kind, Residue, State};
use crate::run::history::History;
use crate::run::plan::{Step, StepIx, Work};
use crate::run::rules::version::Rules;
use crate::run::state::{RunState, StepState};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// Resources by key, the fields of repeated ones joined.
pub fn joined(all: impl IntoIterator<Item = Footprint>) -> Vec<Footprint> {
    let mut map: BTreeMap<ResourceKey, Fields> = BTreeMap::new();
    for Footprint { key, fields } in all {
        map.entry(key).and_modify(|known| *known = known.join(fields)).or_insert(fields);
    }
    map.into_iter().map(|(key, fields)| Footprint::new(key, fields)).collect()
}

/// Opens what a run recorded: images, and contents.
pub trait Opened {
    /// The image behind a reference; else why there is none.
    fn image(&self, image: &ImageRef) -> Result<Arc<Image>, String>;
    /// A content; else why there is none.
    fn body(&self, id: BodyId) -> Result<Vec<u8>, String>;
}

/// The concrete action of a step, or why there is none.
pub fn action(state: &RunState, ix: StepIx, opened: &dyn Opened) -> Result<Action, String> {
    let Some((step, _)) = state.step(ix) else { return Err("the plan has no such step".to_owned()) };
    let Work::Act(action) = &step.work else { return Err("a gate has no action".to_owned()) };
    // What a rollback puts back is what was recorded: two braces in an annotation are no template.
    let action = if step.undoes.is_some() { action.clone() } else { filled(state, ix, action)? };
    match &action {
        Action::Restore(restore) => {
            let image = before_of(state, step, &restore.step, opened)?;
            restore.resolve(&image).ok_or_else(|| {
                format!("the before-image of `{}` has no node, so there is nothing to put back", restore.step)
            })
        }
        Action::InventoryEdit(edit) => match &edit.home_of {
            None => Ok(action),
            Some(label) => {
                let image = before_of(state, step, label, opened)?;
                let file = image.iter().find_map(|(key, state)| match (key.kind(), state) {
                    (Some(Kind::File("control", _)), State::File { body, .. }) => Some(*body),
                    _ => None,
                });
                let body = file.ok_or_else(|| format!("the before-image of `{label}` has no inventory"))?;
                let bytes = opened.body(body)?;
                let text = String::from_utf8(bytes).map_err(|_| "the recorded inventory is not UTF-8".to_owned())?;
                Ok(Action::InventoryEdit(edit.resolve(&text)))
            }
        },
        _ => Ok(action),
    }
}

/// Looks for two braces in what is written, keeping nothing of it.
#[derive(Default)]
struct Braces {
    one: bool,
    found: bool,
}

impl io::Write for Braces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.found |= self.one && *byte == b'{';
            self.one = *byte == b'{';
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether any text of the action holds a template.
fn has_template(action: &Action) -> bool {
    let mut braces = Braces::default();
    // In JSON two braces stand side by side in texts only: a map begins with a quoted name.
    serde_json::to_writer(&mut braces, action).is_err() || braces.found
}

/// The action with captured values in it. Captures are public texts; an action with a template goes through its generic
/// form once.
fn filled(state: &RunState, ix: StepIx, action: &Action) -> Result<Action, String> {
    if !has_template(action) {
        return Ok(action.clone());
    }
    let mut value = serde_json::to_value(action).map_err(|error| error.to_string())?;
    fill(&mut value, &|text| state.filled(ix, text));
    let action: Action = serde_json::from_value(value)
        .map_err(|_| format!("a captured value does not fit where `{}` needs it", action.name()))?;
    action.check().map_err(|error| error.reason)?;
    if has_template(&action) {
        return Err("a captured value is missing: the step that brings it was passed over".to_owned());
    }
    Ok(action)
}

fn fill(value: &mut serde_json::Value, change: &dyn Fn(&str) -> String) {
    match value {
        serde_json::Value::String(text) => *text = change(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| fill(item, change)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|value| fill(value, change)),
        _ => {}
    }
}

/// The before-image of an earlier step of the same target.
fn before_of(state: &RunState, step: &Step, label: &Label, opened: &dyn Opened) -> Result<Arc<Image>, String> {
    let earlier = state.steps().find(|(_, other, known)| {
        other.label == *label && other.target.host == step.target.host && known.intent.is_some()
    });
    let intent = earlier.and_then(|(_, _, known)| known.intent.as_ref());
    let intent = intent.ok_or_else(|| format!("the step `{label}` was passed over, so there is no before-image"))?;
    opened.image(&intent.before)
}

/// What a step may change beyond its own action: the actions of the steps it touches, and the resources that those and
/// its own earlier attempts had.
pub fn touched(state: &RunState, step: &Step, known: &StepState) -> (Vec<Action>, Vec<Footprint>) {
    let mut actions = Vec::new();
    let mut places: Vec<Footprint> = Vec::new();
    for (other, known) in step.touches.iter().filter_map(|path| state.find(path)).filter_map(|ix| state.step(ix)) {
        if let Work::Act(action) = &other.work {
            actions.push(known.intent.as_ref().map_or_else(|| action.clone(), |intent| intent.action.clone()));
        }
        places.extend(known.intent.iter().flat_map(|intent| intent.footprint.iter().cloned()));
    }
    places.retain(|place| place.fields != Fields::Evidence);
    places.extend(known.intent.iter().flat_map(|intent| intent.footprint.iter().cloned()));
    (actions, places)
}

/// What an attempt takes for the original: what was there before, how to go back to it, and what is lost for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// What was there.
    pub before: Image,
    /// The way back to it.
    pub inverse: Vec<Undo>,
    /// What is lost.
    pub losses: Vec<Residue>,
}

impl Original {
    /// As a first attempt finds it.
    pub fn found(rules: Rules, action: &Action, target: &Target, footprint: &[Footprint], before: Image) -> Self {
        let (inverse, losses) = way_back(rules, action, target, footprint, &before);
        Self { inverse, losses, before }
    }
}

/// How an action is taken back to what was there, and what is lost for good.
pub fn way_back(
    rules: Rules,
    action: &Action,
    target: &Target,
    footprint: &[Footprint],
    before: &Image,
) -> (Vec<Undo>, Vec<Residue>) {
    let Action::Service(service) = action else { return (action.inverse(target, before), action.losses(before)) };
    // What is only looked at, such as a socket that starts a unit again, is nothing to take back.
    let owned = |key: &ResourceKey| footprint.iter().all(|place| place.key != *key || place.fields != Fields::Evidence);
    let owned = before.iter().filter(|(key, _)| owned(key)).map(|(key, state)| (key.clone(), state.clone()));
    let before: Image = owned.collect();
    let inverse = action.inverse(target, &before);
    match rules.units_come_back_together() {
        true => (units::together(service, inverse, &before), action.losses(&before)),
        false => (inverse, Vec::new()),
    }
}

/// Whether a retry found resources that the first attempt did not look at.
pub fn finds_more<'a>(rules: Rules, first: &ImageRef, found: impl IntoIterator<Item = &'a ResourceKey>) -> bool {
    if !rules.retries_extend_the_original() {
        return false;
    }
    let old: BTreeSet<&ResourceKey> = first.keys().collect();
    found.into_iter().any(|key| !old.contains(key))
}

/// The original of a retry that found more: of what the first attempt looked at it is what that one found, for our own
/// change is never taken for the original; of all else it is what is there now.
pub fn extended(
    rules: Rules,
    action: &Action,
    target: &Target,
    footprint: &[Footprint],
    (first, found): (Image, Image),
) -> Original {
    let mut before = found;
    before.extend(first);
    Original::found(rules, action, target, footprint, before)
}

/// Whether a rollback's step has nothing to do.
pub fn settled(action: &Action, accepts: &[Accept], image: &Image) -> bool {
    if let Action::InventoryRestore(restore) = action {
        return image.values().all(|state| *state == restore.to);
    }
    // Emptying or leaving a node that is not there.
    let gone = image.iter().any(|(key, state)| {
        matches!(key.kind(), Some(Kind::Node(_)))
            && *state == State::Absent
            && accepts.iter().any(|accept| accept.key == *key && accept.state == Accepted::Any)
    });
    if gone && matches!(action, Action::Cordon {} | Action::DeleteNode {}) {
        return true;
    }
    let goals: Vec<bool> = image.iter().filter_map(|(key, now)| action.met(key, None, now)).collect();
    !goals.is_empty() && goals.into_iter().all(|met| met)
}

/// A resource that is not as last recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// By its key: the host or cluster, and what it is there.
    pub key: ResourceKey,
    /// The last recorded state.
    pub expected: State,
    /// What was found.
    pub found: State,
    /// Whether the step goes on regardless.
    pub forced: bool,
}

/// Whether a state that is not the last recorded one is drift to this step. A rollback's step takes states that its
/// inverse names, and the state it is going to.
pub fn is_drift(history: &History, run: RunId, step: &Step, action: &Action, key: &ResourceKey, found: &State) -> bool {
    if step.undoes.is_none() {
        return true;
    }
    let undo = Undo { action: action.clone(), accepts: step.accepts.clone() };
    let accepted = undo.accepts(key, found, |uid| history.saw_uid(run, uid));
    !accepted && action.met(key, None, found) != Some(true)
}

/// Whether another object has the name of the one that was recorded last: one under a UID that nothing recorded.
fn is_another(history: &History, run: RunId, expected: &State, found: &State) -> bool {
    match (expected, found) {
        (State::Node(_), State::Node(node)) => !history.saw_uid(run, &node.uid),
        (State::Object { uid: was, .. }, State::Object { uid, .. }) => was != uid,
        _ => false,
    }
}

/// Whether the step goes on over someone's change: always on the way there, on the way back only if told to.
pub fn goes_on(step: &Step, force: bool) -> bool {
    step.undoes.is_none() || force
}

/// What is not as last recorded, in order, up to the first that stops the step. `last` tells a resource's last recorded
/// state; an error there is one if the step may not go on without knowing.
pub fn drifts<E>(
    history: &History,
    run: RunId,
    (step, action): (&Step, &Action),
    (footprint, image): (&[Footprint], &Image),
    mut last: impl FnMut(&ResourceKey) -> Result<Option<State>, E>,
) -> Result<Vec<Drift>, E> {
    let mut found = Vec::new();
    let state = history.runs.get(&run);
    let by_uid = step.undoes.is_some() && state.is_some_and(|state| state.rules.another_object_is_drift());
    for place in footprint.iter().filter(|place| place.fields != Fields::Evidence) {
        let Some(now) = image.get(&place.key) else { continue };
        let forced = goes_on(step, state.is_some_and(|state| state.may_overwrite(&place.key, now)));
        let expected = match last(&place.key) {
            Ok(Some(state)) => state,
            Ok(None) => continue,
            // What another run recorded cannot be opened any more. On the way there drift is only shown; on the way
            // back it must be known, or overwritten on purpose.
            Err(_) if forced => continue,
            Err(error) => return Err(error),
        };
        let same = expected.same(now, place.fields) && !(by_uid && is_another(history, run, &expected, now));
        if same || !is_drift(history, run, step, action, &place.key, now) {
            continue;
        }
        found.push(Drift { key: place.key.clone(), expected, found: now.clone(), forced });
        if !forced {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Scope;
    use crate::resource::Node;
    use crate::run::plan::Plan;
    use crate::test_util::fixture::{self, BACK, Bench, RUN};

    fn object(uid: &str) -> State {
        State::Object { uid: uid.to_owned(), body: BodyId([1; 32]), marks: BTreeMap::new() }
    }

    fn node(uid: &str) -> State {
        State::Node(Box::new(Node {
            uid: uid.to_owned(),
            unschedulable: true,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            taints: BTreeSet::new(),
            ready: true,
            runtime: String::new(),
            kubelet: String::new(),
        }))
    }

    #[test]
    fn an_undo_stops_at_another_object_of_that_name() {
        for rules in Rules::all() {
            let mut bench = Bench::open(&Plan { rules: rules.version(), ..fixture::hosts(1, 1, 0) });
            bench.succeed("a/one");
            let mut way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
            way.rules = rules.version();
            bench.begin(BACK, &way);
            let (forward, (undo, _)) = (bench.step(RUN, "a/one").0, bench.run(BACK).step(0).expect("an undo"));
            let Work::Act(action) = &undo.work else { unreachable!("an undo acts") };
            let stops = |run, step: &Step, key: &ResourceKey, fields, was: &State, is: &State| {
                let (place, image) = (Footprint::new(key.clone(), fields), Image::from([(key.clone(), is.clone())]));
                let last = |_: &ResourceKey| Ok::<_, ()>(Some(was.clone()));
                let found = drifts(&bench.history, run, (step, action), (&[place], &image), last);
                found.expect("it is known").len()
            };
            let (map, name) = (ResourceKey::config_map("space", "map"), ResourceKey::node("a"));
            let since = usize::from(rules.version() >= 4);
            assert_eq!(stops(BACK, undo, &map, Fields::Content, &object("1"), &object("2")), since, "{rules:?}");
            assert_eq!(stops(BACK, undo, &map, Fields::Content, &object("1"), &object("1")), 0);
            assert_eq!(stops(BACK, undo, &name, Fields::Schedulable, &node("1"), &node("2")), since, "{rules:?}");
            assert_eq!(stops(RUN, forward, &map, Fields::Content, &object("1"), &object("2")), 0, "on the way there");
            let accepts = vec![Accept { key: name.clone(), state: Accepted::NewNode }];
            let names_it = Step { accepts, ..undo.clone() };
            assert_eq!(stops(BACK, &names_it, &name, Fields::Schedulable, &node("1"), &node("2")), 0);
        }
    }
}
