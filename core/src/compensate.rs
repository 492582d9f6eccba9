//! Taking a run back: a pure function from history and scope to a plan, which is then a run like any other.
//!
//! The order is reverse, except where the runbook says `undo_after`: package removal is taken back before the files
//! that were purged after it, or installing would lay defaults over them; a node rejoins only once its services run.

use crate::action::{Action, Recovery, UndoClass, Verdict};
use crate::event::{Compensates, ImageRef, RULES, Scope, Undoes};
use crate::history::History;
use crate::id::{HostName, ResourceKey, RunId, Seq, StepPath};
use crate::life::Stage;
use crate::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use crate::resource::{Fields, Image, Loss, Residue, State};
use crate::state::{RunState, StepState};
use std::collections::{BTreeMap, BTreeSet};

/// Why a rollback cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompensateError {
    /// The journal has no such run.
    #[error("the journal has no run {0}")]
    NoRun(RunId),
    /// The run has no such step.
    #[error("the run has no step {0}")]
    NoStep(StepPath),
    /// The run has no such host.
    #[error("the run has no host {0}")]
    NoHost(HostName),
    /// Some step is in doubt and must be looked at first.
    #[error("{0} is in doubt")]
    InDoubt(StepPath),
    /// The way back leads over a point of no return.
    #[error("{0} is a point of no return")]
    PointOfNoReturn(StepPath),
    /// A later step outside the scope wrote the same resource, and the action cannot merge.
    #[error("{key} was written by {step} and again by {later}, which is not to be taken back")]
    WrittenSince {
        /// The resource.
        key: ResourceKey,
        /// The step to be taken back.
        step: StepPath,
        /// The later step.
        later: StepPath,
    },
}

/// What a rollback will do and what it cannot do.
#[derive(Debug, Clone)]
pub struct Compensation {
    /// The plan.
    pub plan: Plan,
    /// What cannot be restored.
    pub residues: Vec<Residue>,
    /// Steps without undo that it passes.
    pub passed: Vec<StepPath>,
}

/// Opens an image; sealed ones need the journal's keys.
pub type OpenImage<'a> = &'a dyn Fn(&ImageRef) -> Option<Image>;

/// The steps in scope that may have changed something and are not taken back yet, by index.
fn in_scope(state: &RunState, scope: &Scope) -> Result<BTreeSet<StepIx>, CompensateError> {
    match scope {
        Scope::Run => {}
        Scope::Host(host) if state.plan.hosts().any(|known| known == host) => {}
        Scope::Host(host) => return Err(CompensateError::NoHost(host.clone())),
        Scope::Step(path) if state.find(path).is_some() => {}
        Scope::Step(path) => return Err(CompensateError::NoStep(path.clone())),
    }
    let wanted = |ix: StepIx, step: &Step| match scope {
        Scope::Run => true,
        Scope::Host(host) => state
            .lane_number(ix)
            .and_then(|lane| state.plan.lanes.get(lane))
            .is_some_and(|lane| lane.kind == LaneKind::Host(host.clone())),
        Scope::Step(path) => step.path == *path,
    };
    Ok(state
        .steps()
        .filter(|(ix, step, known)| {
            wanted(*ix, step)
                && known.intent.is_some()
                && known.stage != Stage::Compensated
                && step.class != UndoClass::Read
        })
        .map(|(ix, ..)| ix)
        .collect())
}

/// Steps in scope whose state must be found out before a rollback can be planned.
pub fn in_doubt(state: &RunState, scope: &Scope) -> Result<Vec<StepPath>, CompensateError> {
    let doubtful = |stage: Stage| matches!(stage, Stage::Intended | Stage::Unknown | Stage::Asking);
    let all = in_scope(state, scope)?;
    let steps = all.into_iter().filter_map(|ix| state.step(ix));
    Ok(steps.filter(|(_, known)| doubtful(known.stage)).map(|(step, _)| step.path.clone()).collect())
}

/// Whether the step changed a resource, as far as is recorded; unknown counts as changed.
fn changed(known: &StepState, key: &ResourceKey, fields: Fields, open: OpenImage<'_>) -> bool {
    let before = known.intent.as_ref().and_then(|intent| open(&intent.before));
    let after = known.after.as_ref().and_then(open);
    match (before.as_ref().and_then(|image| image.get(key)), after.as_ref().and_then(|image| image.get(key))) {
        (Some(before), Some(after)) => !before.same(after, fields),
        _ => known.touched,
    }
}

