//! A run's state: the fold over its entries. Resume, status, rollback, export and strict replay all are this fold.

use crate::action::{UndoClass, Verdict};
use crate::id::{Attempt, BodyId, EntryId, Epoch, HostName, Label, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::port::Stored;
use crate::record::Heard;
use crate::record::{
    Answer, Decision, Ending, Entry, Event, ImageRef, Intent, JobWord, PauseWhy, Rule, RunClosed, RunOpened,
    ShownState, SkipWhy, Why,
};
use crate::resource::{Residue, State};
use crate::run::effect;
use crate::run::inadmissible::Inadmissible;
use crate::run::life::{self, Move, Stage};
use crate::run::plan::{LaneKind, Plan, Step, StepIx, Work};
use crate::run::rules::finding::{self, AGAIN};
use crate::run::rules::version::Rules;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::run::next::Next;

/// What is known of one step.
#[derive(Debug, Clone)]
pub struct StepState {
    /// Where it stands.
    pub stage: Stage,
    /// Attempts so far.
    pub attempt: Attempt,
    /// Its last intent; the before-image and the inverse in it are those of the first attempt, or of the first since
    /// it was taken back.
    pub intent: Option<Arc<Intent>>,
    /// Entry id and sequence of that intent.
    pub job: Option<(EntryId, Seq)>,
    /// What is there since its last outcome or probe.
    pub after: Option<ImageRef>,
    /// Whether any attempt may have changed anything.
    pub touched: bool,
    /// Whether any attempt may have begun. While none has, what is there is nobody's work but others'.
    pub begun: bool,
    /// Why it did not succeed.
    pub why: Option<Why>,
    /// The exit code that goes with it, where there is one.
    pub code: Option<i32>,
    /// The message that goes with it.
    pub message: Option<BodyId>,
    /// Why it was passed over.
    pub skipped: Option<SkipWhy>,
    /// The rule that last decided it while in doubt.
    pub rule: Option<Rule>,
    /// Who took it back.
    pub compensated_by: Option<RunId>,
    /// What was lost for good by attempts before it was taken back and tried again.
    pub lost: BTreeSet<Residue>,
    /// The last entry that moved it. A sample of a gate that waits already moves nothing.
    pub last: Seq,
    /// Whether its failure was overruled by a person: it counts as succeeded by their word.
    pub overruled: bool,
    /// Gate samples in a row that held.
    pub passes: u32,
    /// How long the gate was waited for up to its last sample, as far as that is recorded.
    pub waited: Option<Micros>,
    /// When it was first intended or sampled.
    pub began: Option<Micros>,
    /// When its last attempt was intended.
    pub intended: Option<Micros>,
    /// When it last changed.
    pub changed: Option<Micros>,
    /// Figures of the last gate sample.
    pub facts: BTreeMap<String, String>,
    /// What its last attempt told while it ran.
    pub heard: Heard,
    /// How often in a row a look at it, in doubt, said that it is begun anew; for this owner of the run.
    pub again: u32,
    /// How often in a row it was lost while it was waited for, without a word of it in between.
    pub lost_in_a_row: u32,
    /// What of its last attempt's effects may be lost again.
    pub losses: Vec<Residue>,
}

impl StepState {
    /// Whether a rollback's step did what it is there for, or found it done.
    pub(crate) fn is_done(&self) -> bool {
        match self.stage {
            Stage::Skipped => self.skipped == Some(SkipWhy::AlreadyThere),
            stage => stage.is_behind(),
        }
    }

    fn new() -> Self {
        Self {
            stage: Stage::Pending,
            attempt: 0,
            intent: None,
            job: None,
            after: None,
            touched: false,
            begun: false,
            why: None,
            code: None,
            message: None,
            skipped: None,
            rule: None,
            compensated_by: None,
            lost: BTreeSet::new(),
            last: Seq(0),
            overruled: false,
            passes: 0,
            waited: None,
            began: None,
            intended: None,
            changed: None,
            facts: BTreeMap::new(),
            heard: Heard::default(),
            again: 0,
            lost_in_a_row: 0,
            losses: Vec::new(),
        }
    }
}

impl StepState {
    /// Whether an answer sets aside what is recorded of the step: it is not in doubt, it failed.
    pub fn overrules(&self, answer: Answer) -> bool {
        answer == Answer::Applied && self.stage == Stage::Failed
    }

    /// The intent whose before-image, inverse and losses a further attempt keeps: our own change is never taken for the
    /// original. None if no attempt has begun: the next one takes what it finds.
    pub fn original(&self, rules: Rules) -> Option<&Arc<Intent>> {
        self.intent.as_ref().filter(|_| self.begun || !rules.untouched_steps_begin_anew())
    }
}

/// How a lane stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It has not begun.
    Shut,
    /// It goes on, or waits for a person who must say what became of a step.
    Working,
    /// It stood at a failed step or at its end, and could go on, but others have taken all places meanwhile.
    Parked,
    /// It stands at a failed step.
    Failed,
    /// Every step is behind.
    Ended,
}

