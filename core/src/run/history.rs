//! The whole journal folded: every run, and the last recorded state of every resource, whichever step wrote it.

use crate::action::Action;
use crate::id::{BlobId, BodyId, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::port::{JournalRead, ReadError, Stored};
use crate::record::{
    Ending, Entry, Event, FoundThere, HostKeys, HostKeysError, ImageRef, JobWord, RunOpened, Sealed, ShownStatesError,
    SkipWhy, Undoes, Why, World,
};
use crate::resource::{Fields, Footprint};
use crate::run::inadmissible::Inadmissible;
use crate::run::plan::{Plan, PlanError, Work};
use crate::run::rules::version::Rules;
use crate::run::scope;
use crate::run::state::{ApplyError, RunState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why a journal could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stored plan could not be read.
    #[error("cannot read the plan of run {run}")]
    Plan {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// What the layer below said.
        #[source]
        cause: PlanError,
    },
    /// The stored lists of a closed run could not be read.
    #[error("cannot read how run {run} ended")]
    Lists {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// What the layer below said.
        #[source]
        cause: crate::canon::DecodeError,
    },
    /// Recorded host keys could not be read.
    #[error("cannot read the host keys of run {run}")]
    HostKeys {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// What the layer below said.
        #[source]
        cause: HostKeysError,
    },
    /// What a person agreed to overwrite could not be read.
    #[error("cannot read what was shown before run {run} went on over it")]
    Shown {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// What the layer below said.
        #[source]
        cause: ShownStatesError,
    },
    /// The plan is not the one that `RunOpened` names.
    #[error("the plan of run {run} is not the one the run was opened with")]
    OtherPlan {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
    },
    /// An entry does not fit what came before.
    #[error("the history does not fit together")]
    Apply(#[from] ApplyError),
    /// A run is opened that was opened before.
    #[error("entry {seq} opens run {run} a second time")]
    Twice {
        /// By its sequence in the journal, counted from 1.
        seq: Seq,
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
    },
    /// An entry of a run that was never opened.
    #[error("entry {seq} belongs to run {run}, which was never opened")]
    NoRun {
        /// By its sequence in the journal, counted from 1.
        seq: Seq,
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
    },
}

/// The last recorded state of a resource.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The run that recorded it.
    pub run: RunId,
    /// The step that recorded it.
    pub step: StepPath,
    /// Its position in the journal.
    pub seq: Seq,
    /// The image that holds it.
    pub image: Arc<ImageRef>,
    /// Where its step owns mode and owner of a file alone: who recorded the content last that anyone owns.
    pub content: Option<Arc<Recorded>>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct History {
    /// The runs, in the order of their first entries.
    pub order: Vec<RunId>,
    /// The runs by id.
    pub runs: BTreeMap<RunId, RunState>,
    /// Where sealed bodies are; a copy shares them until one of the two goes on.
    pub bodies: Arc<HashMap<BodyId, Arc<Sealed>>>,
    /// Runs under rules that this binary does not have: known and listed, not folded. Only the release that has their rules acts on them.
    pub foreign: BTreeMap<RunId, Foreign>,
    /// Sequence of the last entry.
    pub seq: Seq,
    /// Whether it was folded from the first entry on; if not, runs that were opened earlier are not in it.
    whole: bool,
    pending_undoes: BTreeMap<(RunId, StepPath), Undoes>,
    worlds: BTreeMap<World, Known>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            runs: BTreeMap::new(),
            bodies: Arc::default(),
            foreign: BTreeMap::new(),
            seq: Seq(0),
            whole: true,
            pending_undoes: BTreeMap::new(),
            worlds: BTreeMap::new(),
        }
    }
}

/// A run that was made under rules which this binary does not have.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// How it was opened.
    pub opened: RunOpened,
    /// When it was opened.
    pub began: Micros,
    /// Sequence of its first entry.
    pub first: Seq,
    /// Its last entry.
    pub last: Seq,
    /// Whether it is over.
    pub closed: bool,
}

/// What was recorded of one world: the same name means another host in another world.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The last recorded state of every resource.
    last: HashMap<ResourceKey, Recorded>,
    /// Every UID that a Node was ever seen under.
    uids: BTreeSet<String>,
}

