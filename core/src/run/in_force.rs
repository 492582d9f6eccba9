//! Whether what a step did is still so, after all rollbacks: one that took it back may have been taken back itself.

use crate::id::{RunId, StepPath};
use crate::run::history::History;
use crate::run::life::Stage;
use crate::run::plan::Step;
use crate::run::state::StepState;

/// What became of what a step did, as far as this journal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// It is so: nothing took it back, or what did was taken back too.
    Yes,
    /// It was taken back.
    No,
    /// Some of what took it back was taken back.
    Partly,
}

/// What became of what a step of a run did.
pub fn in_force(history: &History, run: RunId, step: &StepPath) -> InForce {
    let found = history.runs.get(&run).and_then(|state| state.step(state.find(step)?));
    let Some((_, known)) = found else { return InForce::No };
    match (known.stage, known.compensated_by) {
        (Stage::Compensated, Some(by)) => {
            // What a rollback does stands in the journal behind what it takes back, so this ends.
            let stand: Vec<InForce> =
                undos(history, by, run, step).map(|(undo, _)| in_force(history, by, &undo.path)).collect();
            match stand.as_slice() {
                // It was passed, or was as before already: nothing could be taken back of that.
                [] => InForce::No,
                all if all.iter().all(|undo| *undo == InForce::Yes) => InForce::No,
                all if all.iter().all(|undo| *undo == InForce::No) => InForce::Yes,
                _ => InForce::Partly,
            }
        }
        (Stage::Compensated, None) => InForce::No,
        (
            Stage::Pending
            | Stage::Waiting
            | Stage::Again
            | Stage::Intended
            | Stage::Unknown
            | Stage::Asking
            | Stage::Succeeded
            | Stage::Failed
            | Stage::Skipped,
            _,
        ) => InForce::Yes,
    }
}

/// The steps by which a rollback takes a step back.
pub fn undos<'a>(
    history: &'a History,
    rollback: RunId,
    run: RunId,
    step: &'a StepPath,
) -> impl Iterator<Item = (&'a Step, &'a StepState)> {
    let steps = history.runs.get(&rollback).into_iter().flat_map(|state| state.steps());
    let mine = move |of: &Step| of.undoes.as_ref().is_some_and(|undoes| undoes.run == run && undoes.step == *step);
    steps.filter(move |(_, of, _)| mine(of)).map(|(_, of, known)| (of, known))
}
