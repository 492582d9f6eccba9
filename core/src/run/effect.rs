//! Steps of which nothing says what they change.

use crate::action::{Action, UndoClass};
use crate::id::{ResourceKey, StepPath};
use crate::record::Intent;
use crate::resource::{Fields, Loss, Residue};
use crate::run::plan::{Step, Work};

/// Whether nothing says what a step changes: a command without declared changes or undo, a command in a pod, a playbook
/// of which nothing was looked at. A reason in the runbook is the only thing that makes up for that.
pub fn effect_unknown(step: &Step, intent: Option<&Intent>) -> bool {
    let Work::Act(action) = &step.work else { return false };
    let blind = match action {
        Action::Playbook(playbook) => match intent {
            Some(intent) => intent.footprint.iter().all(|place| place.fields == Fields::Evidence),
            None => playbook.expect.is_none() && step.touches.is_empty(),
        },
        action => action.class() == UndoClass::UnknownEffect,
    };
    match step.class {
        UndoClass::UnknownEffect => true,
        // Plans of rules 1 to 3 had no class of its own for it.
        UndoClass::NoUndo => blind && step.undo_reason.is_none(),
        UndoClass::Reversible => blind,
        UndoClass::Read | UndoClass::PointOfNoReturn => false,
    }
}

/// The residue of such a step.
pub(crate) fn unknown_effect(step: &StepPath) -> Residue {
    Residue { key: ResourceKey::step(step), loss: Loss::UnknownEffect }
}
