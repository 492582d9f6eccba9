//! Taking a run back: a pure function from history and scope to a plan, which is then a run like any other.
//!
//! The order is reverse, except where the runbook says `undo_after`: package removal is taken back before the files
//! that were purged after it, or installing would lay defaults over them; a node rejoins only once its services run.

use crate::action::{Action, Target, Undo, UndoClass};
use crate::gate::Gate;
use crate::id::{HostName, ResourceKey, RunId, Seq, StepPath};
use crate::record::{Compensates, Scope, Undoes};
use crate::resource::{Fields, Footprint, Image, Loss, Residue, State};
use crate::run::at_work::{self, HalfDone};
use crate::run::history::History;
use crate::run::leftover::{self, owned};
use crate::run::life::Stage;
use crate::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use crate::run::rules::version::Rules;
use crate::run::scope::{self, OpenImage, covers};
use crate::run::state::{RunState, StepState};
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
        /// By its key: the host or cluster, and what it is there.
        key: ResourceKey,
        /// The step to be taken back.
        step: StepPath,
        /// The later step.
        later: StepPath,
    },
    /// The same, by another run.
    #[error("{key} was written by {step} and again by {later} of run {by}, which is to be taken back first")]
    WrittenByRun {
        /// By its key: the host or cluster, and what it is there.
        key: ResourceKey,
        /// The step to be taken back.
        step: StepPath,
        /// The later run.
        by: RunId,
        /// The step that wrote it there.
        later: StepPath,
    },
    /// Other hosts of the run stand half done, as many as may be at a time.
    #[error("{host} cannot be taken back while {} half done, at {}: the runbook has {serial} at a time", stand(.others), .others[0].at)]
    HostsAtWork {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// The host to be taken back.
        host: HostName,
        /// Those that stand half done; at least one.
        others: Vec<HalfDone>,
        /// How many hosts may be at work at a time.
        serial: u32,
    },
}

fn stand(others: &[HalfDone]) -> String {
    let names: Vec<&str> = others.iter().map(|other| other.host.as_str()).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "stands" } else { "stand" })
}

/// What a rollback will do and what it cannot do.
#[derive(Debug, Clone)]
pub struct Compensation {
    /// The steps that take it back, in their order.
    pub plan: Plan,
    /// What cannot be restored.
    pub residues: Vec<Residue>,
    /// Steps without undo that it passes.
    pub passed: Vec<StepPath>,
    /// Steps of which it is not known what they changed: it passes them too, and each is a residue.
    pub unknown: Vec<StepPath>,
}

/// The steps in scope that may have changed something and are not taken back yet, by index.
fn in_scope(state: &RunState, scope: &Scope) -> Result<BTreeSet<StepIx>, CompensateError> {
    scope::not_taken_back(state, scope).ok_or_else(|| match scope {
        Scope::Run => CompensateError::NoRun(state.run),
        Scope::Host(host) => CompensateError::NoHost(host.clone()),
        Scope::Step(path) => CompensateError::NoStep(path.clone()),
    })
}

/// Steps in scope whose state must be found out before a rollback can be planned.
pub fn in_doubt(state: &RunState, scope: &Scope) -> Result<Vec<StepPath>, CompensateError> {
    let all = in_scope(state, scope)?;
    let steps = all.into_iter().filter_map(|ix| state.step(ix));
    Ok(steps.filter(|(_, known)| known.stage.is_doubtful()).map(|(step, _)| step.path.clone()).collect())
}

/// What a step changed, as far as is recorded. Its images are opened once, however many resources are asked about.
struct Changes {
    before: Option<Image>,
    after: Option<Image>,
    perhaps: bool,
}

impl Changes {
    fn of(known: &StepState, open: OpenImage<'_>) -> Self {
        Self {
            before: known.intent.as_ref().and_then(|intent| open(&intent.before)),
            after: known.after.as_ref().and_then(open).filter(|_| !known.stage.is_doubtful()),
            perhaps: known.touched || known.stage.is_doubtful(),
        }
    }