/// Takes in by which keys hosts are known, and which machines they are.
fn know(
    state: &mut RunState,
    keys: Option<&HostKeys>,
    found: Option<&FoundThere>,
    public: &mut dyn FnMut(BlobId) -> Result<Vec<u8>, ReadError>,
) -> Result<(), LoadError> {
    let run = state.run;
    if let Some(keys) = keys {
        state.host_keys.extend(keys.all(&mut *public).map_err(|cause| LoadError::HostKeys { run, cause })?);
    }
    if let Some(found) = found {
        state.taken.extend(found.taken.clone());
        state.host_changed.extend(found.host_changed.iter().cloned());
    }
    // A person agreed for one process: the next one asks anew.
    state.shown = match found.and_then(|found| found.shown.as_ref()) {
        Some(shown) => shown.all(&mut *public).map_err(|cause| LoadError::Shown { run, cause })?,
        None => BTreeMap::new(),
    };
    if let Some(machines) = found.and_then(|found| found.machines.as_ref()) {
        state.machines.extend(machines.all(&mut *public).map_err(|cause| LoadError::HostKeys { run, cause })?);
    }
    Ok(())
}

impl History {
    /// Folds a whole journal.
    pub fn load(journal: &impl JournalRead) -> Result<Self, LoadError> {
        Self::load_since(journal, Seq(1))
    }

    /// Folds a journal from an entry on: the runs that were opened there or later, which is all that one needs to show
    /// where such a run stands. What was recorded earlier is not known to it, so nothing can be driven from it.
    pub fn load_since(journal: &impl JournalRead, from: Seq) -> Result<Self, LoadError> {
        let mut history = Self { whole: from.0 <= 1, ..Self::default() };
        for stored in journal.read(from)? {
            history.apply(&stored?, &mut |blob| journal.public(blob))?;
        }
        Ok(history)
    }

    /// Whether every run of the journal is in it.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The latest run.
    pub fn latest(&self) -> Option<&RunState> {
        self.order.iter().rev().find_map(|run| self.runs.get(run))
    }

    fn known(&self, run: RunId) -> Option<&Known> {
        self.worlds.get(&self.runs.get(&run)?.opened.world)
    }

    /// The last recorded state of a resource in the world of a run, whichever run recorded it.
    pub fn last(&self, run: RunId, key: &ResourceKey) -> Option<&Recorded> {
        self.known(run)?.last.get(key)
    }

    /// The last step that rebooted a resource's host after the resource was recorded: what the boot made of it is ours.
    pub fn rebooted_since(&self, run: RunId, key: &ResourceKey) -> Option<(RunId, &StepPath)> {
        let (recorded, host) = (self.last(run, key)?.seq, key.host()?);
        let world = &self.runs.get(&run)?.opened.world;
        let mut last: Option<(Seq, RunId, &StepPath)> = None;
        for (id, state) in self.runs.iter().filter(|(_, state)| state.opened.world == *world) {
            for (_, step, known) in state.steps() {
                let here = step.target.host.as_ref().is_some_and(|name| name.as_str() == host);
                let Some((_, seq)) = known.job.filter(|_| here && known.begun) else { continue };
                let reboots = matches!(step.work, Work::Act(Action::Reboot {}));
                if reboots && seq > recorded && last.is_none_or(|(before, ..)| before < seq) {
                    last = Some((seq, *id, &step.path));
                }
            }
        }
        last.map(|(_, id, path)| (id, path))
    }

    /// Whether a Node was ever seen under this UID in the world of a run.
    pub(crate) fn saw_uid(&self, run: RunId, uid: &str) -> bool {
        self.known(run).is_some_and(|known| known.uids.contains(uid))
    }

