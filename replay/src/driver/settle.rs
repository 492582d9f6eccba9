//! When nothing can go on: close the run, or pause it and say why.

use super::desk::Desk;
use super::{DriveError, Driver, Stop, Stopped, activity};
use palinode_core::compensate::originals;
use palinode_core::event::{Event, ImageRef, PauseWhy, RunClosed};
use palinode_core::id::{ResourceKey, RunId};
use palinode_core::port::{Executor, Journal, RecordError};
use palinode_core::rules::ending;
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
        let reason = activity::message(&self.shelf, words.as_deref(), &mut bodies)?;
        self.record(vec![(Event::Paused { why: why.clone(), by, reason }, bodies)])?;
        Ok(Stopped::Paused(why))
    }

    async fn close(&mut self) -> Result<Stopped, DriveError> {
        let state = self.state()?;
        let mut closed = match state.opened.compensates.clone() {
            None => ending::close(state),
            Some(back) => {
                let open = |image: &ImageRef| self.shelf.image(image).ok();
                let originals = originals(&self.history, back.run, &back.scope, &open);
                let keys: Vec<ResourceKey> = originals.keys().cloned().collect();
                // What is there is held against what was there before the earliest step in scope.
                let now = self.executor.observe(&keys, &Desk::new(&self.shelf)).await.ok();
                ending::close_back(&self.history, state, &back, &originals, now.as_ref(), &open)
            }
        };
        if let Some(bytes) = closed.take_lists().map_err(RecordError::from)? {
            closed.lists = Some(self.journal.put_public(&bytes)?);
        }
        let (run, end) = (self.run, closed.end);
        let both = ending::companion(&self.history, run, &closed);
        let of = |(run, closed): (RunId, RunClosed)| (run, (Event::RunClosed(Box::new(closed)), BTreeMap::new()));
        let findings = std::iter::once((run, closed)).chain(both).map(of).collect();
        self.record_for(findings, self.executor.now())?;
        Ok(Stopped::Closed(end))
    }
}