    /// Unknown counts as changed.
    fn has(&self, place: &Footprint) -> bool {
        let state = |image: &Option<Image>| image.as_ref().and_then(|image| image.get(&place.key).cloned());
        match (state(&self.before), state(&self.after)) {
            (Some(before), Some(after)) => !before.same(&after, place.fields),
            _ => self.perhaps,
        }
    }
}

/// A step that changed a resource after the scope did, and is not taken back itself.
struct Writer<'a> {
    run: RunId,
    path: &'a StepPath,
    seq: Seq,
}

/// Whoever else changed these resources: steps of the run outside the scope, and of other runs. A rollback puts back
/// what its own run changed, whose steps then count as compensated; a rollback of a rollback goes forward again.
fn other_writers<'a>(
    history: &'a History,
    run: RunId,
    scope: &Scope,
    keys: &BTreeMap<ResourceKey, Seq>,
    open: OpenImage<'_>,
) -> BTreeMap<&'a ResourceKey, Vec<Writer<'a>>> {
    let mut writers: BTreeMap<&ResourceKey, Vec<Writer<'_>>> = BTreeMap::new();
    let Some(world) = history.runs.get(&run).map(|state| &state.opened.world) else { return writers };
    let counts =
        |other: RunId, state: &RunState| other == run || state.opened.world == *world && goes_forward(history, other);
    for (other, state) in history.runs.iter().filter(|(other, state)| counts(**other, state)) {
        for (ix, step, known) in state.steps() {
            let Some((_, seq)) = known.job else { continue };
            let inside = *other == run && covers(state, scope, ix);
            if inside || step.class == UndoClass::Read || known.stage == Stage::Compensated {
                continue;
            }
            let shared: Vec<&Footprint> =
                owned(known).filter(|place| keys.get(&place.key).is_some_and(|first| *first < seq)).collect();
            if shared.is_empty() {
                continue;
            }
            let changes = Changes::of(known, open);
            for place in shared.into_iter().filter(|place| changes.has(place)) {
                writers.entry(&place.key).or_default().push(Writer { run: *other, path: &step.path, seq });
            }
        }
    }
    writers
}

fn goes_forward(history: &History, mut run: RunId) -> bool {
    let mut forward = true;
    // A chain of rollbacks is no longer than the number of runs.
    for _ in 0..history.runs.len() {
        match history.runs.get(&run).and_then(|state| state.opened.compensates.as_ref()) {
            Some(back) => (forward, run) = (!forward, back.run),
            None => break,
        }
    }
    forward
}