    /// Applies the next entry; `public` fetches a public blob: a plan when a run opens, long lists when it is closed.
    pub fn apply(
        &mut self,
        stored: &Stored,
        public: &mut dyn FnMut(BlobId) -> Result<Vec<u8>, ReadError>,
    ) -> Result<(), LoadError> {
        let Entry { seq, run, event, bodies, .. } = &stored.entry;
        self.seq = *seq;
        if !bodies.is_empty() {
            let all = Arc::make_mut(&mut self.bodies);
            all.extend(bodies.iter().map(|(id, sealed)| (*id, Arc::new(sealed.clone()))));
        }
        if let Event::RunOpened(opened) = event {
            if self.runs.contains_key(run) || self.foreign.contains_key(run) {
                return Err(LoadError::Twice { seq: *seq, run: *run });
            }
            let Some(rules) = Rules::of(opened.rules) else {
                let (began, opened) = (stored.entry.time, (**opened).clone());
                self.foreign.insert(*run, Foreign { opened, began, first: *seq, last: *seq, closed: false });
                self.order.push(*run);
                return Ok(());
            };
            let bytes = public(opened.plan_blob)?;
            if crate::record::plan_digest(&bytes) != opened.plan {
                return Err(LoadError::OtherPlan { run: *run });
            }
            let plan = Plan::decode(&bytes).map_err(|cause| LoadError::Plan { run: *run, cause })?;
            let mut state = RunState::open(stored, opened, rules, Arc::new(plan));
            know(&mut state, opened.host_keys.as_ref(), opened.found.as_deref(), public)?;
            self.runs.insert(*run, state);
            self.order.push(*run);
            return Ok(());
        }
        let Some(state) = self.runs.get_mut(run) else {
            if self.foreign.contains_key(run) {
                self.apply_foreign(&stored.entry);
                return Ok(());
            }
            return if self.whole { Err(LoadError::NoRun { seq: *seq, run: *run }) } else { Ok(()) };
        };
        let known = event.step().and_then(|step| state.find(step)).and_then(|ix| state.step(ix));
        let first = known.and_then(|(_, known)| known.original(state.rules).cloned());
        let own_only = state.rules.refusals_leave_no_image();
        state.apply(stored)?;
        match event {
            Event::OwnerChanged { host_keys, found, .. } => {
                know(state, host_keys.as_deref(), found.as_deref(), public)?;
            }
            Event::Intent(intent) => {
                self.record(*run, &intent.step, *seq, &intent.before, first.as_deref().map(|first| &first.before));
                if let Some(undoes) = &intent.undoes {
                    self.pending_undoes.insert((*run, intent.step.clone()), undoes.clone());
                }
            }
            Event::Outcome(outcome) => {
                // What is there after a refusal is what others made of it.
                if !(own_only && outcome.why.is_some_and(Why::is_refusal)) {
                    self.record(*run, &outcome.step, *seq, &outcome.after, None);
                }
                if outcome.ending == Ending::Succeeded {
                    self.undone(*run, &outcome.step);
                }
            }
            Event::Probed(probed) => {
                if !(own_only && probed.job == JobWord::NotStarted) {
                    self.record(*run, &probed.step, *seq, &probed.observed, None);
                }
                if probed.decision == crate::record::Decision::Succeeded {
                    self.undone(*run, &probed.step);
                }
            }
            Event::Skipped { undoes: Some(undoes), why: SkipWhy::AlreadyThere, step, .. } => {
                self.pending_undoes.insert((*run, step.clone()), undoes.clone());
                self.undone(*run, step);
            }
            Event::RunClosed(closed) => {
                if let Some(lists) = closed.lists {
                    let mut whole = (**closed).clone();
                    whole.put_lists(&public(lists)?).map_err(|cause| LoadError::Lists { run: *run, cause })?;
                    state.closed = Some(Arc::new(whole));
                }
                self.closed(*run);
            }
            Event::Resolved { step, answer, .. } => {
                if *answer == crate::record::Answer::Applied {
                    self.undone(*run, step);
                }
            }
            // What these say is in the state of the run.
            Event::RunOpened(_)
            | Event::Skipped { .. }
            | Event::Progress(_)
            | Event::GateSampled { .. }
            | Event::GateDecided { .. }
            | Event::TimerFired { .. }
            | Event::Paused { .. }
            | Event::DriftFound { .. } => {}
        }
        Ok(())
    }

    /// What is there is as true when another release recorded it; what it meant by that is not known here.
    fn apply_foreign(&mut self, Entry { seq, run, event, .. }: &Entry) {
        if let Some(foreign) = self.foreign.get_mut(run) {
            foreign.last = *seq;
            foreign.closed |= matches!(event, Event::RunClosed(_));
        }
        match event {
            Event::Intent(intent) if intent.attempt > 1 => {
                self.record(*run, &intent.step, *seq, &intent.before, Some(&intent.before));
            }
            Event::Intent(intent) => self.record(*run, &intent.step, *seq, &intent.before, None),
            Event::Outcome(outcome) => self.record(*run, &outcome.step, *seq, &outcome.after, None),
            Event::Probed(probed) => self.record(*run, &probed.step, *seq, &probed.observed, None),
            // They look at nothing.
            Event::RunOpened(_)
            | Event::OwnerChanged { .. }
            | Event::Progress(_)
            | Event::Resolved { .. }
            | Event::Skipped { .. }
            | Event::GateSampled { .. }
            | Event::GateDecided { .. }
            | Event::TimerFired { .. }
            | Event::Paused { .. }
            | Event::DriftFound { .. }
            | Event::RunClosed(_) => {}
        }
    }

