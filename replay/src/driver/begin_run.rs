//! From a plan's step to something that can be started: looked at, started, waited for.

use super::activity::{self, Done};
use super::bodies::Here;
use super::log::{self, Within};
use super::{DriveError, Driver};
use futures_util::future::{FutureExt, LocalBoxFuture};
use palinode_core::id::{EntryId, Seq};
use palinode_core::port::{Executor, Job, Journal, Stored};
use palinode_core::record::{Event, Intent, PauseWhy};
use palinode_core::resource::Image;
use palinode_core::run::life::Stage;
use palinode_core::run::next::Next;
use palinode_core::run::plan::{StepIx, Work};
use palinode_core::run::rules::prepare;
use std::sync::Arc;

impl<'a, J: Journal, E: Executor> Driver<'a, J, E> {
    /// Starts what is ready. `None`: it cannot be started, and is blocked with the reason.
    pub(super) fn begin_next(&mut self, next: Next) -> Result<Option<LocalBoxFuture<'a, Done>>, DriveError> {
        let executor = self.executor;
        let store = self.store.clone();
        let state = self.state()?;
        let Some((step, known)) = state.step(next.step()) else { return Ok(None) };
        match next {
            Next::Skip(_) => Ok(None),
            Next::Probe(ix) => {
                let (Some(intent), Some(entry)) = (&known.intent, known.job) else { return Ok(None) };
                let job = self.job(entry, intent, known.heard.number)?;
                let footprint = intent.footprint.clone();
                let pause = state.pause_before(known);
                let within = Within::job(step, &job);
                let work = async move {
                    activity::rest(executor, pause).await;
                    log::begins(next);
                    activity::reconcile(executor, &store, ix, job, footprint).await
                };
                Ok(Some(within.around(work).boxed_local()))
            }
            Next::Sample(ix) => {
                let Work::Gate { gate, .. } = &step.work else { return Ok(None) };
                let (mut target, gate) = (step.target.clone(), gate.clone());
                target.node = target.node.or_else(|| state.node_of(ix).map(str::to_owned));
                let (goes_on, before) = (known.stage == Stage::Waiting, known.waited);
                let within = Within::attempt(step, 1);
                self.clock.ask(executor, ix, goes_on, before);
                let work = async move {
                    log::begins(next);
                    activity::sample(executor, &store, ix, target, gate).await
                };
                Ok(Some(within.around(work).boxed_local()))
            }
            Next::Act(ix) => {
                let Work::Act(_) = &step.work else { return Ok(None) };
                let opened = Here(&self.store);
                let action = match prepare::action(state, ix, &opened) {
                    Ok(action) => action,
                    Err(why) => {
                        let path = step.path.clone();
                        log::blocked(&path, &PauseWhy::Blocked(path.clone()));
                        self.blocked.insert(ix, (PauseWhy::Blocked(path), Some(why)));
                        return Ok(None);
                    }
                };
                let (touched, footprint) = prepare::touched(state, step, known);
                let mut target =
                    known.intent.as_ref().map_or_else(|| step.target.clone(), |intent| intent.target.clone());
                if target.host.is_some() {
                    target.node = target.node.or_else(|| state.node_of(ix).map(str::to_owned));
                }
                let pause = state.pause_before(known);
                let within = Within::attempt(step, known.attempt + 1);
                let work = async move {
                    activity::rest(executor, pause).await;
                    log::begins(next);
                    Done::Looked(ix, activity::look(executor, &store, target, action, touched, footprint).await)
                };
                Ok(Some(within.around(work).boxed_local()))
            }
        }
    }

    /// The job of a recorded intent.
    fn job(&self, (name, seq): (EntryId, Seq), intent: &Intent, heard: u64) -> Result<Job, DriveError> {
        Ok(Job {
            name,
            run: self.run,
            step: intent.step.clone(),
            seq,
            attempt: intent.attempt,
            action: intent.action.clone(),
            target: intent.target.clone(),
            boot: intent.boot.clone(),
            before: Arc::new(self.store.image(&intent.before)?),
            seen: None,
            look: activity::keys(&intent.footprint).into(),
            heard,
        })
    }

    pub(super) fn execute(
        &self,
        ix: StepIx,
        stored: &Stored,
        seen: Arc<Image>,
    ) -> Result<LocalBoxFuture<'a, Done>, DriveError> {
        let (executor, store) = (self.executor, self.store.clone());
        let Event::Intent(intent) = &stored.entry.event else {
            return Ok(async move { Done::Slept(ix) }.boxed_local());
        };
        let job = Job { seen: Some(seen), ..self.job((stored.id, stored.entry.seq), intent, 0)? };
        let within = self.within(ix, &job)?;
        let work = async move {
            log::executes(&job);
            activity::execute(executor, &store, ix, job).await
        };
        Ok(within.around(work).boxed_local())
    }

    pub(super) fn wait_for(&self, ix: StepIx) -> Result<LocalBoxFuture<'a, Done>, DriveError> {
        let (executor, store) = (self.executor, self.store.clone());
        let known = self.state()?.step(ix).map(|(_, known)| (known.intent.clone(), known.job, known.heard.number));
        let Some((Some(intent), Some(entry), heard)) = known else {
            return Ok(async move { Done::Slept(ix) }.boxed_local());
        };
        let job = self.job(entry, &intent, heard)?;
        let within = self.within(ix, &job)?;
        Ok(within.around(async move { activity::attach(executor, &store, ix, job).await }).boxed_local())
    }

    /// The spans of a job.
    fn within(&self, ix: StepIx, job: &Job) -> Result<Within, DriveError> {
        Ok(self.state()?.step(ix).map_or_else(Within::none, |(step, _)| Within::job(step, job)))
    }
}
