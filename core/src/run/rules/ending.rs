//! Why a run pauses, and how it ends.

use crate::action::{UndoClass, units};
use crate::id::{ResourceKey, RunId};
use crate::record::{Compensates, Difference, PauseWhy, RunClosed, RunEnd};
use crate::resource::{Fields, Image, Loss, Residue, State};
use crate::run::compensate::residues_of;
use crate::run::decide::Standing;
use crate::run::history::History;
use crate::run::leftover;
use crate::run::rules::version::Rules;
use crate::run::scope::{OpenImage, covers};
use crate::run::state::RunState;
use std::collections::{BTreeMap, BTreeSet};

/// Why a run pauses when nothing more is done; none if it does not pause but ends. `asked`: a person wants it to;
/// `blocked`: what keeps the first step that could not even be prepared.
pub fn pause(standing: Standing, asked: bool, blocked: Option<PauseWhy>) -> Option<PauseWhy> {
    match standing {
        Standing::Closed | Standing::Done | Standing::DoneWithFailures => None,
        Standing::Asking => Some(PauseWhy::InDoubt),
        _ if asked => Some(PauseWhy::Asked),
        Standing::Failed => Some(PauseWhy::Failed),
        Standing::Ready | Standing::Paused => Some(blocked.unwrap_or(PauseWhy::Asked)),
    }
}

/// How a run ends that takes nothing back.
pub fn close(state: &RunState, open: OpenImage<'_>) -> RunClosed {
    let end = if state.standing() == Standing::Done { RunEnd::Done } else { RunEnd::Failed };
    let told = state.steps().flat_map(|(_, _, known)| &known.losses);
    let residues: BTreeSet<Residue> = lost_so_far(state, open).into_iter().chain(told.cloned()).collect();
    let intents = state.passed().filter_map(|(_, known)| known.intent.as_ref());
    let passed: BTreeSet<&ResourceKey> = intents.flat_map(|intent| &intent.footprint).map(|place| &place.key).collect();
    RunClosed {
        end,
        steps: state.counts(),
        residues: residues.into_iter().collect(),
        differences: Vec::new(),
        passed: passed.into_iter().cloned().collect(),
        lists: None,
        by: None,
        reason: None,
    }
}

/// What the steps of a run lost for good so far.
pub fn lost_so_far(state: &RunState, open: OpenImage<'_>) -> BTreeSet<Residue> {
    let touched = state.steps().map(|(_, _, known)| known).filter(|known| known.touched);
    match state.rules.only_what_is_gone_is_lost() {
        true => touched.flat_map(|known| leftover::announced(known, state.rules, open)).collect(),
        false => touched.filter_map(|known| known.intent.as_ref()).flat_map(|intent| intent.losses.clone()).collect(),
    }
}

/// What each resource in a rollback's scope was before, with the fields that count.
pub type Originals = BTreeMap<ResourceKey, (State, Fields)>;

/// How a rollback ends: what is there now, held against what was; `now` is none if nobody could look.
pub fn close_back(
    history: &History,
    state: &RunState,
    back: &Compensates,
    originals: &Originals,
    now: Option<&Image>,
    open: OpenImage<'_>,
) -> RunClosed {
    let mut residues: BTreeSet<Residue> = residues_of(history, state.run, open).into_iter().collect();
    residues.extend(state.steps().flat_map(|(_, _, known)| &known.losses).cloned());
    let mut differences = Vec::new();
    for (key, (was, fields)) in originals {
        match now.and_then(|now| now.get(key)) {
            Some(is) if was.same(is, *fields) => continue,
            Some(is) => {
                differences.push(Difference { key: key.clone(), was: was.clone(), is: is.clone() });
                // No way back makes a unit fail again; that it is stopped instead is told.
                if is_back(state.rules, was, is) {
                    continue;
                }
            }
            // What cannot be looked at is not claimed to be restored.
            None => {}
        }
        residues.insert(Residue { key: key.clone(), loss: Loss::Differs });
    }
    RunClosed {
        end: back_end(residues.is_empty()),
        steps: state.counts(),
        residues: residues.into_iter().collect(),
        differences,
        passed: passed_originally(history, (back, state.rules), originals),
        lists: None,
        by: None,
        reason: None,
    }
}

/// Whether a resource that differs from what it was is as far back as anything brings it: the difference is told, and is
/// no residue.
pub fn is_back(rules: Rules, was: &State, is: &State) -> bool {
    rules.stopped_is_as_failed() && units::is_back_as_stopped(was, is)
}

/// How a rollback ends that a person closes: nobody looked at what is there, so nothing is claimed to be restored.
pub fn close_back_unseen(
    history: &History,
    state: &RunState,
    back: &Compensates,
    originals: &Originals,
    open: OpenImage<'_>,
) -> RunClosed {
    RunClosed { end: RunEnd::PartlyRolledBack, ..close_back(history, state, back, originals, None, open) }
}

/// `rolled-back` is claimed only if nothing is left.
pub fn back_end(nothing_left: bool) -> RunEnd {
    if nothing_left { RunEnd::RolledBack } else { RunEnd::PartlyRolledBack }
}

/// What steps without undo changed in the run that was taken back, and no other step with them.
pub fn passed_originally(
    history: &History,
    (back, rules): (&Compensates, Rules),
    originals: &Originals,
) -> Vec<ResourceKey> {
    let Some(original) = history.runs.get(&back.run) else { return Vec::new() };
    let mine = || {
        let whole = rules.what_is_left_is_a_residue();
        original.steps().filter(move |(ix, step, known)| {
            step.class == UndoClass::NoUndo
                && known.touched
                && covers(original, &back.scope, *ix)
                && !(whole && leftover::left_unknown(step, known))
        })
    };
    let places = mine().filter_map(|(_, _, known)| known.intent.as_ref()).flat_map(|intent| &intent.footprint);
    let mut passed: BTreeSet<ResourceKey> =
        places.map(|place| &place.key).filter(|key| !originals.contains_key(*key)).cloned().collect();
    // What the runbook gives a reason for is listed by its step: it may have no resource.
    let reasoned = mine().filter(|(_, step, _)| rules.what_is_left_is_a_residue() && step.undo_reason.is_some());
    passed.extend(reasoned.map(|(_, step, _)| ResourceKey::step(&step.path)));
    passed.into_iter().collect()
}

/// The run that ends with a rollback: taking back a whole run that is still open closes it too, in the same words but
/// for its own steps.
pub fn companion(history: &History, rollback: RunId, closed: &RunClosed) -> Option<(RunId, RunClosed)> {
    let back = history.runs.get(&rollback)?.opened.compensates.as_ref()?;
    let original = history.runs.get(&back.run)?;
    let whole = back.scope == crate::record::Scope::Run && original.closed.is_none();
    whole.then(|| (back.run, RunClosed { steps: original.counts(), ..closed.clone() }))
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
