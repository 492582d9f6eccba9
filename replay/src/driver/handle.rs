//! What a finding means: which events it becomes, and what follows once they are recorded.

use super::activity::{Done, Look, Reconciled, message};
use super::desk::Desk;
use super::{DriveError, Driver, Finding, Follow};
use palinode_core::action::{Accept, Accepted, Action, Recovery, Undo, Verdict};
use palinode_core::decide::Next;
use palinode_core::event::{
    Decision, Ending, Event, ImageRef, Intent, JobWord, Outcome, PauseWhy, Probed, Rule, Sealed, SkipWhy, Why,
};
use palinode_core::id::{Attempt, BodyId, Label, ResourceKey};
use palinode_core::life::Stage;
use palinode_core::plan::{Step, StepIx, Work};
use palinode_core::port::{Ended, Executor, Finished, Journal, LookError, Sample};
use palinode_core::resource::{Fields, Image, Kind, State};
use palinode_core::state::StepState;
use std::collections::BTreeMap;
use std::sync::Arc;

type Handled = (Vec<Finding>, Follow);

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    pub(super) fn handle(&self, done: Done) -> Result<Handled, DriveError> {
        if let Some(ix) = self.overtaken(&done)? {
            return Ok((Vec::new(), Follow::Free(ix)));
        }
        match done {
            Done::Slept(ix) => Ok((Vec::new(), Follow::Free(ix))),
            Done::Looked(ix, Ok(look)) => self.intend(ix, look),
            Done::Looked(ix, Err(error)) => self.give_up(ix, error),
            Done::Ended { ix, attempt, ended, after, fresh } => self.ended(ix, attempt, ended, after, fresh),
            Done::Running { ix } => self.running(ix),
            Done::Reconciled { ix, found: Ok(found) } => self.reconciled(ix, found),
            Done::Reconciled { ix, found: Err(error) } => self.give_up(ix, error),
            Done::Sampled { ix, sample, fresh } => self.sampled(ix, sample, fresh),
        }
    }

    /// The step, if a person decided about it while it was looked at or waited for. What was found then answers a
    /// question that is settled; recorded, it would have no place in the step's life, and the journal could not be
    /// read again.
    fn overtaken(&self, done: &Done) -> Result<Option<StepIx>, DriveError> {
        let state = self.state()?;
        let (ix, due) = match done {
            Done::Slept(_) => return Ok(None),
            Done::Looked(ix, _) => (*ix, state.is_ready(Next::Act(*ix))),
            Done::Reconciled { ix, .. } | Done::Running { ix } => (*ix, state.is_ready(Next::Probe(*ix))),
            Done::Sampled { ix, .. } => (*ix, state.is_ready(Next::Sample(*ix))),
            Done::Ended { ix, attempt, .. } => {
                let (_, known) = self.step(*ix)?;
                let waits = matches!(known.stage, Stage::Intended | Stage::Unknown);
                (*ix, waits && known.attempt == *attempt)
            }
        };
        Ok((!due).then_some(ix))
    }

    /// The last recorded state of a resource, as this run would have recorded it. `opened` keeps long images open.
    fn last_recorded(
        &self,
        key: &ResourceKey,
        opened: &mut BTreeMap<BodyId, Image>,
    ) -> Result<Option<State>, DriveError> {
        let Some(recorded) = self.history.last(self.run, key) else { return Ok(None) };
        let keys = self.history.runs.get(&recorded.run).map_or(recorded.run, |state| state.opened.keys);
        // Content is named by a digest under its run's keys: another run's content must be told anew.
        let foreign = keys != self.state()?.opened.keys;
        let vault = || if foreign { self.journal.vault(keys) } else { Ok(self.shelf.vault.clone()) };
        let state = match &*recorded.image {
            ImageRef::Here(image) => image.get(key).cloned(),
            ImageRef::Sealed { body, .. } => {
                if !opened.contains_key(body) {
                    opened.insert(*body, self.shelf.image_with(&*vault()?, &recorded.image)?);
                }
                opened.get(body).and_then(|image| image.get(key).cloned())
            }
        };
        match state {
            Some(state) if foreign => match state.body() {
                Some(id) => {
                    let bytes = self.shelf.open_with(&*vault()?, id)?;
                    Ok(Some(state.with_body(self.shelf.vault.digest(&bytes)?)))
                }
                None => Ok(Some(state)),
            },
            state => Ok(state),
        }
    }

    fn step(&self, ix: StepIx) -> Result<(&Step, &StepState), DriveError> {
        self.state()?.step(ix).ok_or(DriveError::NoRun(self.run))
    }

    /// A look that failed for good: the step waits for a person, the others go on.
    fn give_up(&self, ix: StepIx, error: LookError) -> Result<Handled, DriveError> {
        if let LookError::Body(error) = error {
            return Err(error.into());
        }
        let path = self.step(ix)?.0.path.clone();
        let text = chain(&error);
        Ok((Vec::new(), Follow::Block(ix, PauseWhy::Blocked(path), Some(text))))
    }

    /// From a look to an intent, unless there is nothing to do or someone else's change would be overwritten.
    fn intend(&self, ix: StepIx, look: Look) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let Look { action, target, boot, footprint, image, desk } = look;
        let is_undo = step.undoes.is_some();
        if is_undo && settled(&action, &step.accepts, &image) {
            let (why, undoes) = (SkipWhy::AlreadyThere, step.undoes.clone());
            let event = Event::Skipped { step: step.path.clone(), why, by: None, reason: None, undoes };
            return Ok((vec![(event, desk.into_fresh())], Follow::Free(ix)));
        }
        let mut findings = Vec::new();
        let mut opened = BTreeMap::new();
        let undo = Undo { action: action.clone(), accepts: step.accepts.clone() };
        for place in footprint.iter().filter(|place| place.fields != Fields::Evidence) {
            let Some(found) = image.get(&place.key) else { continue };
            let expected = match self.last_recorded(&place.key, &mut opened) {
                Ok(Some(state)) => state,
                Ok(None) => continue,
                // What another run recorded cannot be opened any more. On the way there drift is only shown; on the
                // way back it must be known, or overwritten on purpose.
                Err(_) if !is_undo || self.state()?.force => continue,
                Err(error) => return Err(error),
            };
            if expected.same(found, place.fields) {
                continue;
            }
            let accepted = undo.accepts(&place.key, found, |uid| self.history.saw_uid(self.run, uid))
                || action.met(&place.key, None, found) == Some(true);
            if is_undo && accepted {
                continue;
            }
            let forced = !is_undo || self.state()?.force;
            let (path, key) = (step.path.clone(), place.key.clone());
            let drift = Event::DriftFound { step: path, key: key.clone(), expected, found: found.clone(), forced };
            findings.push((drift, BTreeMap::new()));
            if !forced {
                return Ok((findings, Follow::Block(ix, PauseWhy::Drift(key), None)));
            }
        }
        let first = known.intent.as_ref();
        let (before, inverse, losses) = match first {
            // Our own change is never taken for the original: a retry keeps what the first attempt found.
            Some(first) => (first.before.clone(), first.inverse.clone(), first.losses.clone()),
            None => {
                let (inverse, losses) = (action.inverse(&target, &image), action.losses(&image));
                (desk.image_ref(image)?, inverse, losses)
            }
        };
        let intent = Intent {
            step: step.path.clone(),
            attempt: known.attempt + 1,
            action,
            target,
            boot,
            footprint,
            before,
            inverse,
            class: step.class,
            recovery: step.recovery,
            losses,
            undoes: step.undoes.clone(),
        };
        findings.push((Event::Intent(Arc::new(intent)), desk.into_fresh()));
        Ok((findings, Follow::Execute(ix)))
    }

    fn ended(
        &self,
        ix: StepIx,
        attempt: Attempt,
        ended: Ended,
        after: Image,
        mut fresh: BTreeMap<BodyId, Sealed>,
    ) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let (ending, finished) = match ended {
            Ended::Finished(finished) => (Ending::Succeeded, finished),
            Ended::NotStarted(words) => {
                (Ending::Failed, Finished { why: Some(Why::Precondition), message: Some(words), ..Finished::default() })
            }
            Ended::Unknown(words) => {
                (Ending::Unknown, Finished { why: Some(Why::LinkLost), message: Some(words), ..Finished::default() })
            }
        };
        let ending = if ending == Ending::Succeeded && finished.why.is_some() { Ending::Failed } else { ending };
        let (ending, finished) =
            if ending == Ending::Succeeded { self.promised(known, finished, &after)? } else { (ending, finished) };
        let captures = if ending == Ending::Succeeded { captured(step, &finished) } else { BTreeMap::new() };
        let message = message(&self.shelf, finished.message.as_deref(), &mut fresh)?;
        let desk = Desk::new(&self.shelf);
        let after = desk.image_ref(after)?;
        fresh.extend(desk.into_fresh());
        let outcome = Outcome {
            step: step.path.clone(),
            attempt,
            ending,
            why: finished.why,
            code: finished.code,
            message,
            output: finished.output,
            after,
            captures,
        };
        Ok((vec![(Event::Outcome(Box::new(outcome)), fresh)], Follow::Free(ix)))
    }

    /// An exit code alone is not success: what the action promises must be seen.
    fn promised(
        &self,
        known: &StepState,
        mut finished: Finished,
        after: &Image,
    ) -> Result<(Ending, Finished), DriveError> {
        let Some(intent) = &known.intent else { return Ok((Ending::Succeeded, finished)) };
        let before = self.shelf.image(&intent.before)?;
        let Some(key) = intent.action.unmet(&before, after) else { return Ok((Ending::Succeeded, finished)) };
        let found = after.get(key).map_or_else(String::new, State::to_string);
        finished.why = Some(Why::Unmet);
        finished.message = Some(format!("it ended well, but {key} is {found}"));
        Ok((Ending::Failed, finished))
    }

    fn running(&self, ix: StepIx) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let probed = Probed {
            step: step.path.clone(),
            attempt: known.attempt,
            verdict: Verdict::StillRunning,
            rule: Rule::Job,
            decision: Decision::Wait,
            job: JobWord::Running,
            observed: ImageRef::here(Image::new()),
            evidence: None,
            captures: BTreeMap::new(),
        };
        Ok((vec![(Event::Probed(Box::new(probed)), BTreeMap::new())], Follow::Attach(ix)))
    }

    /// The order of deciding: the job's own status; the declared probe; `repeat`, if declared; else the operator.
    fn reconciled(&self, ix: StepIx, found: Reconciled) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let Reconciled { attempt, word, finished, observed, verdict, mut fresh } = found;
        let mut finished = finished.unwrap_or_default();
        let repeat = |otherwise: Decision, rule: Rule| match step.recovery {
            Recovery::Repeat => (Rule::Repeat, Decision::Again),
            Recovery::Ask => (rule, otherwise),
        };
        let (verdict, (rule, decision)) = match word {
            JobWord::FinishedWell => match self.promised(known, finished.clone(), &observed)? {
                (Ending::Succeeded, _) => (Verdict::Applied, (Rule::Job, Decision::Succeeded)),
                (_, unmet) => {
                    finished = unmet;
                    (verdict, (Rule::Job, Decision::Failed))
                }
            },
            JobWord::FinishedBadly => (verdict, (Rule::Job, Decision::Failed)),
            JobWord::NotStarted => (Verdict::NotApplied, (Rule::Job, Decision::Again)),
            JobWord::Running | JobWord::Interrupted | JobWord::Revoked | JobWord::Unknown => {
                let follows = match verdict {
                    Verdict::Applied => (Rule::Probe, Decision::Succeeded),
                    Verdict::NotApplied => (Rule::Probe, Decision::Again),
                    Verdict::Partial => repeat(Decision::FailedPartial, Rule::Probe),
                    Verdict::CannotTell | Verdict::StillRunning => repeat(Decision::Ask, Rule::Ask),
                };
                (verdict, follows)
            }
        };
        let captures = if decision == Decision::Succeeded { captured(step, &finished) } else { BTreeMap::new() };
        // A value that nobody heard is read again; reading changes nothing.
        let (rule, decision) = if decision == Decision::Succeeded && step.capture.is_some() && captures.is_empty() {
            (Rule::Repeat, Decision::Again)
        } else {
            (rule, decision)
        };
        let evidence = message(&self.shelf, finished.message.as_deref(), &mut fresh)?;
        let desk = Desk::new(&self.shelf);
        let observed = desk.image_ref(observed)?;
        fresh.extend(desk.into_fresh());
        let path = step.path.clone();
        let probed = Probed { step: path, attempt, verdict, rule, decision, job: word, observed, evidence, captures };
        Ok((vec![(Event::Probed(Box::new(probed)), fresh)], Follow::Free(ix)))
    }

    fn sampled(
        &self,
        ix: StepIx,
        sample: Result<Sample, LookError>,
        mut fresh: BTreeMap<BodyId, Sealed>,
    ) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let Work::Gate { samples, every, timeout, .. } = &step.work else { return Ok((Vec::new(), Follow::Free(ix))) };
        // A target that cannot be asked keeps the gate closed; it does not fail it.
        let sample = match sample {
            Ok(sample) => sample,
            Err(LookError::Body(error)) => return Err(error.into()),
            Err(error) => {
                let evidence = message(&self.shelf, Some(&chain(&error)), &mut fresh)?;
                Sample {
                    evidence,
                    facts: BTreeMap::from([("asked".to_owned(), "no answer".to_owned())]),
                    ..Sample::default()
                }
            }
        };
        let Sample { pass, hopeless, facts, evidence } = sample;
        let path = || step.path.clone();
        let mut findings = vec![(Event::GateSampled { step: path(), pass, hopeless, facts, evidence }, fresh)];
        let now = self.executor.now();
        let began = known.began.unwrap_or(now);
        let follow = if hopeless {
            findings.push((Event::GateDecided { step: path(), passed: false }, BTreeMap::new()));
            Follow::Free(ix)
        } else if pass && known.passes + 1 >= *samples {
            findings.push((Event::GateDecided { step: path(), passed: true }, BTreeMap::new()));
            Follow::Free(ix)
        } else if timeout.is_some_and(|timeout| now.since(began) >= timeout.micros()) {
            findings.push((Event::TimerFired { step: path() }, BTreeMap::new()));
            Follow::Free(ix)
        } else {
            Follow::Sleep(ix, now.plus(every.micros()))
        };
        Ok((findings, follow))
    }
}

/// Whether a rollback's step has nothing to do.
pub(crate) fn settled(action: &Action, accepts: &[Accept], image: &Image) -> bool {
    if let Action::InventoryRestore(restore) = action {
        return image.values().all(|state| *state == restore.to);
    }
    // Emptying or leaving a node that is not there.
    let gone = image.iter().any(|(key, state)| {
        matches!(key.kind(), Some(Kind::Node(_)))
            && *state == State::Absent
            && accepts.iter().any(|accept| accept.key == *key && accept.state == Accepted::Any)
    });
    if gone && matches!(action, Action::Cordon {} | Action::DeleteNode {}) {
        return true;
    }
    let goals: Vec<bool> = image.iter().filter_map(|(key, now)| action.met(key, None, now)).collect();
    !goals.is_empty() && goals.into_iter().all(|met| met)
}

fn captured(step: &Step, finished: &Finished) -> BTreeMap<Label, String> {
    step.capture.iter().zip(&finished.value).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