/// What is known of one lane.
#[derive(Debug, Clone)]
pub(crate) struct LaneState {
    /// The first step that is not behind.
    pub(crate) at: StepIx,
    /// The step in flight or in doubt. Under rules 1 and 2 there may be several, and nobody asks.
    pub(crate) doubt: Option<StepIx>,
    /// Whether it takes one of the places that `serial` gives.
    pub(crate) stand: Stand,
    /// Whether its host was taken back as a whole: nothing goes on in it until a step is retried.
    pub(crate) withdrawn: bool,
    /// What may be done next in it.
    pub(crate) next: Option<Next>,
    /// Values that steps of the lane printed, by the name they are captured under.
    pub(crate) captures: BTreeMap<Label, String>,
    /// The node name that its host had in the last intent that names one.
    pub(crate) node: Option<String>,
}

/// An entry that has no place after the ones before it: damage, or another version's doing.
#[derive(Debug, thiserror::Error)]
#[error("entry {seq} has no place there")]
pub struct ApplyError {
    /// By its sequence in the journal, counted from 1.
    pub seq: Seq,
    /// What it contradicts.
    #[source]
    pub why: Inadmissible,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct RunState {
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// How it was opened.
    pub opened: Arc<RunOpened>,
    /// When it was opened.
    pub began: Micros,
    /// Sequence of its first entry.
    pub first: Seq,
    /// Its last entry.
    pub last: Seq,
    /// When that was.
    pub changed: Micros,
    /// As it was stored when the run was opened.
    pub plan: Arc<Plan>,
    /// The rules it was made under.
    pub rules: Rules,
    /// Why it stands still, if it does.
    pub paused: Option<PauseWhy>,
    /// What was said of it, if it is paused.
    pub paused_words: Option<BodyId>,
    /// How it ended, if it did.
    pub closed: Option<Arc<RunClosed>>,
    /// Whether the present owner may overwrite drift.
    pub force: bool,
    /// The resources of which it may, in whatever state it finds them.
    pub forced: BTreeSet<ResourceKey>,
    /// The states that it may overwrite, by resource.
    pub shown: BTreeMap<ResourceKey, ShownState>,
    /// Other owners since it was opened.
    pub owners: u32,
    /// Epoch of the owner that drove it last.
    pub epoch: Epoch,
    /// The entry by which that owner began to drive it.
    pub driven_since: Seq,
    /// The keys by which its hosts were known last: type and fingerprint.
    pub host_keys: BTreeMap<HostName, String>,
    /// The machine ids that its hosts had last, as far as they were told.
    pub machines: BTreeMap<HostName, String>,
    /// Whose claims were taken for it, by host, node or inventory: their words.
    pub taken: BTreeMap<String, BodyId>,
    /// Hosts that became other machines than those recorded, as a person said.
    pub host_changed: BTreeSet<HostName>,
    pub(crate) steps: Vec<StepState>,
    pub(crate) lanes: Vec<LaneState>,
    pub(crate) ready: BTreeSet<Next>,
    /// Lanes up to here have been opened.
    pub(crate) opened_lanes: usize,
    index: HashMap<StepPath, StepIx>,
    lane_of: Vec<u32>,
}

impl RunState {
    /// The state right after `RunOpened`, under the rules that it names.
    pub fn open(stored: &Stored, opened: &RunOpened, rules: Rules, plan: Arc<Plan>) -> Self {
        let entry = &stored.entry;
        let mut lane_of = Vec::with_capacity(plan.steps.len());
        let mut lanes = Vec::with_capacity(plan.lanes.len());
        for (number, lane) in plan.lanes.iter().enumerate() {
            lane_of.extend((lane.start..lane.end).map(|_| u32::try_from(number).unwrap_or(u32::MAX)));
            lanes.push(LaneState {
                at: lane.start,
                doubt: None,
                stand: Stand::Shut,
                withdrawn: false,
                next: None,
                captures: BTreeMap::new(),
                node: None,
            });
        }
        let number = |ix: usize| StepIx::try_from(ix).unwrap_or(StepIx::MAX);
        let index = plan.steps.iter().enumerate().map(|(ix, step)| (step.path.clone(), number(ix))).collect();
        let mut state = Self {
            run: entry.run,
            opened: Arc::new(opened.clone()),
            began: entry.time,
            first: entry.seq,
            last: entry.seq,
            changed: entry.time,
            paused: None,
            paused_words: None,
            closed: None,
            force: opened.force,
            forced: opened.found.as_ref().map(|found| found.forced.clone()).unwrap_or_default(),
            shown: BTreeMap::new(),
            owners: 0,
            epoch: entry.epoch,
            driven_since: entry.seq,
            host_keys: BTreeMap::new(),
            machines: BTreeMap::new(),
            taken: BTreeMap::new(),
            host_changed: BTreeSet::new(),
            steps: plan.steps.iter().map(|_| StepState::new()).collect(),
            lanes,
            ready: BTreeSet::new(),
            opened_lanes: 0,
            index,
            lane_of,
            rules,
            plan,
        };
        state.open_lanes();
        state
    }

