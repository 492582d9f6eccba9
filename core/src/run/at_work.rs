//! Hosts of a run that stand half done while others of it are taken back.
//!
//! A host is at work between its first intent and its closing gate: what it gives to the cluster may be away for as long.
//! A runbook's `serial` says how many hosts may be in that state at a time, whichever way they go.

use crate::action::UndoClass;
use crate::gate::Gate;
use crate::id::{HostName, StepPath};
use crate::record::{Scope, SkipWhy};
use crate::run::life::Stage;
use crate::run::plan::{Lane, LaneKind, Step, StepIx, Work};
use crate::run::state::{RunState, StepState};
use std::collections::BTreeSet;

/// A host that stands half done, with the step that it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfDone {
    /// The host.
    pub host: HostName,
    /// The first step that is not behind.
    pub at: StepPath,
}

fn steps<'a>(state: &'a RunState, lane: &Lane) -> impl DoubleEndedIterator<Item = (StepIx, &'a Step, &'a StepState)> {
    (lane.start..lane.end).filter_map(|ix| state.step(ix).map(|(step, known)| (ix, step, known)))
}

/// Whether a gate of the run is no gate here: its `when` did not hold, or would not.
fn stays_away(state: &RunState, ix: StepIx, step: &Step, known: &StepState) -> bool {
    match known.stage {
        Stage::Skipped => known.skipped == Some(SkipWhy::When),
        Stage::Pending => step.when.as_ref().is_some_and(|when| state.fails(ix, when)),
        _ => false,
    }
}

/// The last gate of each kind in a lane, in order; `all`: also those whose `when` did not hold.
pub(crate) fn last_gates<'a>(state: &'a RunState, lane: &Lane, all: bool) -> Vec<(StepIx, &'a Step)> {
    let mut seen = Vec::new();
    let mut last_of_each = Vec::new();
    for (ix, step, known) in steps(state, lane).rev() {
        let Work::Gate { gate, .. } = &step.work else { continue };
        if !seen.contains(&gate) && (all || !stays_away(state, ix, step, known)) {
            seen.push(gate);
            last_of_each.push((ix, step));
        }
    }
    last_of_each.reverse();
    last_of_each
}

/// The step that a host stands at half done; none if it has not begun, has its closing gate behind it, or was taken back.
fn stands_at<'a>(state: &'a RunState, lane: &Lane) -> Option<&'a StepPath> {
    let acts = |(_, step, known): &(StepIx, &Step, &StepState)| {
        step.class != UndoClass::Read && known.intent.is_some() && known.stage != Stage::Compensated
    };
    steps(state, lane).find(acts)?;
    let closing = last_gates(state, lane, false).last().map_or(lane.end, |(ix, _)| ix + 1);
    let open = |(ix, _, known): &(StepIx, &Step, &StepState)| *ix < closing && !known.stage.is_behind();
    steps(state, lane).find(open).map(|(_, step, _)| &step.path)
}

/// The hosts of an open run that stand half done, in the order of the run.
pub(crate) fn half_done(state: &RunState) -> Vec<HalfDone> {
    if state.closed.is_some() {
        return Vec::new();
    }
    let of = |lane: &Lane| match &lane.kind {
        LaneKind::Host(host) => stands_at(state, lane).map(|at| HalfDone { host: host.clone(), at: at.clone() }),
        LaneKind::First | LaneKind::Last => None,
    };
    state.plan.lanes.iter().filter_map(of).collect()
}

/// The host whose steps a scope takes back, if it is one.
fn host_of(state: &RunState, scope: &Scope) -> Option<HostName> {
    match scope {
        Scope::Run => None,
        Scope::Host(host) => Some(host.clone()),
        Scope::Step(path) => {
            let lane = state.find(path).and_then(|ix| state.lane_number(ix))?;
            match &state.plan.lanes.get(lane)?.kind {
                LaneKind::Host(host) => Some(host.clone()),
                LaneKind::First | LaneKind::Last => None,
            }
        }
    }
}

/// The host that a scope takes back and those that stand half done beside it, if together they are more than `serial`.
pub(crate) fn too_many(state: &RunState, scope: &Scope) -> Option<(HostName, Vec<HalfDone>)> {
    let host = host_of(state, scope)?;
    let mut others = half_done(state);
    others.retain(|other| other.host != host);
    let places = usize::try_from(state.plan.serial.max(1)).unwrap_or(usize::MAX);
    (others.len() >= places).then_some((host, others))
}

/// In which order lanes are taken back: what was opened last first, but before all other hosts those that stand half done.
pub(crate) fn order(state: &RunState, first_half_done: bool) -> Vec<usize> {
    let names: BTreeSet<HostName> = match first_half_done {
        true => half_done(state).into_iter().map(|half| half.host).collect(),
        false => BTreeSet::new(),
    };
    let rank = |number: &usize| match state.plan.lanes.get(*number).map(|lane| &lane.kind) {
        Some(LaneKind::Last) | None => 0,
        Some(LaneKind::Host(host)) if names.contains(host) => 1,
        Some(LaneKind::Host(_)) => 2,
        Some(LaneKind::First) => 3,
    };
    let mut numbers: Vec<usize> = (0..state.plan.lanes.len()).rev().collect();
    if first_half_done {
        numbers.sort_by_key(rank);
    }
    numbers
}

/// The gates that hold before a host's first undo: those that say how the others are, each without what the host's own
/// unfinished steps took away.
pub(crate) fn entry_gates<'a>(state: &'a RunState, lane: &Lane) -> Vec<(StepIx, &'a Step, Gate)> {
    let LaneKind::Host(host) = &lane.kind else { return Vec::new() };
    let unfinished = stands_at(state, lane).is_some();
    let gates = last_gates(state, lane, false).into_iter();
    let entry = |(ix, step): (StepIx, &'a Step)| match &step.work {
        Work::Gate { gate, .. } => gate.before(unfinished.then_some(host)).map(|gate| (ix, step, gate)),
        Work::Act(_) => None,
    };
    gates.filter_map(entry).collect()
}

#[cfg(test)]
#[path = "at_work_tests.rs"]
mod tests;