/// Plans the rollback of a scope of a run, as a run under these rules: its own, whatever the run that it takes back was
/// made under. Steps in doubt are refused, or, for a preview, taken as applied.
pub fn compensate(
    history: &History,
    (run, scope): (RunId, &Scope),
    rules: Rules,
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
        if step.class == UndoClass::PointOfNoReturn && (known.touched || known.stage.is_doubtful()) {
            return Err(CompensateError::PointOfNoReturn(step.path.clone()));
        }
    }
    if rules.hosts_at_work_count()
        && !scoped.is_empty()
        && let Some((host, others)) = at_work::too_many(state, scope)
    {
        return Err(CompensateError::HostsAtWork { run, host, others, serial: state.plan.serial.max(1) });
    }
    refuse_overwriting(history, state, scope, &scoped, open)?;

    let mut plan = Plan {
        runbook: format!("rollback of {}", state.plan.runbook),
        about: format!("takes back run {}", run.short()),
        rules: rules.version(),
        parameters: state.plan.parameters.clone(),
        inventory: state.plan.inventory.clone(),
        serial: state.plan.serial,
        max_fail: 0,
        lanes: Vec::new(),
        steps: Vec::new(),
        compensates: Some(Compensates { run, scope: scope.clone() }),
    };
    // What was opened last is taken back first; the lane that stood first becomes the last.
    // How many hosts stand before in the plan, and the gates that each of them closes with.
    let (mut hosts_before, mut held): (u32, Option<Vec<Gate>>) = (0, None);
    for number in at_work::order(state, rules.hosts_at_work_count()) {
        let Some(lane) = state.plan.lanes.get(number) else { continue };
        let kind = match &lane.kind {
            LaneKind::First => LaneKind::Last,
            LaneKind::Last => LaneKind::First,
            LaneKind::Host(host) => LaneKind::Host(host.clone()),
        };
        let start = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
        let mine: Vec<StepIx> = scoped.range(lane.start..lane.end).copied().collect();
        let mut undos = Vec::new();
        undo_lane(state, (run, rules), &mine, &mut undos, open);
        if !undos.is_empty() && matches!(kind, LaneKind::Host(_)) && !matches!(scope, Scope::Step(_)) {
            let closing = gates_of(state, lane, rules);
            if rules.hosts_at_work_count() {
                // What closed a host before this one has just been seen to hold.
                let just_held = held.as_deref().filter(|_| hosts_before >= state.plan.serial.max(1));
                plan.steps.extend(entry_gates(state, lane, just_held.unwrap_or_default()));
                let kept = |gate: &Gate| held.as_ref().is_none_or(|held| held.contains(gate));
                held = Some(closing.iter().filter_map(gate_in).filter(|gate| kept(gate)).cloned().collect());
                hosts_before += 1;
            }
            plan.steps.append(&mut undos);
            plan.steps.extend(closing);
        }
        plan.steps.append(&mut undos);
        let end = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
        if end > start || !matches!(kind, LaneKind::Host(_)) {
            plan.lanes.push(Lane { kind, start, end });
        }
    }
    let residues = residues(state, (scope, rules), &scoped, &plan, open).into_iter().collect();
    let left_unknown =
        |step: &Step, known: &StepState| rules.what_is_left_is_a_residue() && leftover::left_unknown(step, known);
    let unknown = scoped
        .iter()
        .filter_map(|ix| get(*ix))
        .filter(|(step, known, _)| left_unknown(step, known))
        .map(|(step, ..)| step.path.clone())
        .collect();
    let passed = scoped
        .iter()
        .filter_map(|ix| get(*ix))
        .filter(|(step, known, _)| step.class == UndoClass::NoUndo && known.touched && !left_unknown(step, known))
        .map(|(step, ..)| step.path.clone())
        .collect();
    Ok(Compensation { plan, residues, passed, unknown })
}

/// A resource that a later step outside the scope changed is not changed back, unless the action merges.
fn refuse_overwriting(
    history: &History,
    state: &RunState,
    scope: &Scope,
    scoped: &BTreeSet<StepIx>,
    open: OpenImage<'_>,
) -> Result<(), CompensateError> {
    let mine = || {
        let steps = scoped.iter().filter_map(|ix| state.step(*ix));
        steps.filter_map(|(step, known)| Some((step, known, known.intent.as_ref()?, known.job?.1))).filter(
            |(step, known, intent, _)| {
                step.class == UndoClass::Reversible
                    && !is_untouched(state.rules, known)
                    && !intent.inverse.iter().all(|undo| matches!(undo.action, Action::InventoryRestore(_)))
            },
        )
    };
    let mut first: BTreeMap<ResourceKey, Seq> = BTreeMap::new();
    for (_, known, _, seq) in mine() {
        for place in owned(known) {
            let slot = first.entry(place.key.clone()).or_insert(seq);
            *slot = seq.min(*slot);
        }
    }
    let writers = other_writers(history, state.run, scope, &first, open);
    if writers.is_empty() {
        return Ok(());
    }
    for (step, known, _, seq) in mine() {
        let changes = Changes::of(known, open);
        for place in owned(known) {
            let later = writers.get(&place.key).and_then(|all| all.iter().find(|writer| writer.seq > seq));
            let Some(later) = later.filter(|_| changes.has(place)) else { continue };
            let (key, step, path) = (place.key.clone(), step.path.clone(), later.path.clone());
            return Err(if later.run == state.run {
                CompensateError::WrittenSince { key, step, later: path }
            } else {
                CompensateError::WrittenByRun { key, step, by: later.run, later: path }
            });
        }
    }
    Ok(())
}

