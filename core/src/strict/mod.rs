//! Strict replay: every entry held against what rules, plan and the entries before it determine. No effects, no clock.
//!
//! A fold takes what is recorded; strict replay asks of each entry whether it *had* to be so. The first one that is
//! otherwise is named as (sequence, expected, got): a journal altered consistently, its hashes made anew, or a driver
//! that decides otherwise than the rules do.
//!
//! What it cannot know, because it came from the world or from a person and stands nowhere else: what an image shows,
//! what a job said of itself, how a gate's sample came out, which of several ready steps was taken first, when, and who
//! answered what. Images whose keys were erased are not looked into; what would have needed them is counted as
//! unchecked and never held against the run. A run under rules that this binary does not have is counted and left to
//! the release that has them.

mod run;
mod step;
mod told;

use crate::id::{BlobId, BodyId, Epoch, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::port::{ReadError, Stored};
use crate::record::{Event, ImageRef, Owner, RunClosed, Sealed};
use crate::resource::{Image, State};
use crate::run::history::{History, LoadError, Recorded};
use crate::run::inadmissible::Inadmissible;
use crate::run::life::Illegal;
use crate::run::plan::StepIx;
use crate::run::rules::prepare::{Drift, Opened};
use crate::run::rules::version::Rules;
use crate::run::state::ApplyError;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// So many opened images are kept: an intent's is needed again at its outcome.
const KEPT: usize = 64;

/// Opens bodies, as far as their keys are there.
pub trait Keys {
    /// A body of a run family; none if its key was erased or is not there.
    fn open(&self, family: RunId, id: BodyId, sealed: &Sealed) -> Option<Vec<u8>>;
    /// The id that a content has in a run family.
    fn digest(&self, family: RunId, bytes: &[u8]) -> Option<BodyId>;
}

/// The first entry that is not as it had to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} of run {run} is not what follows from the entries before it: expected {expected}; got {got}")]
pub struct Divergence {
    /// By its sequence in the journal, counted from 1.
    pub seq: Seq,
    /// The run that recorded it, by its id.
    pub run: RunId,
    /// The step it is about.
    pub step: Option<StepPath>,
    /// What rules, plan and history ask for.
    pub expected: String,
    /// What stands there.
    pub got: String,
}

/// Why a journal does not replay.
#[derive(Debug, thiserror::Error)]
pub enum StrictError {
    /// It is not what the rules lead to.
    #[error(transparent)]
    Diverged(Box<Divergence>),
    /// It cannot be read or folded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// What an entry asked for and could not be checked, since a body could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unchecked {
    /// The action of a step: it is filled in from a sealed image or file.
    Action,
    /// Inverse and losses of an intent, from its sealed before-image.
    Inverse,
    /// Whether drift was found and named in full.
    Drift,
    /// Whether an outcome keeps what its action promises.
    Promise,
    /// What a look at an in-doubt step says.
    Verdict,
    /// The plan of a rollback.
    Plan,
    /// How a rollback ended.
    Ending,
}

impl Unchecked {
    /// What was not held against anything, for the report of a replay.
    pub fn words(self) -> &'static str {
        match self {
            Self::Action => "actions filled in from sealed content",
            Self::Inverse => "inverses of sealed before-images",
            Self::Drift => "comparisons with the last recorded state",
            Self::Promise => "promises held against sealed images",
            Self::Verdict => "looks judged from sealed images",
            Self::Plan => "plans of rollbacks made from sealed images",
            Self::Ending => "comparisons at the end of a rollback",
        }
    }
}

/// What was replayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Runs whose every entry follows from the ones before.
    pub runs: u64,
    /// Their entries.
    pub entries: u64,
    /// What could not be checked, since a body could not be opened.
    pub unchecked: BTreeMap<Unchecked, u64>,
    /// Runs under rules that this binary does not have, with those rules; they were not replayed.
    pub foreign: BTreeMap<RunId, u32>,
}

/// What else is known of a run, beside the fold.
#[derive(Debug, Default)]
struct Track {
    /// Steps whose job was found running and is waited for.
    attached: BTreeSet<StepIx>,
    /// Drift that was told of and led to no intent yet.
    drifts: BTreeMap<StepIx, Vec<Drift>>,
    /// When a gate may be sampled again.
    sleeps: BTreeMap<StepIx, Micros>,
    /// The epoch of its last entry.
    epoch: Epoch,
}

