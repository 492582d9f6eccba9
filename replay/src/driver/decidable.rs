//! Whether a person's decision has a place.

use super::Refused;
use palinode_core::id::StepPath;
use palinode_core::port::{HandedDecision, Verb};
use palinode_core::run::history::History;
use palinode_core::run::inadmissible::Inadmissible;
use palinode_core::run::life::{Move, Stage};
use palinode_core::run::plan::StepIx;
use palinode_core::run::state::RunState;

/// Whether a person's decision about a run fits where it stands; the step that it is about. A process without the
/// journal's lock checks this before it hands the decision in, the driver before it records it.
pub fn may_decide(state: &RunState, verb: &Verb) -> Result<Option<StepIx>, Refused> {
    let (step, what) = match verb {
        _ if state.closed.is_some() => return Err(Refused::Closed),
        Verb::Answer { step, answer } => (step, Move::Answered(*answer)),
        Verb::Skip { step } => (step, Move::Skip),
        Verb::Pause => return Ok(None),
    };
    state.admits_move(step, what).map_err(|why| match why {
        Inadmissible::Illegal { step, illegal } => Refused::Stage { step, stage: illegal.from },
        _ => Refused::NoStep(step.clone()),
    })?;
    Ok(state.find(step))
}

pub(crate) fn step_of(verb: &Verb) -> Option<&StepPath> {
    match verb {
        Verb::Answer { step, .. } | Verb::Skip { step } => Some(step),
        Verb::Pause => None,
    }
}

/// Why a decision is discarded that was made before the last thing that happened to what it is about; none if it is not
/// outdated, or does not say what the person saw.
pub(crate) fn is_outdated(history: &History, decision: &HandedDecision) -> Option<Refused> {
    let (state, seen) = (history.runs.get(&decision.run)?, decision.seen?);
    let Some(path) = step_of(&decision.verb) else {
        return (state.driven_since > seen).then_some(Refused::TakenOver);
    };
    let (_, known) = state.step(state.find(path)?)?;
    let back = known.compensated_by.filter(|_| known.stage == Stage::Compensated);
    let taken_back = back.and_then(|run| history.runs.get(&run)).is_some_and(|back| back.last > seen);
    (known.last > seen || taken_back).then(|| Refused::Outdated { step: path.clone(), stage: known.stage })
}