/// The order of undoing: reverse, but each step with `undo_after` directly behind the last of those it names.
fn undo_order(state: &RunState, mine: &[StepIx]) -> Vec<StepIx> {
    let has_undo =
        |ix: StepIx| state.step(ix).is_some_and(|(step, known)| !inverse_of(state.rules, step, known).is_empty());
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

/// Whether no attempt of a step began: it owns nothing, and what is there is others' work.
fn is_untouched(rules: Rules, known: &StepState) -> bool {
    rules.untouched_steps_have_no_undo() && !known.begun && !known.stage.is_doubtful()
}

/// What takes a step back; nothing for one that was declared to have no undo, whatever its action could restore, or that
/// never began.
fn inverse_of<'a>(rules: Rules, step: &Step, known: &'a StepState) -> &'a [Undo] {
    match &known.intent {
        Some(intent) if step.class == UndoClass::Reversible && !is_untouched(rules, known) => &intent.inverse,
        _ => &[],
    }
}

/// The path of an undo. Paths are bounded: where the step's own cannot be made longer, its number stands for it.
fn undo_path(step: &Step, ix: StepIx, part: &str) -> StepPath {
    StepPath::new(format!("undo/{}{part}", step.path))
        .or_else(|_| StepPath::new(format!("undo/@{ix}{part}")))
        .unwrap_or_else(|_| step.path.clone())
}

fn undo_lane(
    state: &RunState,
    (run, rules): (RunId, Rules),
    mine: &[StepIx],
    steps: &mut Vec<Step>,
    open: OpenImage<'_>,
) {
    let order = undo_order(state, mine);
    let owner = first_owners(state, mine);
    let mut undone: BTreeSet<StepIx> = BTreeSet::new();
    for ix in order {
        let Some((step, known)) = state.step(ix) else { continue };
        let Some(intent) = &known.intent else { continue };
        undone.insert(ix);
        let mut undos = inverse_of(state.rules, step, known).to_vec();
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
                restore.base = Some(Box::new(after.unwrap_or_else(|| restore.to.clone())));
            }
            // Numbered, so that two undos of one step never share a path; named, so that people tell them apart.
            let part = if count == 1 { String::new() } else { format!("/{:02}-{}", number + 1, undo.action.slug()) };
            steps.push(Step {
                path: undo_path(step, ix, &part),
                label: step.label.clone(),
                target: intent.target.clone(),
                class: class_under(rules, &undo.action),
                // Of a command only the runbook knows whether it may run twice.
                recovery: match &undo.action {
                    Action::Command(_) => step.recovery,
                    action => action.recovery(),
                },
                work: Work::Act(undo.action),
                when: None,
                capture: None,
                undo_after: Vec::new(),
                touches: Vec::new(),
                undoes: Some(Undoes { run, step: step.path.clone(), last: number + 1 == count }),
                accepts: undo.accepts,
                undo_reason: None,
            });
        }
    }
}

/// The undo class that an action has under these rules.
fn class_under(rules: Rules, action: &Action) -> UndoClass {
    match action.class() {
        UndoClass::UnknownEffect if !rules.what_is_left_is_a_residue() => UndoClass::NoUndo,
        class => class,
    }
}

/// For each file, the first step whose undo puts it back.
fn first_owners(state: &RunState, mine: &[StepIx]) -> BTreeMap<ResourceKey, StepIx> {
    let mut owners = BTreeMap::new();
    for (ix, (step, known)) in mine.iter().filter_map(|ix| Some((*ix, state.step(*ix)?))) {
        let Some(host) = &step.target.host else { continue };
        for undo in inverse_of(state.rules, step, known) {
            if let Action::FileRestore(file) = &undo.action {
                owners.entry(ResourceKey::file(host, &file.path)).or_insert(ix);
            }
        }
    }
    owners
}

/// The gates of a host hold on the way back too, at its end: the next host is not touched before they open.
fn gates_of(state: &RunState, lane: &Lane, rules: Rules) -> Vec<Step> {
    let gates = at_work::last_gates(state, lane, !rules.passed_gates_stay_away()).into_iter();
    let back = |(ix, step): (StepIx, &Step)| {
        let path = undo_path(step, ix, "");
        Step { path, when: None, undo_after: Vec::new(), touches: Vec::new(), ..step.clone() }
    };
    gates.map(back).collect()
}

fn gate_in(step: &Step) -> Option<&Gate> {
    if let Work::Gate { gate, .. } = &step.work { Some(gate) } else { None }
}

