//! What a rollback would find if it began, or went on, now: each of its steps is looked at as the driver looks before an
//! intent, and judged by the same rules. Nothing is recorded, sealed or changed. A preview shows it, and a person who agrees
//! to overwrite what someone changed agrees to what is found here.

use super::activity::{self, Seen};
use super::bodies::{BodyStore, Here};
use super::drift::{differs, last_recorded};
use super::{BodyReader, DriveError};
use futures_util::stream::{self, StreamExt as _};
use palinode_core::action::{Action, Place};
use palinode_core::chain::chain;
use palinode_core::id::{BodyId, EntryId, Epoch, HostName, Micros, ResourceKey, RunId, Seq, StepPath};
use palinode_core::port::{Bodies, BodyError, Executor, JournalRead, Stored};
use palinode_core::record::{Class, Entry, Event, RunOpened};
use palinode_core::resource::{Fields, Footprint, Residue, State};
use palinode_core::run::compensate::Compensation;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Plan, StepIx, Work};
use palinode_core::run::rules::prepare::{self, Drift, Original};
use palinode_core::run::rules::version::Rules;
use palinode_core::run::state::RunState;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// At most this many hosts are looked at side by side.
const SIDE_BY_SIDE: usize = 16;

/// The rollback that is looked ahead of.
#[derive(Debug, Clone, Copy)]
pub enum Ahead<'a> {
    /// One that does not exist yet: of this run, by this way back. Before it begins it looks at these steps, which are in
    /// doubt; what it finds then counts as recorded.
    New(RunId, &'a Compensation, &'a [StepPath]),
    /// One that is open, and goes on.
    Open(RunId),
}

/// What one step of a rollback would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// The step of the rollback.
    pub step: StepPath,
    /// What it would find.
    pub what: Foresight,
    /// What it would do; none where there is nothing to do, or it could not be looked at.
    pub does: Option<Does>,
}

/// What a step would do, as its intent would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Does {
    /// The action, with what only the host could tell of it.
    pub action: Action,
    /// All that it would be about.
    pub footprint: Vec<Footprint>,
    /// What it would lose for good.
    pub losses: Vec<Residue>,
}

/// See [`Foreseen`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foresight {
    /// All is as it was last recorded.
    AsRecorded,
    /// It is already as it is to be: there is nothing to do.
    AlreadyThere,
    /// Steps before it change all that it is about: a look now says nothing of it.
    Later,
    /// These resources are not as last recorded, or that is not known; the step would stop at the first of them.
    Drifted(Vec<Changed>),
    /// It could not be looked at.
    Unseen(String),
}

/// A resource that is not as last recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// By its key: the host or cluster, and what it is there.
    pub key: ResourceKey,
    /// Its last recorded state; none where what was recorded cannot be opened any more.
    pub expected: Option<State>,
    /// What was found.
    pub found: State,
    /// What of it the step changes back.
    pub fields: Fields,
    /// What differs, in words.
    pub what: String,
}

/// Keeps what is looked at in memory, under the ids that a record of it would have.
struct Kept<'a> {
    store: &'a BodyStore,
    seen: RefCell<HashMap<BodyId, Vec<u8>>>,
}

impl Bodies for Kept<'_> {
    fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let id = self.store.vault.digest(bytes)?;
        self.seen.borrow_mut().entry(id).or_insert_with(|| bytes.to_owned());
        Ok(id)
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        match self.seen.borrow().get(&id) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.store.open(id),
        }
    }
}

/// Looks at all that a rollback would look at, hosts side by side, and judges it in its order. `silent`: hosts that are not
/// asked, and why.
pub async fn foresee<E: Executor>(
    executor: &E,
    journal: &impl JournalRead,
    history: &History,
    ahead: Ahead<'_>,
    silent: &BTreeMap<HostName, String>,
) -> Result<Vec<Foreseen>, DriveError> {
    let of = match ahead {
        Ahead::New(run, ..) | Ahead::Open(run) => run,
    };
    let known = history.runs.get(&of).ok_or(DriveError::NoRun(of))?;
    let store = BodyReader::of(journal, history, of)?.into_store();
    // The rules ask the history of the run that acts, which may be one that does not exist yet; and all that drifted is told,
    // not the first alone, as if it went on over each.
    let (run, history, doubts): (_, _, Vec<StepPath>) = match ahead {
        Ahead::New(_, way, doubts) => {
            let (run, history) = with_run(history, known, &way.plan);
            (run, history, doubts.to_vec())
        }
        Ahead::Open(run) => {
            let mut history = history.clone();
            history.runs.entry(run).and_modify(|state| state.force = true);
            (run, history, known.steps_in_doubt().map(|(step, _)| step.path.clone()).collect())
        }
    };
    let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let kept = Kept { store: &store, seen: RefCell::default() };
    let mut moving: BTreeSet<ResourceKey> = doubts
        .iter()
        .filter_map(|step| known.step(known.find(step)?))
        .flat_map(|(_, known)| known.intent.iter().flat_map(|intent| &intent.footprint))
        .map(|place| place.key.clone())
        .collect();
    let mut looks = look_at_all(executor, state, &kept, silent).await;
    let mut opened = BTreeMap::new();
    let mut all = Vec::new();
    for (ix, step, _) in state.steps() {
        let Some(seen) = looks.remove(&ix) else { continue };
        let last = |key: &ResourceKey| last_recorded(&history, journal, &store, (run, key), &mut opened);
        let (what, does) = match seen {
            Ok(seen) => judge(&history, (state, ix), seen, &kept, last, &mut moving),
            Err(why) => (Foresight::Unseen(why), None),
        };
        all.push(Foreseen { step: step.path.clone(), what, does });
    }
    Ok(all)
}

