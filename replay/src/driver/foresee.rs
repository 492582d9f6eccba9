//! What a rollback would find if it began now: each of its steps is looked at as the driver looks before an intent, and
//! judged by the same rules. Nothing is recorded, sealed or changed.

use super::activity::{self, Seen};
use super::bodies::{BodyStore, Here};
use super::{BodyReader, DriveError};
use palinode_core::action::{Action, Place};
use palinode_core::chain::chain;
use palinode_core::id::{BodyId, EntryId, Epoch, HostName, Micros, ResourceKey, RunId, Seq, StepPath};
use palinode_core::port::{Bodies, BodyError, Executor, JournalRead, Stored};
use palinode_core::record::{Class, Entry, Event, ImageRef, RunOpened};
use palinode_core::resource::{Fields, Image, State};
use palinode_core::run::compensate::Compensation;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Plan, StepIx, Work};
use palinode_core::run::rules::prepare::{self, Drift};
use palinode_core::run::rules::version::Rules;
use palinode_core::run::state::RunState;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What one step of a rollback would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// The step of the rollback.
    pub step: StepPath,
    /// What it would find.
    pub what: Foresight,
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
    /// These resources are not as last recorded, and the step would stop at the first of them.
    Drifted(Vec<Drift>),
    /// It could not be looked at, or what was recorded could not be opened.
    Unseen(String),
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

/// Looks at all that a rollback of a run by this way back would look at, in its order. `doubts`: steps that it would look
/// at first; what is found of them then counts as recorded. `silent`: hosts that are not asked, and why.
pub async fn foresee<E: Executor>(
    executor: &E,
    journal: &impl JournalRead,
    history: &History,
    run: RunId,
    way: &Compensation,
    (doubts, silent): (&[StepPath], &BTreeMap<HostName, String>),
) -> Result<Vec<Foreseen>, DriveError> {
    let original = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let store = BodyReader::of(journal, history, run)?.into_store();
    // The rules ask the history of the run that acts: it is one that does not exist yet.
    let (back, history) = with_run(history, original, &way.plan);
    let state = history.runs.get(&back).ok_or(DriveError::NoRun(back))?;
    let kept = Kept { store: &store, seen: RefCell::default() };
    let mut moving: BTreeSet<ResourceKey> = doubts
        .iter()
        .filter_map(|step| original.step(original.find(step)?))
        .flat_map(|(_, known)| known.intent.iter().flat_map(|intent| &intent.footprint))
        .map(|place| place.key.clone())
        .collect();
    let mut opened = BTreeMap::new();
    let mut all = Vec::new();
    for (ix, step, _) in state.steps() {
        let Work::Act(action) = &step.work else { continue };
        if let Some(why) =
            step.target.host.as_ref().filter(|_| action.place() == Place::Host).and_then(|host| silent.get(host))
        {
            all.push(Foreseen { step: step.path.clone(), what: Foresight::Unseen(why.clone()) });
            continue;
        }
        let mut last = |key: &ResourceKey| last_recorded(&history, journal, &store, (back, key), &mut opened);
        let what = look(executor, &history, state, ix, &kept, &mut last, &mut moving).await?;
        all.push(Foreseen { step: step.path.clone(), what });
    }
    Ok(all)
}

/// The history with a run in it that was opened with this plan and did nothing.
fn with_run(history: &History, original: &RunState, plan: &Plan) -> (RunId, History) {
    let mut run = original.run;
    while history.runs.contains_key(&run) {
        // Any id that no run has.
        run.0 = std::array::from_fn(|at| run.0[at].wrapping_add(u8::from(at == 0)).rotate_left(u32::from(at == 7)));
    }
    // All that drifted is told, and not the first alone: as if it went on over each.
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

/// What one step would find. `moving`: what steps before it change, so that a look now says nothing of it.
async fn look<E: Executor>(
    executor: &E,
    history: &History,
    state: &RunState,
    ix: StepIx,
    kept: &Kept<'_>,
    last: &mut dyn FnMut(&ResourceKey) -> Result<Option<State>, BodyError>,
    moving: &mut BTreeSet<ResourceKey>,
) -> Result<Foresight, DriveError> {
    let Some((step, known)) = state.step(ix) else { return Ok(Foresight::AsRecorded) };
    let action: Action = match prepare::action(state, ix, &Here(kept.store)) {
        Ok(action) => action,
        Err(why) => return Ok(Foresight::Unseen(why)),
    };
    let (touched, known_places) = prepare::touched(state, step, known);
    let seen = activity::see(executor, kept, step.target.clone(), &action, &touched, known_places, &[]).await;
    let Seen { action, footprint, image, .. } = match seen {
        Ok(seen) => seen,
        Err(error) => return Ok(Foresight::Unseen(chain(&error))),
    };
    let about = || footprint.iter().filter(|place| place.fields != Fields::Evidence);
    let is_still = |key: &ResourceKey| !moving.contains(key);
    let still: Vec<_> = footprint.iter().filter(|place| is_still(&place.key)).cloned().collect();
    if still.len() == footprint.len() && prepare::settled(&action, &step.accepts, &image) {
        return Ok(Foresight::AlreadyThere);
    }
    let mut unknown = None;
    let told = |key: &ResourceKey| {
        let state = last(key);
        if let Err(error) = &state {
            unknown.get_or_insert_with(|| chain(error));
        }
        state
    };
    let found = prepare::drifts(history, state.run, (step, &action), (&still, &image), told)?;
    let is_later = about().next().is_some() && about().all(|place| moving.contains(&place.key));
    moving.extend(about().map(|place| place.key.clone()));
    Ok(match (found.as_slice(), unknown) {
        ([], Some(why)) => Foresight::Unseen(why),
        ([], None) if is_later => Foresight::Later,
        ([], None) => Foresight::AsRecorded,
        (_, _) => Foresight::Drifted(found),
    })
}

/// The last recorded state of a resource, as the run that does not exist would have recorded it.
fn last_recorded(
    history: &History,
    journal: &impl JournalRead,
    store: &BodyStore,
    (run, key): (RunId, &ResourceKey),
    opened: &mut BTreeMap<BodyId, Image>,
) -> Result<Option<State>, BodyError> {
    let Some(recorded) = history.last(run, key) else { return Ok(None) };
    let keys_of = |run: RunId| history.runs.get(&run).map_or(run, |state| state.opened.keys);
    // Content is named by a digest under its run's keys: another run's content must be told anew.
    let (keys, own) = (keys_of(recorded.run), keys_of(run));
    let vault = if keys == own { store.vault.clone() } else { journal.vault(keys)? };
    let state = match &*recorded.image {
        ImageRef::Here(image) => image.get(key).cloned(),
        ImageRef::Sealed { body, .. } => {
            if !opened.contains_key(body) {
                opened.insert(*body, store.image_with(&*vault, &recorded.image)?);
            }
            opened.get(body).and_then(|image| image.get(key).cloned())
        }
    };
    match state {
        Some(state) if keys != own => {
            state.with_bodies(|id| store.vault.digest(&store.open_with(&*vault, id)?)).map(Some)
        }
        state => Ok(state),
    }
}
