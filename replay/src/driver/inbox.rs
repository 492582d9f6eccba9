//! What people decide: taken in from the inbox, checked, recorded.

use super::{DriveError, Driver, Refused, Stop, activity, log};
use crate::driver::decidable::{is_outdated, may_decide, step_of};
use palinode_core::id::RunId;
use palinode_core::port::{Executor, HandedDecision, Journal, Verb};
use palinode_core::record::{Event, SkipWhy};
use std::collections::BTreeMap;

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    /// Takes in what other processes decided. What does not fit any more is discarded, and that is told.
    pub(super) fn read_inbox(&mut self) -> Result<(), DriveError> {
        let inbox = self.journal.inbox()?;
        for (at, handed) in inbox.iter().enumerate() {
            let decision = &handed.decision;
            // For another open run: its next driver takes it in, under that run's keys.
            if decision.run != self.run && self.is_open(decision.run) {
                continue;
            }
            let about = step_of(&decision.verb);
            let later = inbox.iter().skip(at + 1).any(|other| {
                about.is_some() && other.decision.run == decision.run && step_of(&other.decision.verb) == about
            });
            let came = match about {
                _ if decision.run != self.run => Err(Refused::Closed.into()),
                Some(step) if later => Err(Refused::Replaced(step.clone()).into()),
                _ => self.decide(decision),
            };
            log::handed_in(decision.run, &decision.verb, came.is_ok());
            match came {
                Ok(()) => {}
                Err(DriveError::Refused(why)) => self.discarded(decision, &why),
                Err(error) => return Err(error),
            }
            self.journal.take(&handed.name)?;
        }
        Ok(())
    }

    fn is_open(&self, run: RunId) -> bool {
        let foreign = self.history.foreign.get(&run).map(|foreign| !foreign.closed);
        self.history.runs.get(&run).map_or(foreign.unwrap_or(false), |state| state.closed.is_none())
    }

    fn discarded(&self, decision: &HandedDecision, why: &Refused) {
        let Some(tell) = self.tell else { return };
        let what = match &decision.verb {
            Verb::Answer { step, .. } => format!("an answer about {step}"),
            Verb::Skip { step } => format!("the decision to pass over {step}"),
            Verb::Pause => "a wish to pause".to_owned(),
        };
        let (by, run) = (&decision.by.user, decision.run);
        tell(&format!("{what} by {by} for run {run} was discarded, and nothing was recorded: {why}"));
    }

    /// Records a person's decision.
    pub fn decide(&mut self, decision: &HandedDecision) -> Result<(), DriveError> {
        self.undisturbed()?;
        is_outdated(&self.history, decision).map_or(Ok(()), Err)?;
        let state = self.state()?;
        let ix = may_decide(state, &decision.verb)?;
        let unexplained = decision.reason.as_deref().is_none_or(|reason| reason.trim().is_empty());
        let mut bodies = BTreeMap::new();
        match &decision.verb {
            Verb::Answer { step, answer } => {
                let overruled = ix.and_then(|ix| state.step(ix)).is_some_and(|(_, known)| known.overrules(*answer));
                if overruled && unexplained {
                    return Err(Refused::Overrules(step.clone()).into());
                }
                let overruled = overruled && state.rules.overruling_is_told();
                let reason = activity::message(&self.store, decision.reason.as_deref(), &mut bodies)?;
                let (step, answer, by) = (step.clone(), *answer, decision.by.clone());
                ix.map(|ix| self.blocked.remove(&ix));
                self.record(vec![(Event::Resolved { step, answer, by, reason, overruled }, bodies)])?;
            }
            Verb::Skip { step } => {
                if unexplained {
                    return Err(Refused::NoReason.into());
                }
                let undoes = ix.and_then(|ix| state.step(ix)).and_then(|(step, _)| step.undoes.clone());
                let reason = activity::message(&self.store, decision.reason.as_deref(), &mut bodies)?;
                let by = Some(decision.by.clone());
                ix.map(|ix| self.blocked.remove(&ix));
                let skipped = Event::Skipped { step: step.clone(), why: SkipWhy::Operator, by, reason, undoes };
                self.record(vec![(skipped, bodies)])?;
            }
            Verb::Pause => {
                self.asked.get_or_insert_with(|| (decision.by.clone(), decision.reason.clone()));
                self.around.stop.set(Stop::Pause);
            }
        }
        Ok(())
    }
}