/// What must come next, unless the process died before it wrote it.
#[derive(Debug)]
enum Due {
    /// A gate's decision.
    Gate { run: RunId, event: Box<Event> },
    /// The end of a run that ends with its rollback.
    Companion { run: RunId, closed: Box<RunClosed> },
}

/// See the module.
pub struct Strict<'a> {
    keys: &'a dyn Keys,
    /// Only this run is checked; the others are folded.
    only: Option<RunId>,
    history: History,
    tracks: HashMap<RunId, Track>,
    due: Option<(Epoch, Due)>,
    owner: Option<(Epoch, Owner)>,
    /// The epoch of the last entry.
    epoch: Epoch,
    /// Whether this entry is what the one before it asked for.
    decided: bool,
    images: RefCell<HashMap<BodyId, Arc<Image>>>,
    replayed: Replayed,
}

type Checked = Result<(), Box<Divergence>>;

impl<'a> Strict<'a> {
    /// Before the first entry.
    pub fn new(keys: &'a dyn Keys, only: Option<RunId>) -> Self {
        Self {
            keys,
            only,
            history: History::default(),
            tracks: HashMap::new(),
            due: None,
            owner: None,
            epoch: Epoch(0),
            decided: false,
            images: RefCell::default(),
            replayed: Replayed::default(),
        }
    }

    /// The history so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What was replayed so far.
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    /// Holds the next entry against the history so far, then takes it in.
    pub fn next(
        &mut self,
        stored: &Stored,
        public: &mut dyn FnMut(BlobId) -> Result<Vec<u8>, ReadError>,
    ) -> Result<(), StrictError> {
        let entry = &stored.entry;
        let process = self.process(stored);
        let wanted = self.only.is_none_or(|run| run == entry.run);
        if let Event::RunOpened(opened) = &entry.event
            && Rules::of(opened.rules).is_none()
        {
            if wanted {
                self.replayed.foreign.insert(entry.run, opened.rules);
            }
            self.due = None;
            return Ok(self.history.apply(stored, public)?);
        }
        if self.history.foreign.contains_key(&entry.run) || !wanted {
            self.due = None;
            return Ok(self.history.apply(stored, public)?);
        }
        let lists = match &entry.event {
            Event::RunClosed(closed) => closed.lists.map(&mut *public).transpose().map_err(LoadError::from)?,
            _ => None,
        };
        process.map_err(StrictError::Diverged)?;
        let checked = match self.history.runs.get(&entry.run) {
            Some(state) => state.admits(&entry.event).map_err(|why| self.refused(stored, &why)),
            None => Ok(None),
        };
        checked.and_then(|_| self.check(stored, lists.as_deref())).map_err(StrictError::Diverged)?;
        if let Err(error) = self.history.apply(stored, public) {
            return Err(match error {
                LoadError::Apply(ApplyError { why, .. }) => StrictError::Diverged(self.refused(stored, &why)),
                error => error.into(),
            });
        }
        if let Event::RunOpened(_) = &entry.event {
            self.opened(stored).map_err(StrictError::Diverged)?;
            self.replayed.runs += 1;
        }
        self.replayed.entries += 1;
        Ok(())
    }

    /// A divergence at an entry.
    fn diverged(&self, stored: &Stored, expected: impl Into<String>, got: impl Into<String>) -> Box<Divergence> {
        Box::new(Divergence {
            seq: stored.entry.seq,
            run: stored.entry.run,
            step: stored.entry.event.step().cloned(),
            expected: expected.into(),
            got: got.into(),
        })
    }

    fn refused(&self, stored: &Stored, why: &Inadmissible) -> Box<Divergence> {
        let expected = match why {
            Inadmissible::Illegal { illegal: Illegal { from, .. }, step } => {
                format!("what a step that is {from} can take ({step})")
            }
            Inadmissible::Attempt { at, .. } => format!("attempt {at}"),
            Inadmissible::NotDue(_) => self.ready_words(stored.entry.run),
            Inadmissible::Closed => "nothing: the run is closed".to_owned(),
            other => other.to_string(),
        };
        self.diverged(stored, expected, told::event(&stored.entry.event))
    }