    /// Whether the present owner may change a resource back that someone changed since, from this state.
    pub fn may_overwrite(&self, key: &ResourceKey, found: &State) -> bool {
        self.force || self.forced.contains(key) || self.shown.get(key).is_some_and(|shown| shown.is_still(found))
    }

    /// The index of a step.
    pub fn find(&self, path: &StepPath) -> Option<StepIx> {
        self.index.get(path).copied()
    }

    /// A step of the plan with what is known of it.
    pub fn step(&self, ix: StepIx) -> Option<(&Step, &StepState)> {
        Some((self.plan.step(ix)?, self.steps.get(ix as usize)?))
    }

    /// Whether a step in doubt was begun anew so often in a row that it is not begun once more.
    pub fn is_spent(&self, state: &StepState) -> bool {
        self.rules.again_has_a_limit() && state.again >= AGAIN
    }

    /// How long a step waits before what is decided for it: the attempt that it begins anew, or the look at what became
    /// of one that was lost again and again.
    pub fn pause_before(&self, state: &StepState) -> Option<Micros> {
        let times = match state.stage {
            Stage::Again => state.again,
            Stage::Unknown => state.lost_in_a_row,
            _ => return None,
        };
        finding::pause(times).filter(|_| self.rules.again_has_a_limit())
    }

    /// All steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = (StepIx, &Step, &StepState)> {
        let number = |ix: usize| StepIx::try_from(ix).unwrap_or(StepIx::MAX);
        self.plan.steps.iter().zip(&self.steps).enumerate().map(move |(ix, (step, state))| (number(ix), step, state))
    }

