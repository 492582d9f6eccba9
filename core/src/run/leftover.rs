//! What is left when a rollback ends although it did all that it could: effects that nobody knows, undos that did not
//! end done, resources that nobody looked at before they were changed, and what earlier attempts lost.

use crate::action::{UndoClass, Verdict};
use crate::id::ResourceKey;
use crate::record::Scope;
use crate::resource::{Fields, Footprint, Loss, Residue};
use crate::run::effect::{effect_unknown, unknown_effect};
use crate::run::plan::{Step, StepIx, Work};
use crate::run::rules::version::Rules;
use crate::run::scope::{OpenImage, covers};
use crate::run::state::{RunState, StepState};
use std::collections::BTreeSet;

/// Whether it is not known what a step changed that was carried out: nobody may say that it was taken back.
pub fn left_unknown(step: &Step, known: &StepState) -> bool {
    let acted = known.intent.is_some() && (known.touched || known.stage.is_doubtful());
    acted && effect_unknown(step, known.intent.as_deref())
}

/// The resources that an attempt of the step owns: evidence is only looked at.
pub(crate) fn owned(known: &StepState) -> impl Iterator<Item = &Footprint> {
    let footprint = known.intent.iter().flat_map(|intent| intent.footprint.iter());
    footprint.filter(|place| place.fields != Fields::Evidence)
}

/// Whether the image taken after a step shows that it changed nothing, however it ended: nothing was lost then.
fn untouched(known: &StepState, open: OpenImage<'_>) -> bool {
    let Some(intent) = &known.intent else { return true };
    let images = (open(&intent.before), known.after.as_ref().and_then(open));
    let (Some(before), Some(after)) = images else { return false };
    intent.action.judge(&intent.footprint, &before, &after) == Verdict::NotApplied
}

/// What a step lost for good by what its action announced. Since rules 5 that is what is gone, and what its job said will
/// be: of what it only set out to do nothing is lost.
pub fn announced(known: &StepState, rules: Rules, open: OpenImage<'_>) -> Vec<Residue> {
    let Some(intent) = &known.intent else { return Vec::new() };
    if known.stage.is_doubtful() {
        return intent.losses.clone();
    }
    if !known.touched {
        return Vec::new();
    }
    if !rules.only_what_is_gone_is_lost() {
        return if untouched(known, open) { Vec::new() } else { intent.losses.clone() };
    }
    let images = (open(&intent.before), known.after.as_ref().and_then(open));
    let (Some(before), Some(after)) = images else { return intent.losses.clone() };
    let is_untouched = intent.action.judge(&intent.footprint, &before, &after) == Verdict::NotApplied;
    let gone = if is_untouched { Vec::new() } else { intent.action.lost(&intent.losses, &before, &after) };
    // Its job told of what was still there, and goes.
    let going = known.losses.iter().filter(|told| intent.losses.contains(told)).cloned();
    let all: BTreeSet<Residue> = gone.into_iter().chain(going).collect();
    all.into_iter().collect()
}

/// What a step left beyond that, whether or not another rollback took it back before.
pub(crate) fn beyond(step: &Step, known: &StepState) -> Vec<Residue> {
    let mut all: Vec<Residue> = known.lost.iter().cloned().collect();
    if left_unknown(step, known) {
        all.push(unknown_effect(&step.path));
    }
    let counts = matches!(step.class, UndoClass::Reversible | UndoClass::UnknownEffect);
    if let Some(intent) = known.intent.as_ref().filter(|_| counts && (known.touched || known.stage.is_doubtful())) {
        let seen: BTreeSet<&ResourceKey> = intent.before.keys().collect();
        let unseen = owned(known).filter(|place| !seen.contains(&place.key));
        all.extend(unseen.map(|place| Residue { key: place.key.clone(), loss: Loss::NotSeenBefore }));
    }
    all
}

/// The steps that a rollback of this scope speaks for: also those that another one took back before, whose losses stand.
pub(crate) fn spoken_for(state: &RunState, scope: &Scope) -> BTreeSet<StepIx> {
    let mine = state.steps().filter(|(ix, step, known)| {
        (known.intent.is_some() || !known.lost.is_empty()) && step.class != UndoClass::Read && covers(state, scope, *ix)
    });
    mine.map(|(ix, ..)| ix).collect()
}

/// The undos of a rollback that did not end done: passed over, failed, or never begun. `original`: the run that it takes
/// back.
pub(crate) fn not_undone(back: &RunState, original: &RunState) -> BTreeSet<Residue> {
    let mut all = BTreeSet::new();
    for (_, step, known) in back.steps().filter(|(_, _, known)| !known.is_done()) {
        let (Some(undoes), Work::Act(action)) = (&step.undoes, &step.work) else { continue };
        let target = known.intent.as_ref().map_or(&step.target, |intent| &intent.target);
        let places = action.footprint(target).into_iter().filter(|place| place.fields != Fields::Evidence);
        let mut keys: Vec<ResourceKey> = places.map(|place| place.key).collect();
        let undone = original.find(&undoes.step).and_then(|ix| original.step(ix));
        if keys.is_empty() {
            keys.extend(undone.into_iter().flat_map(|(_, known)| owned(known)).map(|place| place.key.clone()));
        }
        if keys.is_empty() {
            keys.push(ResourceKey::step(&undoes.step));
        }
        all.extend(keys.into_iter().map(|key| Residue { key, loss: Loss::NotUndone }));
    }
    all
}

#[cfg(test)]
#[path = "leftover_tests.rs"]
mod tests;