/// Every step that a rollback of that scope settles, whether or not there was something to undo.
pub(crate) fn dealt_with(state: &RunState, scope: &Scope) -> Vec<StepPath> {
    let all = in_scope(state, scope).unwrap_or_default();
    all.into_iter().filter_map(|ix| state.step(ix)).map(|(step, _)| step.path.clone()).collect()
}

/// Plans the rollback of a scope of a run. Steps in doubt are refused, or, for a preview, taken as applied.
pub fn compensate(
    history: &History,
    run: RunId,
    scope: &Scope,
    preview: bool,
    open: OpenImage<'_>,
) -> Result<Compensation, CompensateError> {
    let state = history.runs.get(&run).ok_or(CompensateError::NoRun(run))?;
    let scoped = in_scope(state, scope)?;
    if !preview && let Some(path) = in_doubt(state, scope)?.into_iter().next() {
        return Err(CompensateError::InDoubt(path));
    }
    let get =
        |ix: StepIx| state.step(ix).and_then(|(step, known)| known.intent.as_ref().map(|intent| (step, known, intent)));
    for (step, known, _) in scoped.iter().filter_map(|ix| get(*ix)) {
        if step.class == UndoClass::PointOfNoReturn && known.touched {
            return Err(CompensateError::PointOfNoReturn(step.path.clone()));
        }
    }
    refuse_overwriting(state, &scoped, open)?;

    let mut plan = Plan {
        runbook: format!("rollback of {}", state.plan.runbook),
        about: format!("takes back run {}", run.short()),
        rules: RULES,
        parameters: state.plan.parameters.clone(),
        inventory: state.plan.inventory.clone(),
        serial: state.plan.serial,
        max_fail: 0,
        lanes: Vec::new(),
        steps: Vec::new(),
        compensates: Some(Compensates { run, scope: scope.clone() }),
    };
    // What was opened last is taken back first; the lane that stood first becomes the last.
    let numbers: Vec<usize> = (0..state.plan.lanes.len()).rev().collect();
    for number in numbers {
        let Some(lane) = state.plan.lanes.get(number) else { continue };
        let kind = match &lane.kind {
            LaneKind::First => LaneKind::Last,
            LaneKind::Last => LaneKind::First,
            LaneKind::Host(host) => LaneKind::Host(host.clone()),
        };
        let start = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
        let mine: Vec<StepIx> = scoped.range(lane.start..lane.end).copied().collect();
        undo_lane(state, run, &mine, &mut plan.steps, open);
        let end = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
        if end > start && matches!(kind, LaneKind::Host(_)) && !matches!(scope, Scope::Step(_)) {
            gates_of(state, lane, &mut plan.steps);
        }
        let end = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
        if end > start || !matches!(kind, LaneKind::Host(_)) {
            plan.lanes.push(Lane { kind, start, end });
        }
    }
    let residues = residues(state, &scoped, &plan, open);
    let passed = scoped
        .iter()
        .filter_map(|ix| get(*ix))
        .filter(|(step, known, _)| step.class == UndoClass::NoUndo && known.touched)
        .map(|(step, ..)| step.path.clone())
        .collect();
    Ok(Compensation { plan, residues, passed })
}

/// A resource that a later step outside the scope changed is not changed back, unless the action merges.
fn refuse_overwriting(state: &RunState, scoped: &BTreeSet<StepIx>, open: OpenImage<'_>) -> Result<(), CompensateError> {
    let mut later_writers: BTreeMap<&ResourceKey, Vec<(Seq, &StepPath)>> = BTreeMap::new();
    for (ix, step, known) in state.steps() {
        let (Some(intent), Some((_, seq))) = (&known.intent, known.job) else { continue };
        if scoped.contains(&ix) || step.class == UndoClass::Read || known.stage == Stage::Compensated {
            continue;
        }
        for footprint in intent.footprint.iter().filter(|footprint| footprint.fields != Fields::Evidence) {
            if changed(known, &footprint.key, footprint.fields, open) {
                later_writers.entry(&footprint.key).or_default().push((seq, &step.path));
            }
        }
    }
    for (step, known) in scoped.iter().filter_map(|ix| state.step(*ix)) {
        let (Some(intent), Some((_, seq))) = (&known.intent, known.job) else { continue };
        if intent.inverse.iter().all(|undo| matches!(undo.action, Action::InventoryRestore(_))) {
            continue;
        }
        for footprint in intent.footprint.iter().filter(|footprint| footprint.fields != Fields::Evidence) {
            let later = later_writers.get(&footprint.key).and_then(|all| all.iter().find(|(at, _)| *at > seq));
            if let Some((_, later)) = later
                && changed(known, &footprint.key, footprint.fields, open)
            {
                return Err(CompensateError::WrittenSince {
                    key: footprint.key.clone(),
                    step: step.path.clone(),
                    later: (*later).clone(),
                });
            }
        }
    }
    Ok(())
}