/// Looks for each step that is not over: those of a host one after the other, hosts side by side.
async fn look_at_all<E: Executor>(
    executor: &E,
    state: &RunState,
    kept: &Kept<'_>,
    silent: &BTreeMap<HostName, String>,
) -> BTreeMap<StepIx, Result<Seen, String>> {
    let mut found = BTreeMap::new();
    let mut by_host: BTreeMap<Option<&HostName>, Vec<StepIx>> = BTreeMap::new();
    for (ix, step, known) in state.steps() {
        let Work::Act(action) = &step.work else { continue };
        if step.undoes.is_none() || known.stage.is_behind() {
            continue;
        }
        let host = step.target.host.as_ref();
        match host.filter(|_| action.place() == Place::Host).and_then(|host| silent.get(host)) {
            Some(why) => {
                found.insert(ix, Err(why.clone()));
            }
            None => by_host.entry(host).or_default().push(ix),
        }
    }
    let lanes = by_host.into_values().map(|steps| async move {
        let mut lane = Vec::with_capacity(steps.len());
        for ix in steps {
            lane.push((ix, look(executor, state, ix, kept).await));
        }
        lane
    });
    let lanes: Vec<_> = stream::iter(lanes).buffer_unordered(SIDE_BY_SIDE).collect().await;
    found.extend(lanes.into_iter().flatten());
    found
}

/// What one step would see; else why not.
async fn look<E: Executor>(executor: &E, state: &RunState, ix: StepIx, kept: &Kept<'_>) -> Result<Seen, String> {
    let Some((step, known)) = state.step(ix) else { return Err("the plan has no such step".to_owned()) };
    let action: Action = prepare::action(state, ix, &Here(kept.store))?;
    let (touched, places) = prepare::touched(state, step, known);
    let seen = activity::see(executor, kept, step.target.clone(), &action, &touched, places, &[]).await;
    seen.map_err(|error| chain(&error))
}

/// What a look means to its step. `moving`: what steps before it change, so that a look now says nothing of it.
fn judge(
    history: &History,
    (state, ix): (&RunState, StepIx),
    seen: Seen,
    kept: &Kept<'_>,
    mut last: impl FnMut(&ResourceKey) -> Result<Option<State>, BodyError>,
    moving: &mut BTreeSet<ResourceKey>,
) -> (Foresight, Option<Does>) {
    let Some((step, _)) = state.step(ix) else { return (Foresight::AsRecorded, None) };
    let Seen { action, target, footprint, image, .. } = seen;
    let about = || footprint.iter().filter(|place| place.fields != Fields::Evidence);
    let still: Vec<_> = footprint.iter().filter(|place| !moving.contains(&place.key)).cloned().collect();
    if still.len() == footprint.len() && prepare::settled(&action, &step.accepts, &image) {
        return (Foresight::AlreadyThere, None);
    }
    let mut changed = Vec::new();
    for place in &still {
        let mut unknown = None;
        let last = |key: &ResourceKey| last(key).inspect_err(|error| unknown = Some(chain(error)));
        let one = std::slice::from_ref(place);
        // An error is never returned of a step that goes on all the same.
        let found = prepare::drifts(history, state.run, (step, &action), (one, &image), last).unwrap_or_default();
        let fields = place.fields;
        changed.extend(found.into_iter().map(|Drift { key, expected, found, .. }| {
            let what = differs(history, state.run, (&key, &expected, &found), kept);
            Changed { key, expected: Some(expected), found, fields, what }
        }));
        if let (Some(why), Some(found)) = (unknown, image.get(&place.key)) {
            let what = format!("what was recorded cannot be opened: {why}");
            changed.push(Changed { key: place.key.clone(), expected: None, found: found.clone(), fields, what });
        }
    }
    let is_later = about().next().is_some() && about().all(|place| moving.contains(&place.key));
    moving.extend(about().map(|place| place.key.clone()));
    let Original { losses, .. } = Original::found(state.rules, &action, &target, &footprint, image);
    let what = match changed.is_empty() {
        true if is_later => Foresight::Later,
        true => Foresight::AsRecorded,
        false => Foresight::Drifted(changed),
    };
    (what, Some(Does { action, footprint, losses }))
}

/// The history with a run in it that was opened with this plan and did nothing.
fn with_run(history: &History, original: &RunState, plan: &Plan) -> (RunId, History) {
    let mut run = original.run;
    while history.runs.contains_key(&run) {
        // Any id that no run has.
        run.0 = std::array::from_fn(|at| run.0[at].wrapping_add(u8::from(at == 0)).rotate_left(u32::from(at == 7)));
    }
    let opened = RunOpened { compensates: plan.compensates.clone(), force: true, ..(*original.opened).clone() };
    let entry = Entry {
        seq: Seq(history.seq.0.saturating_add(1)),
        run,
        epoch: Epoch(0),
        time: Micros(0),
        wall: None,
        prev: EntryId([0; 32]),
        event: Event::RunOpened(Box::new(opened.clone())),
        bodies: BTreeMap::new(),
    };
    let stored = Stored { id: EntryId([0; 32]), entry };
    let mut history = history.clone();
    history.runs.insert(run, RunState::open(&stored, &opened, Rules::NOW, Arc::new(plan.clone())));
    (run, history)
}
