//! What a rollback's scope covers: the run, a host of it, or a step.

use crate::action::UndoClass;
use crate::id::StepPath;
use crate::record::{ImageRef, Scope};
use crate::resource::Image;
use crate::run::life::Stage;
use crate::run::plan::{LaneKind, Step, StepIx};
use crate::run::state::{RunState, StepState};
use std::collections::BTreeSet;

/// Opens an image; sealed ones need the journal's keys.
pub type OpenImage<'a> = &'a dyn Fn(&ImageRef) -> Option<Image>;

/// Whether a scope covers a step.
pub fn covers(state: &RunState, scope: &Scope, ix: StepIx) -> bool {
    match scope {
        Scope::Run => true,
        Scope::Host(host) => state
            .lane_number(ix)
            .and_then(|lane| state.plan.lanes.get(lane))
            .is_some_and(|lane| matches!(&lane.kind, LaneKind::Host(of) if of == host)),
        Scope::Step(path) => state.step(ix).is_some_and(|(step, _)| step.path == *path),
    }
}

/// The steps in scope that may have changed something and are not taken back yet, by index; `None` for a host or a step
/// that the run does not have.
pub(crate) fn not_taken_back(state: &RunState, scope: &Scope) -> Option<BTreeSet<StepIx>> {
    let known = match scope {
        Scope::Run => true,
        Scope::Host(host) => state.plan.hosts().any(|known| known == host),
        Scope::Step(path) => state.find(path).is_some(),
    };
    let counts = |step: &Step, of: &StepState| {
        of.intent.is_some() && of.stage != Stage::Compensated && step.class != UndoClass::Read
    };
    let steps = state.steps().filter(|(ix, step, of)| covers(state, scope, *ix) && counts(step, of));
    known.then(|| steps.map(|(ix, ..)| ix).collect())
}

/// Every step that a rollback of that scope settles, whether or not there was something to undo.
pub(crate) fn dealt_with(state: &RunState, scope: &Scope) -> Vec<StepPath> {
    let all = not_taken_back(state, scope).unwrap_or_default();
    all.into_iter().filter_map(|ix| state.step(ix)).map(|(step, _)| step.path.clone()).collect()
}