    /// How many steps stand where.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for state in &self.steps {
            *counts.entry(state.stage.word().to_owned()).or_default() += 1;
        }
        counts
    }

    /// The node name that was last recorded for the host of a step: the API may no longer know it by any other way.
    pub fn node_of(&self, ix: StepIx) -> Option<&str> {
        let lane = *self.lane_of.get(ix as usize)?;
        self.lanes.get(lane as usize)?.node.as_deref()
    }

    /// A captured value as a step of that lane sees it: its own lane's, else the first lane's.
    pub fn capture(&self, ix: StepIx, name: &str) -> Option<String> {
        let find =
            |lane: &LaneState| lane.captures.iter().find(|(known, _)| known.as_str() == name).map(|(_, v)| v.clone());
        find(self.lane(ix)?).or_else(|| self.lanes.first().and_then(find))
    }

    /// The lane of a step, by number.
    pub(crate) fn lane_number(&self, ix: StepIx) -> Option<usize> {
        self.lane_of.get(ix as usize).map(|lane| *lane as usize)
    }

    fn lane(&self, ix: StepIx) -> Option<&LaneState> {
        self.lanes.get(self.lane_number(ix)?)
    }

    /// Applies the next entry of the run.
    pub fn apply(&mut self, stored: &Stored) -> Result<(), ApplyError> {
        let entry = &stored.entry;
        let seq = entry.seq;
        let admitted = self.admits(&entry.event).map_err(|why| ApplyError { seq, why })?;
        self.last = seq;
        self.changed = entry.time;
        match &entry.event {
            Event::Progress(told) => {
                // Nothing follows from it: what may be done next stays.
                let ix = self.find(&told.step);
                if let Some(step) = ix.and_then(|ix| self.steps.get_mut(ix as usize)) {
                    step.heard.take(told);
                    step.lost_in_a_row = 0;
                    step.changed = Some(entry.time);
                }
                return Ok(());
            }
            Event::OwnerChanged { force, found, .. } => {
                self.owners += 1;
                (self.epoch, self.driven_since) = (entry.epoch, seq);
                self.force = *force;
                self.forced = found.as_ref().map(|found| found.forced.clone()).unwrap_or_default();
                (self.paused, self.paused_words) = (None, None);
                for ix in 0..self.steps.len() {
                    let stage = &mut self.steps[ix].stage;
                    *stage = life::next(*stage, Move::OwnerChanged).unwrap_or(*stage);
                    (self.steps[ix].again, self.steps[ix].lost_in_a_row) = (0, 0);
                }
                self.stale_gates();
                self.refresh_all();
                return Ok(());
            }
            Event::Paused { why, reason, .. } => {
                (self.paused, self.paused_words) = (Some(why.clone()), *reason);
                self.stale_gates();
                self.refresh_all();
                return Ok(());
            }
            Event::RunClosed(closed) => {
                self.closed = Some(Arc::new((**closed).clone()));
                self.ready.clear();
                return Ok(());
            }
            _ => {}
        }
        if let Some((ix, stage)) = admitted {
            self.apply_step(stored, ix, stage);
            self.refresh_lane_of(ix);
        }
        Ok(())
    }

    fn apply_step(&mut self, stored: &Stored, ix: StepIx, stage: Stage) {
        let Entry { seq, time, event, .. } = &stored.entry;
        let number = self.lane_of.get(ix as usize).map_or(usize::MAX, |lane| *lane as usize);
        let Some(step) = self.steps.get_mut(ix as usize) else { return };
        let was = std::mem::replace(&mut step.stage, stage);
        step.changed = Some(*time);
        if (was, stage) != (Stage::Waiting, Stage::Waiting) {
            step.last = *seq;
        }
        // Only entries about a step bring it into doubt or out of it: all other moves leave it as doubtful as it was.
        if was.is_doubtful() != stage.is_doubtful()
            && let Some(lane) = self.lanes.get_mut(number)
        {
            lane.doubt = stage.is_doubtful().then_some(ix);
        }
        let (mut captured, mut node) = (None, None);
        match event {
            Event::Intent(intent) => {
                step.attempt = intent.attempt;
                step.intent = Some(Arc::clone(intent));
                step.job = Some((stored.id, *seq));
                step.began = step.began.or(Some(*time));
                step.intended = Some(*time);
                (step.why, step.code, step.message) = (None, None, None);
                step.heard = Heard::default();
                step.lost_in_a_row = 0;
                node = intent.target.node.as_ref();
            }
            Event::Outcome(outcome) => {
                step.touched |= match (self.rules.only_not_started_is_harmless(), outcome.ending) {
                    // What a look finds out tells whether it changed anything.
                    (true, Ending::Unknown) => false,
                    (true, _) => outcome.why != Some(Why::NotStarted),
                    (false, Ending::Failed) => !matches!(outcome.why, Some(Why::Precondition | Why::Revoked)),
                    (false, _) => true,
                };
                step.lost_in_a_row =
                    if outcome.ending == Ending::Unknown { step.lost_in_a_row.saturating_add(1) } else { 0 };
                // Of one whose end nobody knows the look at it tells.
                step.begun |= outcome.ending != Ending::Unknown && outcome.why != Some(Why::NotStarted);
                (step.why, step.code, step.message) = (outcome.why, outcome.code, outcome.message);
                if outcome.after.keys().next().is_some() {
                    step.after = Some(outcome.after.clone());
                }
                step.losses.clone_from(&outcome.losses);
                captured = Some(&outcome.captures);
            }
            Event::Probed(probed) => {
                step.rule = Some(probed.rule);
                if probed.decision == Decision::Again {
                    step.again = step.again.saturating_add(1);
                }
                step.begun |= probed.job != JobWord::NotStarted;
                step.touched |= probed.verdict != Verdict::NotApplied;
                step.why = match probed.decision {
                    Decision::FailedPartial => Some(Why::Partial),
                    Decision::Failed => Some(match (probed.job, probed.verdict) {
                        (JobWord::FinishedWell | JobWord::FinishedBadly, _) => Why::ExitCode,
                        (_, Verdict::NotApplied) => Why::Precondition,
                        _ => Why::Unmet,
                    }),
                    _ => None,
                };
                step.code = probed.code;
                // Why nobody knows stays told while nobody knows more.
                if probed.evidence.is_some() || probed.decision != Decision::Ask {
                    step.message = probed.evidence;
                }
                let own = probed.job != JobWord::NotStarted || !self.rules.refusals_leave_no_image();
                if own && probed.observed.keys().next().is_some() {
                    step.after = Some(probed.observed.clone());
                }
                captured = Some(&probed.captures);
            }
            Event::Resolved { answer, overruled, .. } => {
                step.again = 0;
                if was == Stage::Compensated {
                    // What earlier attempts found was put back, perhaps as another object: the next one looks anew,
                    // and what it finds is no change of ours. What was lost stays lost.
                    if let (Some(intent), true) = (&step.intent, step.touched) {
                        step.lost.extend(intent.losses.iter().cloned());
                        let of = self.plan.step(ix).filter(|of| effect::effect_unknown(of, Some(intent)));
                        step.lost.extend(of.map(|of| effect::unknown_effect(&of.path)));
                    }
                    (step.intent, step.job, step.after) = (None, None, None);
                    (step.touched, step.begun, step.compensated_by) = (false, false, None);
                } else {
                    step.begun |= step.intent.is_some();
                }
                if step.intent.is_none() {
                    // A gate has its whole time again.
                    (step.began, step.waited) = (None, None);
                }
                step.overruled = *overruled;
                step.why = match answer {
                    Answer::Partial => Some(Why::Partial),
                    Answer::Retry | Answer::NotApplied | Answer::Applied => None,
                };
                step.touched |= matches!(answer, Answer::Applied | Answer::Partial);
                step.passes = 0;
                if let (Some(lane), Some(plan)) = (self.lanes.get_mut(number), self.plan.lanes.get(number)) {
                    // A host that was taken back begins with whatever is not behind, not with the step that is retried.
                    let whole = lane.withdrawn && self.rules.host_comes_back_whole();
                    lane.at = if whole { plan.start } else { lane.at.min(ix) };
                    lane.withdrawn = false;
                }
            }
            Event::Skipped { why, .. } => step.skipped = Some(why.clone()),
            Event::GateSampled { pass, facts, waited, .. } => {
                step.passes = if *pass { step.passes + 1 } else { 0 };
                step.waited = *waited;
                step.began = step.began.or(Some(*time));
                step.facts.clone_from(facts);
            }
            Event::TimerFired { .. } => step.why = Some(Why::Timeout),
            Event::Progress(_)
            | Event::GateDecided { .. }
            | Event::DriftFound { .. }
            | Event::RunOpened(_)
            | Event::OwnerChanged { .. }
            | Event::Paused { .. }
            | Event::RunClosed(_) => {}
        }
        if let (Some(node), Some(lane)) = (node, self.lanes.get_mut(number)) {
            lane.node = Some(node.clone());
        }
        if let Some(captures) = captured
            && let Some(lane) = self.lanes.get_mut(number)
        {
            lane.captures.extend(captures.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }

    /// Another run took a step back.
    pub fn compensated(&mut self, path: &StepPath, by: RunId) {
        let Some(ix) = self.find(path) else { return };
        let Some(step) = self.steps.get_mut(ix as usize) else { return };
        if let Ok(stage) = life::next(step.stage, Move::Compensated) {
            step.stage = stage;
            step.compensated_by = Some(by);
            self.refresh_lane_of(ix);
        }
    }

    /// A host was taken back as a whole.
    pub(crate) fn withdraw(&mut self, host: &crate::id::HostName) {
        for number in 0..self.lanes.len() {
            let Some(lane) = self.plan.lanes.get(number) else { continue };
            if lane.kind == LaneKind::Host(host.clone()) {
                (self.lanes[number].withdrawn, self.lanes[number].at) = (true, lane.end);
            }
        }
        self.refresh_all();
    }

    /// A gate's answer counts only if a later step of its lane has an intent: what was healed an hour ago may not be.
    fn stale_gates(&mut self) {
        let any_host_began = self.plan.lanes.iter().skip(1).any(|lane| {
            (lane.start..lane.end).any(|ix| self.steps.get(ix as usize).is_some_and(|step| step.intent.is_some()))
        });
        for number in 0..self.lanes.len() {
            let Some(lane) = self.plan.lanes.get(number) else { continue };
            if self.lanes[number].withdrawn || (lane.kind == LaneKind::First && any_host_began) {
                continue;
            }
            let (at, mut acted) = (self.lanes[number].at, false);
            let end = if self.rules.gates_beyond_grow_stale() { lane.end } else { lane.end.min(at + 1) };
            for ix in (lane.start..end).rev() {
                let Some(step) = self.steps.get_mut(ix as usize) else { break };
                // What was done beyond the place that a lane went back to does not speak for a gate before it.
                acted = step.intent.is_some() || acted && ix != at;
                let is_gate = matches!(self.plan.step(ix).map(|step| &step.work), Some(Work::Gate { .. }));
                if is_gate
                    && !acted
                    && let Ok(stage) = life::next(step.stage, Move::Stale)
                {
                    // What was waited for an answer that never came goes on to count; a new answer has its whole time.
                    if step.stage != Stage::Waiting {
                        step.waited = None;
                    }
                    step.stage = stage;
                    (step.passes, step.began) = (0, None);
                    self.lanes[number].at = self.lanes[number].at.min(ix);
                }
            }
        }
    }

    /// Steps that stand in a stage.
    pub fn in_stage(&self, stage: Stage) -> impl Iterator<Item = (&Step, &StepState)> {
        self.plan.steps.iter().zip(&self.steps).filter(move |(_, state)| state.stage == stage)
    }

    /// Steps of which nobody knows yet what becomes of them.
    pub fn steps_in_doubt(&self) -> impl Iterator<Item = (&Step, &StepState)> {
        self.plan.steps.iter().zip(&self.steps).filter(|(_, state)| state.stage.is_doubtful())
    }

    /// Steps that were carried out although nothing can take them back.
    pub fn passed(&self) -> impl Iterator<Item = (&Step, &StepState)> {
        self.plan
            .steps
            .iter()
            .zip(&self.steps)
            .filter(|(step, state)| step.class == UndoClass::NoUndo && state.intent.is_some())
    }
}