    /// What may be done next in a run, in words.
    fn ready_words(&self, run: RunId) -> String {
        let Some(state) = self.history.runs.get(&run) else { return "no entry of that run".to_owned() };
        let paths: Vec<&str> = state
            .ready()
            .filter_map(|next| state.step(next.step()))
            .map(|(step, _)| step.path.as_str())
            .take(5)
            .collect();
        match (&state.paused, paths.as_slice()) {
            (Some(_), _) => "nothing before another process takes the paused run over".to_owned(),
            (None, []) => "no step: none is ready".to_owned(),
            (None, paths) => format!("one of the steps that are ready: {}", paths.join(", ")),
        }
    }

    fn track(&mut self, run: RunId) -> &mut Track {
        self.tracks.entry(run).or_default()
    }

    fn unchecked(&mut self, what: Unchecked) {
        *self.replayed.unchecked.entry(what).or_default() += 1;
    }

    /// The image behind a reference of a run family, if it can be opened.
    fn image(&self, family: RunId, image: &ImageRef) -> Option<Arc<Image>> {
        match image {
            ImageRef::Here(image) => Some(image.clone()),
            ImageRef::Sealed { body, .. } => {
                if let Some(known) = self.images.borrow().get(body) {
                    return Some(known.clone());
                }
                let sealed = self.history.bodies.get(body)?;
                let bytes = self.keys.open(family, *body, sealed)?;
                let image: Arc<Image> = Arc::new(crate::canon::decode(&bytes).ok()?);
                let mut kept = self.images.borrow_mut();
                if kept.len() >= KEPT {
                    kept.clear();
                }
                kept.insert(*body, image.clone());
                Some(image)
            }
        }
    }

    /// Whose keys seal the bodies of a run.
    fn family(&self, run: RunId) -> RunId {
        self.history.runs.get(&run).map_or(run, |state| state.opened.keys)
    }

    /// The last recorded state of a resource in the words of a run, whose contents have other ids than those of a run
    /// of another family. `Err` if it cannot be opened.
    fn last(&self, run: RunId, key: &ResourceKey) -> Result<Option<State>, ()> {
        let Some(recorded) = self.history.last(run, key) else { return Ok(None) };
        let state = self.recorded(run, key, recorded)?;
        match &recorded.content {
            Some(content) => {
                let content = self.recorded(run, key, content)?;
                Ok(state.map(|state| content.iter().fold(state, |state, content| state.with_content_of(content))))
            }
            None => Ok(state),
        }
    }

    /// What one record has of a resource, as this run would have recorded it.
    fn recorded(&self, run: RunId, key: &ResourceKey, recorded: &Recorded) -> Result<Option<State>, ()> {
        let Recorded { run: by, image, .. } = recorded;
        let foreign = self.history.foreign.get(by).map(|foreign| foreign.opened.keys);
        let (mine, theirs) = (self.family(run), foreign.unwrap_or_else(|| self.family(*by)));
        let image = self.image(theirs, image).ok_or(())?;
        let Some(state) = image.get(key).cloned() else { return Ok(None) };
        if mine == theirs {
            return Ok(Some(state));
        }
        let told = |id| {
            let sealed = self.history.bodies.get(&id).ok_or(())?;
            let bytes = self.keys.open(theirs, id, sealed).ok_or(())?;
            self.keys.digest(mine, &bytes).ok_or(())
        };
        state.with_bodies(told).map(Some)
    }
}

/// What a run recorded, opened with the keys that are there.
struct With<'s, 'a>(&'s Strict<'a>, RunId);

impl Opened for With<'_, '_> {
    fn image(&self, image: &ImageRef) -> Result<Arc<Image>, String> {
        self.0.image(self.1, image).ok_or_else(|| "its key was erased".to_owned())
    }

    fn body(&self, id: BodyId) -> Result<Vec<u8>, String> {
        let sealed = self.0.history.bodies.get(&id).ok_or_else(|| "it is not there".to_owned())?;
        self.0.keys.open(self.1, id, sealed).ok_or_else(|| "its key was erased".to_owned())
    }
}
