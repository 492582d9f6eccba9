//! What a finding means: which events it becomes, and what follows once they are recorded.

use super::activity::{Done, Look, Reconciled, message};
use super::bodies::BodyWriter;
use super::drift::{changed_again, differs, last_recorded};
use super::shared::Worth;
use super::{DriveError, Driver, Finding, Follow, log};
use palinode_core::action::{UndoClass, Verdict};
use palinode_core::chain::chain;
use palinode_core::id::{Attempt, BodyId, Label, Micros, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::port::{Ended, Executor, Finished, Journal, LookError, Report};
use palinode_core::record::Progress;
use palinode_core::record::{
    Decision, Ending, Event, ImageRef, Intent, JobWord, Outcome, PauseWhy, Probed, Sealed, SkipWhy, Why,
};
use palinode_core::resource::{Image, State};
use palinode_core::run::next::Next;
use palinode_core::run::plan::{Step, StepIx};
use palinode_core::run::rules::finding::{
    ExecutionResult, Judged, Look as Seen, SampleTime, Sampled, judged, outcome, sampled,
};
use palinode_core::run::rules::prepare::{Drift, Original, drifts, extended, finds_more, settled};
use palinode_core::run::rules::version::Rules;
use palinode_core::run::state::StepState;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many attempts are made while others change what a step is about, each time after it looked.
const MOVES: Attempt = 5;

type Handled = (Vec<Finding>, Follow);

impl<J: Journal, E: Executor> Driver<'_, J, E> {
    /// `now` is the time that the findings will be recorded under: what follows from it can be found out again.
    pub(super) fn handle(&self, done: Done, now: Micros) -> Result<Handled, DriveError> {
        if let Some(ix) = self.overtaken(&done)? {
            log::overtaken(&self.step(ix)?.0.path);
            return Ok((Vec::new(), Follow::Free(ix)));
        }
        match done {
            Done::Slept(ix) => Ok((Vec::new(), Follow::Free(ix))),
            Done::Looked(ix, Ok(look)) => self.intend(ix, look),
            Done::Looked(ix, Err(error)) => self.give_up(ix, error),
            Done::Ended { ix, attempt, ended, after, fresh } => self.ended(ix, attempt, ended, after, fresh),
            Done::Running { ix } => self.running(ix),
            Done::Told { ix, attempt, reports, fresh, again } => self.told(ix, attempt, reports, fresh, again),
            Done::Reconciled { ix, found: Ok(found) } => self.reconciled(ix, found),
            Done::Reconciled { ix, found: Err(error) } => self.give_up(ix, error),
            Done::Sampled { ix, sample, fresh } => self.sampled(ix, now, sample, fresh),
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
            Done::Ended { ix, attempt, .. } | Done::Told { ix, attempt, .. } => (*ix, state.awaits(*ix, *attempt)),
        };
        Ok((!due).then_some(ix))
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
        let Look { action, target, boot, footprint, image, writer } = look;
        let since = self.looks.get(&ix).copied().unwrap_or_default();
        if step.class != UndoClass::Read {
            match self.shared.worth(ix, &footprint, since) {
                Worth::Good => {}
                Worth::Stale => {
                    log::stale(&step.path);
                    return Ok((Vec::new(), Follow::Free(ix)));
                }
                Worth::Held(others) => {
                    log::held(&step.path, others.len());
                    return Ok((Vec::new(), Follow::Wait(ix, others)));
                }
            }
        }
        if step.undoes.is_some() && settled(&action, &step.accepts, &image) {
            let (why, undoes) = (SkipWhy::AlreadyThere, step.undoes.clone());
            let event = Event::Skipped { step: step.path.clone(), why, by: None, reason: None, undoes };
            return Ok((vec![(event, writer.into_fresh())], Follow::Free(ix)));
        }
        let mut opened = BTreeMap::new();
        let run = self.run;
        let last = |key: &ResourceKey| {
            last_recorded(&self.history, &*self.journal, &self.store, (run, key), &mut opened).map_err(DriveError::from)
        };
        let found = drifts(&self.history, run, (step, &action), (&footprint, &image), last)?;
        let stops = found.last().filter(|drift| !drift.forced).map(|drift| PauseWhy::Drift(drift.key.clone()));
        let mut findings: Vec<Finding> = Vec::new();
        for drift in found {
            let mut words = differs(&self.history, run, (&drift.key, &drift.expected, &drift.found), &writer);
            words.push_str(&changed_again(self.state()?.shown.get(&drift.key), &drift.found, &writer));
            // What differs field by field is in the entry, and told with it.
            if let Some(tell) = self.tell.filter(|_| words != drift.expected.difference(&drift.found).join(", ")) {
                tell(&format!("{} differs from what was recorded last: {words}", drift.key));
            }
            let mut fresh = BTreeMap::new();
            let what = message(&self.store, Some(&words), &mut fresh)?;
            let Drift { key, expected, found, forced } = drift;
            let event = Event::DriftFound { step: step.path.clone(), key, expected, found, forced, what };
            findings.push((event, fresh));
        }
        if let Some(why) = stops {
            return Ok((findings, Follow::Block(ix, why, None)));
        }
        let seen = Arc::new(image.clone());
        let rules = self.state()?.rules;
        let first = known.original(rules);
        let (before, inverse, losses) = match first {
            // Our own change is never taken for the original: a retry keeps what the first attempt found.
            Some(first) if !finds_more(rules, &first.before, image.keys()) => {
                (first.before.clone(), first.inverse.clone(), first.losses.clone())
            }
            first => {
                let Original { before, inverse, losses } = match first {
                    Some(first) => {
                        let first = self.store.image(&first.before)?;
                        extended(rules, &action, &target, &footprint, (first, image))
                    }
                    None => Original::found(rules, &action, &target, &footprint, image),
                };
                (writer.image_ref(before)?, inverse, losses)
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
        findings.push((Event::Intent(Arc::new(intent)), writer.into_fresh()));
        Ok((findings, Follow::Execute(ix, seen)))
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
        let (came, mut finished) = match ended {
            Ended::Finished(finished) => {
                let unmet = if finished.why.is_none() { self.unmet(known, &after)? } else { None };
                let came = ExecutionResult::Finished { why: finished.why, unmet: unmet.is_some() };
                let message = unmet.or(finished.message);
                (came, Finished { message, ..finished })
            }
            Ended::Moved(words) if self.looks_again(attempt)? => {
                (ExecutionResult::Moved, Finished { message: Some(words), ..Finished::default() })
            }
            Ended::NotStarted(words) | Ended::Moved(words) => {
                (ExecutionResult::NotStarted, Finished { message: Some(words), ..Finished::default() })
            }
            // What is told is no end.
            Ended::Telling(_) => (ExecutionResult::Lost, Finished::default()),
            Ended::Unknown(words) => (ExecutionResult::Lost, Finished { message: Some(words), ..Finished::default() }),
        };
        let rules = self.state()?.rules;
        let spent = self.state()?.is_spent(known);
        let (ending, why) = outcome(came, rules);
        let moved = (came == ExecutionResult::Moved).then(|| probed_as_moved(step, attempt, spent));
        finished.why = why;
        let after = own(rules, why, after);
        let captures = if ending == Ending::Succeeded { captured(step, &finished) } else { BTreeMap::new() };
        let message = message(&self.store, finished.message.as_deref(), &mut fresh)?;
        let writer = BodyWriter::new(&self.store);
        let after = writer.image_ref(after)?;
        fresh.extend(writer.into_fresh());
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
            losses: finished.losses.map_or_else(Vec::new, |losses| *losses),
        };
        let mut findings = vec![(Event::Outcome(Box::new(outcome)), fresh)];
        findings.extend(moved.map(|probed| (Event::Probed(Box::new(probed)), BTreeMap::new())));
        Ok((findings, Follow::Free(ix)))
    }

    /// Whether a step whose resource changed under it looks again. Whoever is always overtaken waits for a person.
    fn looks_again(&self, attempt: Attempt) -> Result<bool, DriveError> {
        Ok(attempt < MOVES && self.state()?.rules.moved_steps_look_again())
    }

    /// What the action promises and is not there, in words.
    fn unmet(&self, known: &StepState, after: &Image) -> Result<Option<String>, DriveError> {
        let Some(intent) = &known.intent else { return Ok(None) };
        let before = self.store.image(&intent.before)?;
        let Some(key) = intent.action.unmet(&before, after) else { return Ok(None) };
        let found = after.get(key).map_or_else(String::new, State::to_string);
        Ok(Some(format!("it ended well, but {key} is {found}")))
    }

    fn running(&self, ix: StepIx) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let (word, verdict) = (JobWord::Running, Verdict::StillRunning);
        let Judged { verdict, rule, decision } =
            judged(step, Seen { word, verdict, unmet: false, heard: false, spent: false });
        let probed = Probed {
            step: step.path.clone(),
            attempt: known.attempt,
            verdict,
            rule,
            decision,
            job: word,
            observed: ImageRef::here(Image::new()),
            evidence: None,
            output: None,
            captures: BTreeMap::new(),
            code: None,
        };
        Ok((vec![(Event::Probed(Box::new(probed)), BTreeMap::new())], Follow::Attach(ix)))
    }

    /// What a job told while it runs: evidence, from which nothing follows.
    fn told(
        &self,
        ix: StepIx,
        attempt: Attempt,
        reports: Vec<Report>,
        mut fresh: BTreeMap<BodyId, Sealed>,
        again: bool,
    ) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let mut heard = known.heard.number;
        let mut findings: Vec<Finding> = Vec::with_capacity(reports.len());
        for Report { number, what, evidence } in reports {
            // Told twice, it is recorded once.
            if number <= heard {
                continue;
            }
            heard = number;
            let bodies = evidence.and_then(|id| fresh.remove_entry(&id)).into_iter().collect();
            let progress = Progress { step: step.path.clone(), attempt, number, what, evidence };
            findings.push((Event::Progress(Box::new(progress)), bodies));
        }
        Ok((findings, if again { Follow::Attach(ix) } else { Follow::Free(ix) }))
    }

    /// A look at an in-doubt step, and what follows from it.
    fn reconciled(&self, ix: StepIx, found: Reconciled) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        let Reconciled { attempt, word, finished, mut observed, mut verdict, mut fresh } = found;
        let mut finished = finished.unwrap_or_default();
        let rules = self.state()?.rules;
        if word == JobWord::FinishedBadly && finished.why.is_some_and(Why::is_refusal) {
            observed = own(rules, finished.why, observed);
            if observed.is_empty() {
                verdict = Verdict::CannotTell;
            }
        }
        let unmet = if word == JobWord::FinishedWell { self.unmet(known, &observed)? } else { None };
        let values = captured(step, &finished);
        let spent = self.state()?.is_spent(known);
        let seen = Seen { word, verdict, unmet: unmet.is_some(), heard: !values.is_empty(), spent };
        let Judged { verdict, rule, decision } = judged(step, seen);
        // Why the last attempt came to nothing is what a person should read.
        let told = (spent && decision == Decision::Failed && word != JobWord::FinishedBadly).then(|| {
            let last = known.message.and_then(|id| self.store.open(id).ok());
            let last = last.map(|text| String::from_utf8_lossy(&text).into_owned());
            format!(
                "it was begun anew {} times in a row and did nothing{}",
                known.again,
                last.map_or_else(String::new, |last| format!("; the last time: {last}"))
            )
        });
        finished.message = unmet.or(told).or(finished.message);
        let captures = if decision == Decision::Succeeded { values } else { BTreeMap::new() };
        let evidence = message(&self.store, finished.message.as_deref(), &mut fresh)?;
        let writer = BodyWriter::new(&self.store);
        let observed = writer.image_ref(observed)?;
        fresh.extend(writer.into_fresh());
        let probed = Probed {
            step: step.path.clone(),
            attempt,
            verdict,
            rule,
            decision,
            job: word,
            observed,
            evidence,
            output: finished.output,
            captures,
            code: finished.code.filter(|code| *code != 0),
        };
        Ok((vec![(Event::Probed(Box::new(probed)), fresh)], Follow::Free(ix)))
    }

    fn sampled(
        &self,
        ix: StepIx,
        now: Micros,
        sample: Result<Sample, LookError>,
        mut fresh: BTreeMap<BodyId, Sealed>,
    ) -> Result<Handled, DriveError> {
        let (step, known) = self.step(ix)?;
        // A target that cannot be asked keeps the gate closed; it does not fail it.
        let sample = match sample {
            Ok(sample) => sample,
            Err(LookError::Body(error)) => return Err(error.into()),
            Err(error) => {
                let evidence = message(&self.store, Some(&chain(&error)), &mut fresh)?;
                Sample {
                    evidence,
                    facts: BTreeMap::from([("asked".to_owned(), "no answer".to_owned())]),
                    ..Sample::default()
                }
            }
        };
        let Sample { pass, hopeless, facts, evidence } = sample;
        let path = || step.path.clone();
        let counts = self.state()?.rules.gates_count_what_was_waited();
        let time = SampleTime { at: now, waited: counts.then(|| self.clock.waited(self.executor, ix)) };
        let waited = time.waited;
        let mut findings = vec![(Event::GateSampled { step: path(), pass, hopeless, facts, evidence, waited }, fresh)];
        let decided = |passed| Event::GateDecided { step: path(), passed };
        let (decision, follow) = match sampled(step, (known.passes, known.began), time, (pass, hopeless)) {
            Some(Sampled::Again(at)) => (None, Follow::Sleep(ix, at.since(waited.unwrap_or(now)))),
            Some(Sampled::Fails) => (Some(decided(false)), Follow::Free(ix)),
            Some(Sampled::Opens) => (Some(decided(true)), Follow::Free(ix)),
            Some(Sampled::TimeUp) => (Some(Event::TimerFired { step: path() }), Follow::Free(ix)),
            None => (None, Follow::Free(ix)),
        };
        findings.extend(decision.map(|event| (event, BTreeMap::new())));
        Ok((findings, follow))
    }
}

/// What an attempt left: of one that was refused nothing, for what is there then is what others made of it.
fn own(rules: Rules, why: Option<Why>, found: Image) -> Image {
    match rules.refusals_leave_no_image() && why.is_some_and(Why::is_refusal) {
        true => Image::new(),
        false => found,
    }
}

/// What is known at once of an attempt that did not begin, since its resource changed: it is tried again.
fn probed_as_moved(step: &Step, attempt: Attempt, spent: bool) -> Probed {
    let word = JobWord::NotStarted;
    let seen = Seen { word, verdict: Verdict::NotApplied, unmet: false, heard: false, spent };
    let Judged { verdict, rule, decision } = judged(step, seen);
    Probed {
        step: step.path.clone(),
        attempt,
        verdict,
        rule,
        decision,
        job: word,
        observed: ImageRef::here(Image::new()),
        evidence: None,
        output: None,
        captures: BTreeMap::new(),
        code: None,
    }
}

fn captured(step: &Step, finished: &Finished) -> BTreeMap<Label, String> {
    step.capture.iter().zip(&finished.value).map(|(name, value)| (name.clone(), value.to_string())).collect()
}