    /// The run of other rules that keeps this binary from acting on a run: the run itself, or one that takes it back.
    pub fn foreign_to(&self, run: RunId) -> Option<(RunId, &Foreign)> {
        let takes_back = |foreign: &Foreign| foreign.opened.compensates.as_ref().is_some_and(|back| back.run == run);
        self.foreign.iter().find(|(of, foreign)| **of == run || takes_back(foreign)).map(|(of, foreign)| (*of, foreign))
    }

    /// Whether events have their place next, as one batch: what has none must not be appended.
    pub fn admits<'a>(&self, events: impl IntoIterator<Item = (RunId, &'a Event)>) -> Result<(), Inadmissible> {
        let mut of: BTreeMap<RunId, Vec<&Event>> = BTreeMap::new();
        for (run, event) in events {
            of.entry(run).or_default().push(event);
        }
        for (run, events) in of {
            if let Some(foreign) = self.foreign.get(&run) {
                return Err(Inadmissible::OtherRules { run, theirs: foreign.opened.rules });
            }
            match (self.runs.get(&run), events.as_slice()) {
                (Some(state), events) => state.admits_all(events.iter().copied())?,
                (None, [Event::RunOpened(_)]) => {}
                (None, _) => return Err(Inadmissible::NoRun(run)),
            }
        }
        Ok(())
    }

    /// A rollback's step is done: with the last one of a step's undo, that step counts as compensated, unless a part
    /// of its undo was passed over.
    fn undone(&mut self, by: RunId, step: &StepPath) {
        let Some(undoes) = self.pending_undoes.remove(&(by, step.clone())) else { return };
        let Some(back) = self.runs.get(&by) else { return };
        // The actions of one undo stand side by side.
        let parts = (0..=back.find(step).unwrap_or(0)).rev().map_while(|ix| {
            back.step(ix).filter(|(part, _)| part.undoes.as_ref().is_some_and(|of| of.step == undoes.step))
        });
        if undoes.last
            && parts.into_iter().all(|(_, known)| known.is_done())
            && let Some(state) = self.runs.get_mut(&undoes.run)
        {
            state.compensated(&undoes.step, by);
        }
    }

    /// A finished rollback has dealt with every step of its scope, also those that had nothing to undo.
    fn closed(&mut self, by: RunId) {
        let Some(back) = self.runs.get(&by) else { return };
        let Some(compensates) = back.opened.compensates.clone() else { return };
        // Whatever an operator passed over was not taken back, and can be another time.
        let left: BTreeSet<StepPath> = back
            .steps()
            .filter(|(_, _, known)| !known.is_done())
            .filter_map(|(_, step, _)| step.undoes.as_ref().map(|undoes| undoes.step.clone()))
            .collect();
        let Some(state) = self.runs.get_mut(&compensates.run) else { return };
        for path in scope::dealt_with(state, &compensates.scope) {
            if !left.contains(&path) {
                state.compensated(&path, by);
            }
        }
        if let crate::record::Scope::Host(host) = &compensates.scope {
            state.withdraw(host);
        }
    }

    /// `first`: the before-image that the first attempt of the step recorded, where this one repeats it.
    fn record(&mut self, run: RunId, step: &StepPath, seq: Seq, image: &ImageRef, first: Option<&ImageRef>) {
        let ours = self.runs.get(&run).map(|state| &state.opened.world);
        let Some(world) = ours.or_else(|| self.foreign.get(&run).map(|foreign| &foreign.opened.world)) else { return };
        let intent = self
            .runs
            .get(&run)
            .and_then(|state| state.step(state.find(step)?))
            .and_then(|(_, known)| known.intent.as_ref());
        let footprint = intent.map_or(&[][..], |intent| &intent.footprint);
        let known = match self.worlds.get_mut(world) {
            Some(known) => known,
            None => self.worlds.entry(world.clone()).or_default(),
        };
        image.each_uid(|uid| {
            known.uids.insert(uid.to_owned());
        });
        // The before-image of a repeated attempt is the first one's: history, not what is there now. Only what the
        // first one did not look at was looked at now.
        let old: BTreeSet<&ResourceKey> = first.into_iter().flat_map(ImageRef::keys).collect();
        let shared = Arc::new(image.clone());
        for key in image.keys().filter(|key| !old.contains(key)) {
            let is_partial = |place: &Footprint| place.key == *key && place.fields == Fields::Permissions;
            let was = known.last.get(key).filter(|_| footprint.iter().any(is_partial));
            let content = was.map(|was| was.content.clone().unwrap_or_else(|| Arc::new(was.clone())));
            let recorded = Recorded { run, step: step.clone(), seq, image: shared.clone(), content };
            known.last.insert(key.clone(), recorded);
        }
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
