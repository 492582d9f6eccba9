//! Resources that steps side by side share. Several hosts are looked at before any of them acts: what one saw is not what
//! is there any more once another has acted, and an effect made of it would take the other's effect back.

use palinode_core::action::UndoClass;
use palinode_core::id::{ResourceKey, Seq};
use palinode_core::port::Stored;
use palinode_core::record::Event;
use palinode_core::resource::{Fields, Footprint};
use palinode_core::run::life::Stage;
use palinode_core::run::plan::StepIx;
use palinode_core::run::state::{RunState, StepState};
use std::collections::{BTreeMap, BTreeSet};

/// Which steps of a run are at work on which resources, and when a resource was last acted on.
#[derive(Debug, Default)]
pub(super) struct Shared(BTreeMap<ResourceKey, Held>);

#[derive(Debug, Default)]
struct Held {
    /// Steps that may be at work on it.
    by: BTreeSet<StepIx>,
    /// The last entry about a step that acts on it.
    moved: Seq,
}

/// What a look is worth once it is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It shows what is there.
    Good,
    /// Another step acted on one of the resources since the look began.
    Stale,
    /// These steps are at work on one of the resources.
    Held(BTreeSet<StepIx>),
}

/// Whether a step may be at work on its target, and is being executed or looked at.
pub(super) fn is_at_work(known: &StepState) -> bool {
    matches!(known.stage, Stage::Intended | Stage::Unknown)
}

fn changed(footprint: &[Footprint]) -> impl Iterator<Item = &ResourceKey> {
    footprint.iter().filter(|place| place.fields != Fields::Evidence).map(|place| &place.key)
}

impl Shared {
    /// What the steps of a run hold that another process left at work.
    pub(super) fn of(state: &RunState) -> Self {
        let mut shared = Self::default();
        for (ix, _, _) in state.steps().filter(|(_, _, known)| is_at_work(known)) {
            shared.take(state, ix, state.last);
        }
        shared
    }

    /// Takes an entry of the run in, after it was folded.
    pub(super) fn take_in(&mut self, state: &RunState, stored: &Stored) {
        let event = &stored.entry.event;
        let acts = matches!(
            event,
            Event::Intent(_) | Event::Outcome(_) | Event::Probed(_) | Event::Resolved { .. } | Event::Skipped { .. }
        );
        if let Some(ix) = event.step().filter(|_| acts).and_then(|path| state.find(path)) {
            self.take(state, ix, stored.entry.seq);
        }
    }

    fn take(&mut self, state: &RunState, ix: StepIx, seq: Seq) {
        let Some((step, known)) = state.step(ix) else { return };
        let Some(intent) = known.intent.as_ref().filter(|_| step.class != UndoClass::Read) else { return };
        for key in changed(&intent.footprint) {
            let held = self.0.entry(key.clone()).or_default();
            held.moved = seq;
            match is_at_work(known) {
                true => held.by.insert(ix),
                false => held.by.remove(&ix),
            };
        }
    }

    /// What a step's look is worth that began after the entry `since`.
    pub(super) fn worth(&self, ix: StepIx, footprint: &[Footprint], since: Seq) -> Worth {
        let mut worth = Worth::Good;
        for held in changed(footprint).filter_map(|key| self.0.get(key)) {
            let others: BTreeSet<StepIx> = held.by.iter().copied().filter(|other| *other != ix).collect();
            if !others.is_empty() {
                return Worth::Held(others);
            }
            if held.moved > since {
                worth = Worth::Stale;
            }
        }
        worth
    }
}
