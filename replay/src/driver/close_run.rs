//! When nothing can go on: close the run, or pause it and say why.

use super::bodies::BodyWriter;
use super::{DriveError, Driver, Refused, Stop, Stopped, activity};
use palinode_core::id::{BodyId, ResourceKey, RunId, StepPath};
use palinode_core::port::{Executor, Journal, RecordError};
use palinode_core::record::{Actor, Answer, Event, ImageRef, PauseWhy, RunClosed, RunEnd, Sealed};
use palinode_core::run::originals::originals;
use palinode_core::run::rules::ending;
use std::collections::BTreeMap;

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    pub(super) async fn settle(&mut self) -> Result<Stopped, DriveError> {
        let blocked = self.blocked.values().next().cloned();
        let standing = self.state()?.standing();
        let asked = self.around.stop.get() == Stop::Pause;
        let (why, words) = match (ending::pause(standing, asked, blocked.as_ref().map(|(why, _)| why.clone())), blocked)
        {
            (Some(why), Some((blocks, words))) if why == blocks => (why, words),
            (Some(why), _) => (why, None),
            (None, _) => {
                return match &self.state()?.closed {
                    Some(closed) => Ok(Stopped::Closed(closed.end)),
                    None => self.close().await,
                };
            }
        };
        let (by, words) = match &self.asked {
            Some((by, reason)) if why == PauseWhy::Asked => (Some(by.clone()), reason.clone().or(words)),
            _ => (None, words),
        };
        let mut bodies = BTreeMap::new();
        let reason = activity::message(&self.store, words.as_deref(), &mut bodies)?;
        self.record(vec![(Event::Paused { why: why.clone(), by, reason }, bodies)])?;
        Ok(Stopped::Paused(why))
    }

    async fn close(&mut self) -> Result<Stopped, DriveError> {
        let state = self.state()?;
        let closed = match state.opened.compensates.clone() {
            None => ending::close(state, &|image| self.store.image(image).ok()),
            Some(back) => {
                let open = |image: &ImageRef| self.store.image(image).ok();
                let originals = originals(&self.history, (back.run, state.rules), &back.scope, &open);
                let keys: Vec<ResourceKey> = originals.keys().cloned().collect();
                // What is there is held against what was there before the earliest step in scope.
                let now = self.executor.observe(&keys, &BodyWriter::new(&self.store)).await.ok();
                ending::close_back(&self.history, state, &back, &originals, now.as_ref(), &open)
            }
        };
        self.end(closed, BTreeMap::new()).map(Stopped::Closed)
    }

    /// Ends the run because a person says so. Nothing is done or looked at; what is in doubt counts as done in part, so
    /// that a rollback looks at what is there.
    pub fn close_by(&mut self, by: &Actor, reason: &str) -> Result<RunEnd, DriveError> {
        self.undisturbed()?;
        if !self.state()?.rules.people_close_runs() {
            return Err(Refused::OwnEnd(self.run).into());
        }
        let doubts: Vec<StepPath> = self.state()?.steps_in_doubt().map(|(step, _)| step.path.clone()).collect();
        for step in doubts {
            let mut bodies = BTreeMap::new();
            let reason = activity::message(&self.store, Some(reason), &mut bodies)?;
            let (answer, by) = (Answer::Partial, by.clone());
            self.record(vec![(Event::Resolved { step, answer, by, reason, overruled: false }, bodies)])?;
        }
        let mut bodies = BTreeMap::new();
        let reason = activity::message(&self.store, Some(reason), &mut bodies)?;
        let state = self.state()?;
        let closed = match state.opened.compensates.clone() {
            None => ending::close(state, &|image| self.store.image(image).ok()),
            Some(back) => {
                let open = |image: &ImageRef| self.store.image(image).ok();
                let originals = originals(&self.history, (back.run, state.rules), &back.scope, &open);
                ending::close_back_unseen(&self.history, state, &back, &originals, &open)
            }
        };
        self.end(RunClosed { by: Some(by.clone()), reason, ..closed }, bodies)
    }

    /// Records the end of the run, and of the run that ends with it.
    fn end(&mut self, mut closed: RunClosed, bodies: BTreeMap<BodyId, Sealed>) -> Result<RunEnd, DriveError> {
        if let Some(bytes) = closed.take_lists().map_err(RecordError::from)? {
            closed.lists = Some(self.journal.put_public(&bytes)?);
        }
        let (run, end) = (self.run, closed.end);
        let both = ending::companion(&self.history, run, &closed);
        let of = |(run, closed): (RunId, RunClosed)| (run, (Event::RunClosed(Box::new(closed)), BTreeMap::new()));
        let own = (run, (Event::RunClosed(Box::new(closed)), bodies));
        let findings = std::iter::once(own).chain(both.map(of)).collect();
        self.record_for(findings, self.executor.now())?;
        Ok(end)
    }
}
