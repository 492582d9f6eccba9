//! When nothing can go on: close the run, or pause it and say why.

use super::desk::Desk;
use super::{DriveError, Driver, Stop, Stopped, activity};
use palinode_core::action::UndoClass;
use palinode_core::compensate::{covers, originals, residues_of};
use palinode_core::decide::Standing;
use palinode_core::event::{Compensates, Difference, Event, PauseWhy, RunClosed, RunEnd, Scope};
use palinode_core::id::{ResourceKey, RunId};
use palinode_core::port::{Executor, Journal, RecordError};
use palinode_core::resource::{Loss, Residue};
use std::collections::{BTreeMap, BTreeSet};

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    pub(super) async fn settle(&mut self) -> Result<Stopped, DriveError> {
        let blocked = self.blocked.values().next().cloned();
        let standing = self.state()?.standing();
        let (why, words) = match standing {
            Standing::Closed => {
                let end = self.state()?.closed.as_ref().map_or(RunEnd::Done, |closed| closed.end);
                return Ok(Stopped::Closed(end));
            }
            Standing::Done | Standing::DoneWithFailures => return self.close(standing).await,
            Standing::Asking => (PauseWhy::InDoubt, None),
            Standing::Failed => (PauseWhy::Failed, None),
            Standing::Ready | Standing::Paused => match blocked {
                Some((why, words)) => (why, words),
                None => (PauseWhy::Asked, None),
            },
        };
        let why = if self.around.stop.get() == Stop::Pause && why != PauseWhy::InDoubt { PauseWhy::Asked } else { why };
        let (by, words) = match &self.asked {
            Some((by, reason)) if why == PauseWhy::Asked => (Some(by.clone()), reason.clone().or(words)),
            _ => (None, words),
        };
        let mut bodies = BTreeMap::new();
        let reason = activity::message(&self.shelf, words.as_deref(), &mut bodies)?;
        self.record(vec![(Event::Paused { why: why.clone(), by, reason }, bodies)])?;
        Ok(Stopped::Paused(why))
    }

    async fn close(&mut self, standing: Standing) -> Result<Stopped, DriveError> {
        let state = self.state()?;
        let steps = state.counts();
        let closed = match state.opened.compensates.clone() {
            None => {
                let end = if standing == Standing::Done { RunEnd::Done } else { RunEnd::Failed };
                let intents = state
                    .steps()
                    .filter(|(_, _, known)| known.touched)
                    .filter_map(|(_, _, known)| known.intent.clone());
                let residues: BTreeSet<Residue> = intents.flat_map(|intent| intent.losses.clone()).collect();
                let residues = residues.into_iter().collect();
                let intents = state.passed().filter_map(|(_, known)| known.intent.as_ref());
                let passed: BTreeSet<&ResourceKey> =
                    intents.flat_map(|intent| intent.footprint.iter().map(|place| &place.key)).collect();
                let passed = passed.into_iter().cloned().collect();
                RunClosed { end, steps, residues, differences: Vec::new(), passed, lists: None }
            }
            Some(back) => {
                let (residues, differences, compared) = self.compare(&back).await?;
                let end = if residues.is_empty() { RunEnd::RolledBack } else { RunEnd::PartlyRolledBack };
                let passed = self.passed_originally(&back, &compared);
                RunClosed { end, steps, residues, differences, passed, lists: None }
            }
        };
        let mut closed = closed;
        if let Some(bytes) = closed.take_lists().map_err(RecordError::from)? {
            closed.lists = Some(self.journal.put_public(&bytes)?);
        }
        let (run, end) = (self.run, closed.end);
        let mut findings: Vec<(RunId, super::Finding)> = Vec::new();
        // Taking back a whole run that is still open closes it too.
        if let Some(Compensates { run: original, scope: Scope::Run }) = &self.state()?.opened.compensates
            && let Some(state) = self.history.runs.get(original)
            && state.closed.is_none()
        {
            let both = RunClosed { steps: state.counts(), ..closed.clone() };
            findings.push((*original, (Event::RunClosed(Box::new(both)), BTreeMap::new())));
        }
        findings.insert(0, (run, (Event::RunClosed(Box::new(closed)), BTreeMap::new())));
        self.record_for(findings)?;
        Ok(Stopped::Closed(end))
    }

    /// Holds what is there against what was there before the earliest step in scope.
    async fn compare(
        &self,
        back: &Compensates,
    ) -> Result<(Vec<Residue>, Vec<Difference>, BTreeSet<ResourceKey>), DriveError> {
        let open = |image: &palinode_core::event::ImageRef| self.shelf.image(image).ok();
        let originals = originals(&self.history, back.run, &back.scope, &open);
        let compared: BTreeSet<ResourceKey> = originals.keys().cloned().collect();
        let keys: Vec<ResourceKey> = compared.iter().cloned().collect();
        let desk = Desk::new(&self.shelf);
        let mut residues: BTreeSet<Residue> = residues_of(&self.history, self.run, &open).into_iter().collect();
        let mut differences = Vec::new();
        match self.executor.observe(&keys, &desk).await {
            Ok(now) => {
                for (key, (was, fields)) in originals {
                    match now.get(&key) {
                        Some(is) if was.same(is, fields) => {}
                        Some(is) => differences.push(Difference { key, was, is: is.clone() }),
                        None => {
                            residues.insert(Residue { key, loss: Loss::Differs });
                        }
                    }
                }
            }
            // What cannot be looked at is not claimed to be restored.
            Err(_) => residues.extend(originals.into_keys().map(|key| Residue { key, loss: Loss::Differs })),
        }
        residues
            .extend(differences.iter().map(|difference| Residue { key: difference.key.clone(), loss: Loss::Differs }));
        Ok((residues.into_iter().collect(), differences, compared))
    }

    /// What steps without undo changed in the run that was taken back, and no other step with them.
    fn passed_originally(&self, back: &Compensates, compared: &BTreeSet<ResourceKey>) -> Vec<ResourceKey> {
        let Some(original) = self.history.runs.get(&back.run) else { return Vec::new() };
        let mine = original.steps().filter(|(ix, step, known)| {
            step.class == UndoClass::NoUndo && known.touched && covers(original, &back.scope, *ix)
        });
        let places = mine.filter_map(|(_, _, known)| known.intent.as_ref()).flat_map(|intent| &intent.footprint);
        let passed: BTreeSet<&ResourceKey> =
            places.map(|place| &place.key).filter(|key| !compared.contains(*key)).collect();
        passed.into_iter().cloned().collect()
    }
}