/// The order of undoing: reverse, but each step with `undo_after` directly behind the last of those it names.
fn undo_order(state: &RunState, mine: &[StepIx]) -> Vec<StepIx> {
    let has_undo =
        |ix: StepIx| state.step(ix).and_then(|(_, known)| known.intent.as_ref()).is_some_and(|i| !i.inverse.is_empty());
    let anchors = |ix: StepIx| -> Vec<StepIx> {
        let named = state.step(ix).map(|(step, _)| step.undo_after.as_slice()).unwrap_or_default();
        named.iter().filter_map(|path| state.find(path)).filter(|at| mine.contains(at) && has_undo(*at)).collect()
    };
    let mut order: Vec<StepIx> = mine.iter().rev().copied().filter(|ix| anchors(*ix).is_empty()).collect();
    // Only earlier steps can be named, so going forward every anchor is placed before it is needed. Of several steps
    // behind the same anchor the later one is undone first, as everywhere.
    for ix in mine.iter().copied().filter(|ix| !anchors(*ix).is_empty()) {
        let behind = anchors(ix).iter().filter_map(|anchor| order.iter().position(|at| at == anchor)).max();
        order.insert(behind.map_or(order.len(), |at| at + 1), ix);
    }
    order
}

fn undo_lane(state: &RunState, run: RunId, mine: &[StepIx], steps: &mut Vec<Step>, open: OpenImage<'_>) {
    let order = undo_order(state, mine);
    let owner = first_owners(state, mine);
    let mut undone: BTreeSet<StepIx> = BTreeSet::new();
    for ix in order {
        let Some((step, known)) = state.step(ix) else { continue };
        let Some(intent) = &known.intent else { continue };
        undone.insert(ix);
        let mut undos = intent.inverse.clone();
        // A file that an earlier step recorded, and whose undo is already placed, is as it was: what a later step found
        // there was that step's doing (an .rpmsave file, say).
        undos.retain(|undo| match (&undo.action, &step.target.host) {
            (Action::FileRestore(file), Some(host)) => {
                let first = owner.get(&ResourceKey::file(host, &file.path));
                first.is_none_or(|first| *first == ix || !undone.contains(first))
            }
            _ => true,
        });
        let count = undos.len();
        for (number, mut undo) in undos.into_iter().enumerate() {
            if let Action::InventoryRestore(restore) = &mut undo.action {
                let key = ResourceKey::control_file(&restore.file);
                let after = known.after.as_ref().and_then(open).and_then(|image| image.get(&key).cloned());
                restore.base = Some(after.unwrap_or_else(|| restore.to.clone()));
            }
            let text = if count == 1 {
                format!("undo/{}", step.path)
            } else {
                // Numbered, so that two undos of one step never share a path; named, so that people tell them apart.
                format!("undo/{}/{:02}-{}", step.path, number + 1, undo.action.slug())
            };
            let Ok(path) = StepPath::new(text) else { continue };
            steps.push(Step {
                path,
                label: step.label.clone(),
                target: intent.target.clone(),
                class: undo.action.class(),
                recovery: Recovery::Repeat,
                work: Work::Act(undo.action),
                when: None,
                capture: None,
                undo_after: Vec::new(),
                touches: Vec::new(),
                undoes: Some(Undoes { run, step: step.path.clone(), last: number + 1 == count }),
                accepts: undo.accepts,
            });
        }
    }
}

/// For each resource, the first step in scope that owns it.
fn first_owners(state: &RunState, mine: &[StepIx]) -> BTreeMap<ResourceKey, StepIx> {
    let mut owners = BTreeMap::new();
    for ix in mine {
        let Some(intent) = state.step(*ix).and_then(|(_, known)| known.intent.as_ref()) else { continue };
        for footprint in intent.footprint.iter().filter(|footprint| footprint.fields != Fields::Evidence) {
            owners.entry(footprint.key.clone()).or_insert(*ix);
        }
    }
    owners
}

/// The gates of a host hold on the way back too, at its end: the next host is not touched before they open.
fn gates_of(state: &RunState, lane: &Lane, steps: &mut Vec<Step>) {
    let mut seen = Vec::new();
    let mut last_of_each = Vec::new();
    for ix in (lane.start..lane.end).rev() {
        let Some((step, _)) = state.step(ix) else { continue };
        let Work::Gate { gate, .. } = &step.work else { continue };
        if !seen.contains(gate) {
            seen.push(gate.clone());
            last_of_each.push(step);
        }
    }
    for step in last_of_each.into_iter().rev() {
        let Ok(path) = StepPath::new(format!("undo/{}", step.path)) else { continue };
        let gate = step.clone();
        steps.push(Step { path, when: None, undo_after: Vec::new(), touches: Vec::new(), ..gate });
    }
}