/// The gates that hold before a host is taken back: it is not touched while others are away.
fn entry_gates(state: &RunState, lane: &Lane, just_held: &[Gate]) -> Vec<Step> {
    let gates = at_work::entry_gates(state, lane).into_iter();
    let gates = gates.filter(|(_, step, _)| gate_in(step).is_some_and(|gate| !just_held.contains(gate)));
    let gates = gates.filter_map(|(ix, step, gate)| {
        let Work::Gate { samples, every, timeout, .. } = &step.work else { return None };
        let work = Work::Gate { gate, samples: *samples, every: *every, timeout: *timeout };
        let path = undo_path(step, ix, "/before");
        // The API may no longer know the node of a host that stands half done.
        let node = step.target.node.clone().or_else(|| state.node_of(ix).map(str::to_owned));
        let target = Target { node, ..step.target.clone() };
        Some(Step { path, target, work, when: None, undo_after: Vec::new(), touches: Vec::new(), ..step.clone() })
    });
    gates.collect()
}

/// What the steps in scope lost for good, and what taking them back loses again.
fn residues(
    state: &RunState,
    (scope, rules): (&Scope, Rules),
    scoped: &BTreeSet<StepIx>,
    plan: &Plan,
    open: OpenImage<'_>,
) -> BTreeSet<Residue> {
    let mut all = BTreeSet::new();
    let whole = rules.what_is_left_is_a_residue().then(|| leftover::spoken_for(state, scope));
    for (step, known) in whole.as_ref().unwrap_or(scoped).iter().filter_map(|ix| state.step(*ix)) {
        all.extend(leftover::announced(known, rules, open));
        if whole.is_some() {
            all.extend(leftover::beyond(step, known));
        }
    }
    for step in &plan.steps {
        if let (Work::Act(Action::Drain(_)), Some(node)) = (&step.work, &step.target.node) {
            all.insert(Residue { key: ResourceKey::pods(node), loss: Loss::EvictedAgain });
        }
    }
    all
}

/// The residues of a rollback that ran: as announced when it was planned, computed anew from the history.
pub(crate) fn residues_of(history: &History, rollback: RunId, open: OpenImage<'_>) -> Vec<Residue> {
    let Some(state) = history.runs.get(&rollback) else { return Vec::new() };
    let Some(compensates) = &state.opened.compensates else { return Vec::new() };
    let Some(original) = history.runs.get(&compensates.run) else { return Vec::new() };
    let mine = original.steps().filter(|(ix, step, known)| {
        known.intent.is_some()
            && step.class != UndoClass::Read
            && known.compensated_by.is_none_or(|by| by == rollback)
            && covers(original, &compensates.scope, *ix)
    });
    let scoped: BTreeSet<StepIx> = mine.map(|(ix, ..)| ix).collect();
    let mut all = residues(original, (&compensates.scope, state.rules), &scoped, &state.plan, open);
    if state.rules.what_is_left_is_a_residue() {
        all.extend(leftover::not_undone(state, original));
    }
    all.into_iter().collect()
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
    let mut first_at: BTreeMap<ResourceKey, Seq> = BTreeMap::new();
    for (_, step, known) in state.steps().filter(|(ix, ..)| covers(state, scope, *ix)) {
        let (Some(intent), Some((_, seq))) = (&known.intent, known.job) else { continue };
        // What only steps without undo changed is listed, and does not count.
        if matches!(step.class, UndoClass::Read | UndoClass::NoUndo) || is_untouched(state.rules, known) {
            continue;
        }
        let Some(before) = open(&intent.before) else { continue };
        for place in owned(known) {
            let Some(state) = before.get(&place.key) else { continue };
            let slot = found.entry(place.key.clone()).or_insert_with(|| (state.clone(), place.fields));
            slot.1 = slot.1.join(place.fields);
            first_at.entry(place.key.clone()).or_insert(seq);
        }
    }
    let writers = other_writers(history, run, scope, &first_at, open);
    found.retain(|key, _| !writers.contains_key(key));
    found
}

#[cfg(test)]
#[path = "compensate_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "compensate_naive_tests.rs"]
mod naive_tests;