/// Whether the image taken after a step shows that it changed nothing, however it ended: nothing was lost then.
fn untouched(known: &StepState, open: OpenImage<'_>) -> bool {
    let Some(intent) = &known.intent else { return true };
    let images = (open(&intent.before), known.after.as_ref().and_then(open));
    let (Some(before), Some(after)) = images else { return false };
    intent.action.judge(&intent.footprint, &before, &after) == Verdict::NotApplied
}

/// What the steps in scope lost for good, and what taking them back loses again.
fn residues(state: &RunState, scoped: &BTreeSet<StepIx>, plan: &Plan, open: OpenImage<'_>) -> Vec<Residue> {
    let mut all = BTreeSet::new();
    for (_, known) in scoped.iter().filter_map(|ix| state.step(*ix)) {
        let doubtful = matches!(known.stage, Stage::Intended | Stage::Unknown | Stage::Asking);
        if let Some(intent) = &known.intent
            && (doubtful || known.touched && !untouched(known, open))
        {
            all.extend(intent.losses.iter().cloned());
        }
    }
    for step in &plan.steps {
        if let (Work::Act(Action::Drain(_)), Some(node)) = (&step.work, &step.target.node) {
            all.insert(Residue { key: ResourceKey::pods(node), loss: Loss::EvictedAgain });
        }
    }
    all.into_iter().collect()
}

/// The residues of a rollback that ran: as announced when it was planned, computed anew from the history.
pub fn residues_of(history: &History, rollback: RunId, open: OpenImage<'_>) -> Vec<Residue> {
    let Some(state) = history.runs.get(&rollback) else { return Vec::new() };
    let Some(compensates) = &state.opened.compensates else { return Vec::new() };
    let Some(original) = history.runs.get(&compensates.run) else { return Vec::new() };
    let host_of = |step: &Step| step.target.host.clone();
    let mine = original.steps().filter(|(_, step, known)| {
        known.intent.is_some()
            && step.class != UndoClass::Read
            && known.compensated_by.is_none_or(|by| by == rollback)
            && match &compensates.scope {
                Scope::Run => true,
                Scope::Host(host) => host_of(step).as_ref() == Some(host),
                Scope::Step(path) => step.path == *path,
            }
    });
    let scoped: BTreeSet<StepIx> = mine.map(|(ix, ..)| ix).collect();
    residues(original, &scoped, &state.plan, open)
}

/// The state that each resource in scope had before its first step, with the fields that any of them owns: what a
/// rollback is held against at its end. Resources written since by steps outside the scope are left out.
pub fn originals(
    history: &History,
    run: RunId,
    scope: &Scope,
    open: OpenImage<'_>,
) -> BTreeMap<ResourceKey, (State, Fields)> {
    let mut found: BTreeMap<ResourceKey, (State, Fields)> = BTreeMap::new();
    let Some(state) = history.runs.get(&run) else { return found };
    let whole = |step: &Step| match scope {
        Scope::Run => true,
        Scope::Host(host) => step.target.host.as_ref() == Some(host),
        Scope::Step(path) => step.path == *path,
    };
    let mut outside: BTreeMap<ResourceKey, Seq> = BTreeMap::new();
    let mut first_at: BTreeMap<ResourceKey, Seq> = BTreeMap::new();
    for (_, step, known) in state.steps() {
        let (Some(intent), Some((_, seq))) = (&known.intent, known.job) else { continue };
        if step.class == UndoClass::Read {
            continue;
        }
        let owned = intent.footprint.iter().filter(|footprint| footprint.fields != Fields::Evidence);
        if !whole(step) {
            outside.extend(owned.map(|footprint| (footprint.key.clone(), seq)));
            continue;
        }
        let Some(before) = open(&intent.before) else { continue };
        for footprint in owned {
            let Some(state) = before.get(&footprint.key) else { continue };
            let slot = found.entry(footprint.key.clone()).or_insert_with(|| (state.clone(), footprint.fields));
            slot.1 = slot.1.join(footprint.fields);
            first_at.entry(footprint.key.clone()).or_insert(seq);
        }
    }
    found.retain(|key, _| match (outside.get(key), first_at.get(key)) {
        (Some(outside), Some(first)) => outside < first,
        _ => true,
    });
    found
}
